"""Settings documents for tests: the one of the documentation, and any that is valid."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from tests.domain.changed_documents import with_changes

EXAMPLE: dict[str, Any] = {
    "company": {
        "recruitee_company_id": 89564,
        "name": "Example GmbH",
        "time_zone": "Europe/Berlin",
        "country": "DE",
        "subdivision": "NW",
        "language": "de",
        "caller_number": "+4952112345670",
    },
    "calling": {
        "max_attempts": 4,
        "attempts_per_day": 2,
        "weekdays": ["mon", "tue", "wed", "thu", "fri", "sat"],
        "windows": [{"from": "09:00", "to": "12:00"}, {"from": "14:00", "to": "18:00"}],
        "pause_minutes": 180,
        "first_call_delay_minutes": 3,
        "max_per_30_days": 10,
        "observe_public_holidays": True,
        "closed_days": ["2026-12-24"],
    },
    "question_sets": {
        "care": {
            "language": "de",
            "questions": [
                {
                    "key": "experience",
                    "text": "Wie viele Jahre haben Sie in der Pflege gearbeitet?",
                    "kind": "number",
                },
                {"key": "start", "text": "Ab wann können Sie anfangen?", "kind": "text"},
            ],
        }
    },
    "hosts": {},
    "watched_stages": [
        {
            "offer_id": 1181300,
            "stage_id": 8063176,
            "mode": "interview",
            "target": 8063177,
            "move_when": "completed",
            "question_set": "care",
            "call_those_already_there": False,
        }
    ],
}


def changed(*changes: tuple[str, object]) -> str:
    """The example with these changes."""
    return with_changes(EXAMPLE, *changes)


KEYS = st.from_regex(r"\A[A-Za-z0-9_-]{1,64}\Z")
TEXTS = st.text(st.characters(exclude_categories=("Cs", "Cc")), min_size=1, max_size=200).filter(str.strip)
IDS = st.integers(1, 2**63 - 1)
LANGUAGES = st.sampled_from(["de", "en"])
BOUNDS = st.lists(st.integers(0, 24 * 60), min_size=2, max_size=12, unique=True).map(sorted)


def _clock(minutes: int) -> str:
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _windows(bounds: list[int]) -> list[dict[str, str]]:
    return [{"from": _clock(bounds[i]), "to": _clock(bounds[i + 1])} for i in range(0, len(bounds) - 1, 2)]


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """Any valid document, its lists in any order."""
    windows = draw(BOUNDS.map(_windows).flatmap(st.permutations))
    country, subdivision = draw(
        st.sampled_from(
            [("DE", "BY"), ("DE", None), ("AT", "9"), ("CH", "ZH"), ("GB", "SCT"), ("US", "NY"), ("JP", None)]
        )
    )
    question = st.fixed_dictionaries(
        {"key": KEYS, "text": TEXTS},
        optional={"kind": st.sampled_from(["text", "yes_no", "number"]), "required": st.booleans()},
    )
    questions = st.lists(question, min_size=1, max_size=4, unique_by=lambda one: str(one["key"]))
    sets = draw(
        st.dictionaries(KEYS, st.fixed_dictionaries({"language": LANGUAGES, "questions": questions}), max_size=3)
    )
    host = st.fixed_dictionaries({"name": TEXTS}, optional={"recruitee_admin_id": IDS, "language": LANGUAGES})
    stage = st.fixed_dictionaries(
        {
            "offer_id": IDS,
            "stage_id": st.integers(1, 50),
            "mode": st.just("interview"),
            "question_set": st.sampled_from(sorted(sets) or [""]),
        },
        optional={
            "target": st.sampled_from(["next", "none"]) | st.integers(51, 99),
            "move_when": st.sampled_from(["completed", "reached"]),
            "call_those_already_there": st.booleans(),
        },
    )
    stages = st.lists(stage, max_size=4, unique_by=lambda one: (one["offer_id"], one["stage_id"]))
    day = st.dates().filter(lambda day: 2000 <= day.year <= 2999).map(str)
    return {
        "company": {
            "recruitee_company_id": draw(st.integers(1, 999_999_999_999)),
            "name": draw(TEXTS),
            "time_zone": draw(st.sampled_from(["Europe/Berlin", "Asia/Kathmandu", "America/St_Johns", "UTC"])),
            "country": country,
            "language": draw(LANGUAGES),
            "caller_number": draw(st.sampled_from(["+4952112345670", "+12025550123", "+442079460018"])),
        }
        | ({"subdivision": subdivision} if subdivision else {}),
        "calling": {
            "max_attempts": draw(st.integers(1, 20)),
            "attempts_per_day": draw(st.integers(1, 10)),
            "weekdays": draw(
                st.lists(st.sampled_from(["mon", "tue", "wed", "thu", "fri", "sat"]), min_size=1, unique=True)
            ),
            "windows": windows,
        }
        | draw(
            st.fixed_dictionaries(
                {},
                optional={
                    "pause_minutes": st.integers(0, 10080),
                    "first_call_delay_minutes": st.integers(0, 10080),
                    "max_per_30_days": st.integers(1, 100),
                    "calls_at_once": st.integers(1, 10_000),
                    "observe_public_holidays": st.booleans(),
                    "closed_days": st.lists(day, max_size=4),
                },
            )
        ),
        "question_sets": sets,
        "hosts": draw(st.dictionaries(KEYS, host, max_size=2)),
        "watched_stages": draw(stages) if sets else [],
    }
