"""`klara-daemon explain`: from documents and from the database, and what a person is told who gave something bad."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import process_time
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from klara_daemon.domain.settings import parse
from klara_daemon.store import callers, pauses, settings
from klara_daemon.store.database import Connection
from tests.commands.command_line import Ended, give
from tests.domain.changed_documents import ABSENT
from tests.domain.settings_documents import EXAMPLE as SETTINGS
from tests.domain.situation_documents import EXAMPLE, changed

COMPANY, OFFER, STAGE, CANDIDATE = 89564, 1181300, 8063176, 64537342
MOBILE = "+4915112345678"


async def explain(typed: str | bytes, *words: str) -> Ended:
    """What is answered to these documents on standard input."""
    return await give("explain", "--file", "-", *words, environment={}, typed=typed)


async def answered(*changes: tuple[str, object], days: int | None = None) -> dict[str, Any]:
    """The one answer to the example with these changes."""
    ended = await explain(changed(*changes), *(("--days", str(days)) if days else ()))
    assert (ended.status, ended.told) == (0, "")
    (line,) = ended.printed.splitlines()
    told: dict[str, Any] = json.loads(line)
    return told


def codes(told: dict[str, Any]) -> list[str]:
    return [rule["code"] for rule in told["rules"]]


# From a file


async def test_the_example_waits_for_the_afternoon() -> None:
    assert await answered() == {
        "decision": "wait",
        "at": "2026-11-23T13:00:00Z",
        "rules": [
            {"code": "pause", "says": "The pause after the last call.", "until": "2026-11-23T11:05:00Z"},
            {
                "code": "window",
                "says": "Outside of the company's calling windows.",
                "until": "2026-11-23T13:00:00Z",
            },
        ],
    }


async def test_a_call_may_start_now() -> None:
    told = await answered(("attempts", []))

    assert told == {"decision": "call", "at": "2026-11-23T09:00:00Z", "rules": []}


async def test_settings_that_allow_no_call_hold() -> None:
    failures = [{"at": f"2026-11-23T08:{minute}:00Z", "disposition": "technical_failure"} for minute in range(10, 20)]

    told = await answered(("attempts", failures))

    assert (told["decision"], told["at"], codes(told)) == ("hold", None, ["technical_failure"])


async def test_an_end_names_its_rule_and_its_outcome() -> None:
    told = await answered(("opted_out", True))

    assert told == {
        "decision": "never",
        "at": None,
        "outcome": "refused",
        "rules": [{"code": "opted_out", "says": "The candidate asked never to be called again.", "until": None}],
    }


async def test_without_an_entry_there_is_no_first_delay() -> None:
    entered = ("entered_at", "2026-11-23T08:59:00Z")

    assert (await answered(("attempts", []), entered))["at"] == "2026-11-23T09:02:00Z"
    assert (await answered(("attempts", []), ("entered_at", ABSENT)))["decision"] == "call"


async def test_the_order_of_the_attempts_makes_no_difference() -> None:
    earlier = {"at": "2026-11-20T09:00:00Z", "disposition": "busy"}

    assert await answered(("attempts.+", earlier)) == await answered(("attempts", [earlier, EXAMPLE["attempts"][0]]))


async def test_microseconds_are_told_where_there_are_any() -> None:
    told = await answered(("attempts", []), ("now", "2026-11-23T10:00:00.5+01:00"))

    assert told["at"] == "2026-11-23T09:00:00.500000Z"


async def test_without_now_it_is_the_machines_clock() -> None:
    before = datetime.now(UTC)
    told = await answered(("now", ABSENT), ("attempts", []), ("entered_at", ABSENT))
    at = datetime.fromisoformat(told["at"])

    assert at >= before
    assert at <= datetime.now(UTC) or told["decision"] == "wait"


async def test_a_document_may_be_spread_over_lines_and_lie_in_a_file(tmp_path: Path) -> None:
    file = tmp_path / "situation.json"
    file.write_bytes(b"\xef\xbb\xbf" + json.dumps(EXAMPLE, indent=2).encode().replace(b"\n", b"\r\n"))

    ended = await give("explain", "--file", str(file), environment={})

    assert ended.status == 0
    assert json.loads(ended.printed) == await answered()


async def test_lines_are_answered_one_line_each_in_order() -> None:
    nows = [f"2026-11-23T{hour:02}:30:00Z" for hour in (13, 8, 18)]
    lines = "\n\n".join(changed(("now", now), ("attempts", [])) for now in nows)

    ended = await explain(lines)

    assert ended.status == 0
    assert [json.loads(line)["at"] for line in ended.printed.splitlines()] == [
        "2026-11-23T13:30:00Z", "2026-11-23T08:30:00Z", "2026-11-24T08:00:00Z",
    ]  # fmt: skip


async def test_ten_thousand_lines_take_seconds() -> None:
    start = datetime(2026, 1, 1, tzinfo=UTC)
    lines = [
        changed(("now", str(start + timedelta(minutes=37 * nth))), ("number", f"+49151{10**7 + nth}"))
        for nth in range(10_000)
    ]

    began = process_time()
    ended = await explain("\n".join(lines))

    assert len(ended.printed.splitlines()) == 10_000
    assert process_time() - began < 30  # 3 s on a machine with nothing else to do


async def test_the_windows_of_the_days_to_come_are_listed() -> None:
    told = await answered(
        ("now", "2026-11-28T23:30:00Z"), ("calling.windows", [{"from": "09:00", "to": "12:00"}]), days=2
    )

    assert told["days"] == [
        {"on": "2026-11-29", "weekday": "sun", "windows": [], "says": "Nobody is called on a Sunday."},
        {
            "on": "2026-11-30",
            "weekday": "mon",
            "windows": [{"from": "2026-11-30T08:00:00Z", "to": "2026-11-30T11:00:00Z"}],
            "says": None,
        },
    ]


async def test_a_year_of_days_is_listed() -> None:
    told = await answered(days=366)

    assert len(told["days"]) == 366
    assert (told["days"][0]["on"], told["days"][-1]["on"]) == ("2026-11-23", "2027-11-23")


# What is refused


@pytest.mark.parametrize(
    ("path", "value", "fault"),
    [
        ("company.time_zone", "Mars/Olympus", "company.time_zone: must be the exact name of a time zone"),
        ("company.country", "XX", "company.country: must be a country's code"),
        ("company.subdivision", "QQ", "company.subdivision: must be a part of DE"),
        ("company.name", "Example GmbH", "company.name: is not known here"),
        ("calling.weekdays.0", "sun", "calling.weekdays[0]: Klara never calls on a Sunday"),
        ("calling.windows.1.from", "11:59", "calling.windows[1].from: overlaps the window from 09:00 to 12:00"),
        ("calling.max_attempts", float("nan"), "calling.max_attempts: must be a whole number"),
        ("number", "no number", "number: must be a telephone number"),
        ("number", "+499001234567", "number: is a telephone number of a kind that Klara does not call"),
        ("attempts.0.disposition", "annoyed", "attempts[0].disposition: must be one of"),
        ("attempts.0.at", "2026-11-23T08:05:00", "attempts[0].at: must be an instant with its zone"),
        ("now", 7, "now: must be an instant with its zone"),
        ("opted_out", "no", "opted_out: must be true or false"),
        ("attempts", None, "attempts: must be a list"),
        ("number", "1" * 300, "number: must have at most 250 characters"),
    ],
)
async def test_what_does_not_fit_is_named_by_its_path(path: str, value: object, fault: str) -> None:
    ended = await explain(changed((path, value)))

    assert (ended.status, ended.printed) == (2, "")
    assert f"\n  {fault}" in ended.told


async def test_bad_lines_are_named_with_their_numbers_and_nothing_is_answered() -> None:
    good = changed().encode()
    twice = good.replace(b'"number"', b'"opted_out": true, "number"')
    bad = changed(("company.country", "XX"), ("calling.weekdays.0", "sun")).encode()

    ended = await explain(b"\n".join([good, bad, b'{"company"', b"", b'{"\xff": 1}', b"[]", twice, good]))

    assert (ended.status, ended.printed) == (2, "")
    told = [line for line in ended.told.splitlines() if line.startswith("  ")]
    assert [line.split(": ")[:2] for line in told] == [
        ["  line 2", "company.country"],
        ["  line 2", "calling.weekdays[0]"],
        ["  line 3", "document"],
        ["  line 5", "document"],
        ["  line 6", "document"],
        ["  line 7", "opted_out"],
    ]
    assert told[2].endswith("at column 10")
    assert "Nothing was answered." in ended.told


@pytest.mark.parametrize(
    "typed", [b"", b"\n \n", b"{", b"[]", b"\0", b"\xff\xfe{\0}\0", b"[" * 100_000, b'{"number": "\xe4"}', b"NaN"]
)
async def test_whatever_is_given_for_a_document_ends_in_words(typed: bytes) -> None:
    ended = await explain(typed)

    assert (ended.status, ended.printed) == (2, "")
    assert "\n  document: " in ended.told


async def test_what_is_absurdly_long_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("klara_daemon.commands.explain.LONGEST_FILE", 2_000_000)

    one, all_of_it = await explain(b" " * 1_048_577 + b"{}"), await explain(b" " * 2_000_001)

    assert (one.status, all_of_it.status) == (2, 2)
    assert "document: must have at most 1048576 characters" in one.told
    assert "document: must have at most 2000000 bytes" in all_of_it.told


@pytest.mark.parametrize(
    "words",
    [
        (),
        ("--candidate", "1"),
        ("--company", "1"),
        ("--file", "-", "--candidate", "1", "--company", "1"),
        ("--file", "-", "--company", "1"),
        ("--days", "14"),
    ],
)
async def test_either_a_file_or_a_candidate_is_to_be_given(words: tuple[str, ...]) -> None:
    ended = await give("explain", *words, environment={}, typed=changed())

    assert (ended.status, ended.printed) == (2, "")
    assert "Give either --file PATH, or --candidate ID and --company N." in ended.told


@pytest.mark.parametrize("days", ["0", "367", "-1", "two", "1.5"])
async def test_days_are_1_to_366(days: str) -> None:
    assert (await explain(changed(), "--days", days)).status == 2


async def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    ended = await give("explain", "--file", str(tmp_path / "absent.json"), environment={})

    assert ended.status == 2
    assert "absent.json" in ended.told


# From the database


@dataclass
class House:
    """A company in the database, and the one candidate of whom it knows."""

    conn: Connection
    url: str

    async def outreach(self, state: str, *, offer: int = OFFER, outcome: str | None = None) -> UUID:
        """An outreach of the candidate, who has only just entered; each later than the one before."""
        stay_id, outreach_id, now = uuid4(), uuid4(), datetime.now(UTC)
        await self.conn.execute(
            "INSERT INTO stays (id, company_id, candidate_id, placement_id, offer_id, stage_id, entered_at,"
            " already_there) VALUES ($1, $2, $3, $4, $5, $6, $7, false)",
            stay_id, COMPANY, CANDIDATE, stay_id.int % 2**62, offer, STAGE, now,
        )  # fmt: skip
        await self.conn.execute(
            "INSERT INTO outreaches (id, stay_id, company_id, candidate_id, placement_id, offer_id, stage_id, mode,"
            " state, opened_at, due_at, outcome, ended_at)"
            " VALUES ($1, $2, $3, $4, 1, $5, $6, 'interview', $7, $8, $9, $10, $11)",
            outreach_id, stay_id, COMPANY, CANDIDATE, offer, STAGE, state, now,
            datetime(2026, 11, 23, 8, 3, tzinfo=UTC) if state == "waiting" else None, outcome, outcome and now,
        )  # fmt: skip
        return outreach_id

    async def attempt(self, outreach_id: UUID, state: str, disposition: str | None = None) -> None:
        """A call of the outreach, whatever day it is today."""
        await self.conn.execute("SET session_replication_role = replica")
        await self.conn.execute(
            "INSERT INTO attempts (id, outreach_id, company_id, candidate_id, number, e164, caller, provider, state,"
            " claimed_at, placed_at, disposition, ended_at) VALUES (gen_random_uuid(), $1, $2, $3, 1, $4, $4, 'twilio',"
            " $5, now(), now(), $6::text, CASE WHEN $6::text IS NULL THEN NULL ELSE now() END)",
            outreach_id, COMPANY, CANDIDATE, MOBILE, state, disposition,
        )  # fmt: skip
        await self.conn.execute("SET session_replication_role = DEFAULT")

    async def forget(self, *tables: str) -> None:
        """Another program deletes all rows of these tables."""
        for table in tables:
            await self.conn.execute(f"SET session_replication_role = replica; DELETE FROM {table}")  # noqa: S608

    async def told(self, *words: str, candidate: int = CANDIDATE, company: int = COMPANY) -> Ended:
        """What the command says."""
        return await give(
            "explain", "--candidate", str(candidate), "--company", str(company), *words,
            environment={"KLARA_DATABASE_URL": self.url},
        )  # fmt: skip

    async def answers(self, *words: str) -> list[dict[str, Any]]:
        """Its answers."""
        ended = await self.told(*words)
        assert (ended.status, ended.told) == (0, "")
        return [json.loads(line) for line in ended.printed.splitlines()]


@pytest.fixture
async def house(database_url: str) -> AsyncIterator[House]:
    conn = await asyncpg.connect(database_url)
    await settings.apply(conn, parse(json.dumps(SETTINGS)), "test")
    await conn.execute(
        "INSERT INTO candidates (company_id, candidate_id, name, phones) VALUES ($1, $2, 'Erika', '{0151 12345678}')",
        COMPANY,
        CANDIDATE,
    )
    yield House(conn, database_url)
    await conn.close()


async def test_an_outreach_that_waits_is_explained_as_it_stands(house: House) -> None:
    await house.outreach("waiting")

    (told,) = await house.answers("--days", "3")

    assert list(told) == ["offer_id", "stage_id", "due_at", "decision", "at", "rules", "days"]
    assert (told["offer_id"], told["stage_id"], told["due_at"]) == (OFFER, STAGE, "2026-11-23T08:03:00Z")
    assert told["decision"] == "wait"
    assert told["rules"][0]["says"] == "The candidate has only just entered the stage."
    assert len(told["days"]) == 3


async def test_each_open_outreach_is_explained_and_no_ended_one(house: House) -> None:
    await house.outreach("ended", offer=1, outcome="withdrawn")
    await house.outreach("held", offer=2)
    await house.outreach("waiting", offer=3)

    assert [told["offer_id"] for told in await house.answers()] == [2, 3]


async def test_where_none_is_open_the_latest_end_is_explained(house: House) -> None:
    await house.outreach("ended", offer=1, outcome="withdrawn")
    refused = await house.outreach("ended", offer=2, outcome="refused")
    await house.attempt(refused, "ended", "declined")

    (told,) = await house.answers()

    assert (told["offer_id"], told["decision"], told["outcome"], told["at"]) == (2, "never", "refused", None)
    assert codes(told) == ["declined"]


async def test_who_left_the_stage_is_explained_so(house: House) -> None:
    await house.outreach("ended", outcome="withdrawn")
    await house.conn.execute("UPDATE stays SET left_at = now(), left_because = 'left_stage'")

    (told,) = await house.answers()

    assert (told["decision"], told["outcome"], codes(told)) == ("never", "withdrawn", ["left_stage"])


async def test_while_a_call_is_under_way_that_is_said(house: House) -> None:
    await house.attempt(await house.outreach("calling"), "ringing")

    (told,) = await house.answers()

    assert (told["decision"], codes(told)) == ("wait", ["calling"])


async def test_an_opt_out_is_obeyed(house: House) -> None:
    await house.outreach("waiting")
    await house.conn.execute("INSERT INTO opt_outs (company_id, e164, at) VALUES ($1, $2, now())", COMPANY, MOBILE)

    (told,) = await house.answers()

    assert (told["decision"], codes(told)) == ("never", ["opted_out"])


async def test_a_company_without_settings_holds(house: House) -> None:
    await house.outreach("held")
    await house.forget("calling_windows")

    (told,) = await house.answers("--days", "2")

    assert (told["decision"], codes(told)) == ("hold", ["settings"])
    assert [day["says"] for day in told["days"]] == ["The company's settings are missing or incomplete."] * 2


async def test_a_stage_with_nothing_to_ask_holds(house: House) -> None:
    await house.outreach("held")
    await house.forget("watched_stages")

    (told,) = await house.answers()

    assert (told["decision"], codes(told)) == ("hold", ["questions"])


async def test_a_pause_by_hand_holds_and_says_why(house: House) -> None:
    await house.outreach("waiting")
    await pauses.pause(house.conn, COMPANY, "anna@example.com", "strike")

    (told,) = await house.answers()

    assert (told["decision"], codes(told)) == ("hold", ["paused"])
    assert "strike" in told["rules"][0]["says"]


async def test_a_caller_number_that_is_refused_is_waited_for_and_named(house: House) -> None:
    await house.outreach("waiting")
    caller = await house.conn.fetchval("SELECT caller_number FROM companies")
    await callers.refused(house.conn, caller, "21210: not verified", 300)

    (told,) = await house.answers()

    assert told["decision"] == "wait"
    assert "paused" in codes(told)
    assert any("21210: not verified" in rule["says"] for rule in told["rules"])


@pytest.mark.parametrize(("candidate", "company"), [(1, COMPANY), (CANDIDATE, 7), (2**63 - 1, 2**63 - 1)])
async def test_of_whom_nothing_is_known_that_is_said(house: House, candidate: int, company: int) -> None:
    await house.outreach("waiting")

    ended = await house.told(candidate=candidate, company=company)

    assert (ended.status, ended.printed) == (2, "")
    assert f"Nothing is known of candidate {candidate} of company {company}." in ended.told


async def test_looking_changes_nothing(house: House) -> None:
    await house.outreach("waiting")
    before = await house.conn.fetch("SELECT * FROM outreaches")

    await house.told("--days", "14")

    assert await house.conn.fetch("SELECT * FROM outreaches") == before
    assert await house.conn.fetch("SELECT * FROM timeline") == []


async def test_without_a_database_it_says_which_variable_is_missing() -> None:
    ended = await give("explain", "--candidate", "1", "--company", "1", environment={"KLARA_DATABASE_URL": ""})

    assert ended.status == 78
    assert "KLARA_DATABASE_URL is missing" in ended.told
