"""The verdict on a journey can be bad: each thing that must not be is found, and counted where it belongs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from klara_daemon.demo.telephone.people import Answers, Busy, HangsUpAfter, NoAnswer, NotInService
from klara_daemon.domain.dispositions import AttemptState, Disposition, Outcome
from tests.journey.candidates import Person
from tests.journey.evidence import Attempt, Call, Evidence
from tests.journey.town import BERLIN, INTERVIEW, MAX_ATTEMPTS
from tests.journey.verdict import Verdict, judge

MONDAY: Final = datetime(2026, 9, 7, 9, 3, tzinfo=BERLIN)
ADA: Final = 7
NUMBER: Final = "+4915123456701"
ANSWERS: Final = Answers(["Sieben Jahre."])
NOTE: Final = "Sieben Jahre.\nKlara-Ref: 1"


def attempt(number: int, disposition: Disposition, at: datetime, **other: Any) -> Attempt:
    """An attempt as the daemon believes it to have been."""
    seen = Attempt(f"a{number}", ADA, number, NUMBER, AttemptState.ENDED, disposition, f"CA{number}", at)
    return replace(seen, **other)


#: Somebody who was busy at first, and was interviewed a quarter of an hour later.
CLEAN: Final = Evidence(
    people={ADA: Person("Ada", NUMBER, (Busy(), ANSWERS), Outcome.COMPLETED, 2, ("Sieben Jahre.",))},
    entered_at={ADA: MONDAY - timedelta(minutes=3)},
    attempts=[
        attempt(1, Disposition.BUSY, MONDAY),
        attempt(2, Disposition.INTERVIEWED, MONDAY + timedelta(minutes=15)),
    ],
    outcomes={ADA: [Outcome.COMPLETED]},
    calls=[Call("CA1", "a1", NUMBER), Call("CA2", "a2", NUMBER)],
    dials=["a1", "a2"],
    notes={ADA: [NOTE]},
    moves={ADA: [INTERVIEW]},
    interrupted=frozenset({"attempt a2"}),
)
FIRST, SECOND = CLEAN.attempts


def test_a_clean_journey_is_clean_and_counts_what_was_recovered() -> None:
    verdict = judge(CLEAN)
    assert verdict.is_clean, str(verdict)
    assert str(verdict) == "lost 0, duplicated 0, unexpected 0, recovered 1\n  recovered: attempt a2"


def second_at(at: datetime, **first: Any) -> Evidence:
    """The second attempt at another time, after another first one."""
    return replace(CLEAN, attempts=[replace(FIRST, **first), replace(SECOND, placed_at=at)])


def second_ended(disposition: Disposition) -> Evidence:
    """The second attempt, to somebody who answers it, ended otherwise."""
    return replace(CLEAN, attempts=[FIRST, replace(SECOND, disposition=disposition)])


LOST: Final = {
    "a call that nobody got": replace(CLEAN, calls=CLEAN.calls[:1]),
    "a call that was refused, but has an id": replace(
        CLEAN, attempts=[replace(FIRST, disposition=Disposition.NOT_PLACED), SECOND], calls=CLEAN.calls[1:]
    ),
    "an attempt without an end": replace(
        CLEAN, attempts=[FIRST, replace(SECOND, state=AttemptState.TALKING, disposition=None)]
    ),
    "a candidate without an outreach": replace(CLEAN, outcomes={}),
    "an outreach without an end": replace(CLEAN, outcomes={ADA: [None]}),
    "a note": replace(CLEAN, notes={ADA: ["Sieben Jahre."]}),
    "an answer": replace(CLEAN, notes={ADA: ["Klara-Ref: 1"]}),
    "a move": replace(CLEAN, moves={}),
    "work": replace(CLEAN, left=frozenset({"message 1"})),
}
DUPLICATED: Final = {
    "a dial": replace(CLEAN, dials=["a1", "a2", "a2"]),
    "a call of one attempt": replace(CLEAN, calls=[*CLEAN.calls, Call("CA3", "a2", NUMBER)]),
    "two calls at once": replace(CLEAN, overlaps=["CA1 and CA2"]),
    "a call before its time, after the entry": replace(CLEAN, entered_at={ADA: MONDAY - timedelta(seconds=179)}),
    "a call before its time, after busy": second_at(MONDAY + timedelta(minutes=14, seconds=59)),
    "a call before its time, after nobody answered": second_at(
        MONDAY + timedelta(minutes=179), disposition=Disposition.NO_ANSWER
    ),
    "a call before its time, after a mailbox": second_at(
        MONDAY.replace(hour=17, minute=59), disposition=Disposition.VOICEMAIL
    ),
    "a call before its time, after a fault": second_at(
        MONDAY + timedelta(minutes=4), disposition=Disposition.TECHNICAL_FAILURE
    ),
    "a note": replace(CLEAN, notes={ADA: [NOTE, "Sieben Jahre.\nKlara-Ref: 2"]}),
    "a marker": replace(CLEAN, notes={ADA: [f"{NOTE}\n{NOTE}"]}),
    "a move": replace(CLEAN, moves={ADA: [INTERVIEW, INTERVIEW]}),
    "an outreach": replace(CLEAN, outcomes={ADA: [Outcome.COMPLETED, Outcome.COMPLETED]}),
}
UNEXPECTED: Final = {
    "a dial for no attempt": replace(CLEAN, dials=[*CLEAN.dials, "a3"]),
    "a call for no attempt": replace(CLEAN, calls=[*CLEAN.calls, Call("CA3", None, NUMBER)]),
    "a call to somebody else": replace(CLEAN, calls=[CLEAN.calls[0], Call("CA2", "a2", "+4930123456")]),
    "a call that is another one to the daemon": replace(CLEAN, calls=[CLEAN.calls[0], Call("CA9", "a2", NUMBER)]),
    "a telephone that rang, and was not to have": second_at(SECOND.placed_at, disposition=Disposition.NOT_PLACED),
    "a call at noon": second_at(MONDAY.replace(hour=12, minute=0)),
    "a call on Sunday": second_at(MONDAY + timedelta(days=6)),
    "a third call in a day": replace(
        CLEAN,
        attempts=[
            FIRST,
            *(replace(SECOND, id=f"a{n}", number=n, placed_at=MONDAY.replace(hour=8 + 3 * n)) for n in (2, 3)),
        ],
    ),
    "a call above the maximum": replace(
        CLEAN,
        attempts=[
            attempt(n, Disposition.NO_ANSWER, MONDAY + timedelta(days=n - 1), ref=None if n > 2 else f"CA{n}")
            for n in range(1, 6)
        ],
    ),
    "a hang-up of somebody who never hangs up": second_ended(Disposition.HUNG_UP),
    "an interview that was cut off, held against who never hangs up": second_ended(Disposition.PARTLY_INTERVIEWED),
    "silence of somebody who speaks": second_ended(Disposition.NO_ANSWER),
    "another outcome": replace(CLEAN, outcomes={ADA: [Outcome.REFUSED]}),
    "a move to elsewhere": replace(CLEAN, moves={ADA: [1]}),
    "a parked message": replace(CLEAN, parked=["plan_outreach: KeyError"]),
    "a fault on the wire": replace(CLEAN, problems=["HTTP 500"]),
}


@pytest.mark.parametrize("evidence", LOST.values(), ids=LOST)
def test_what_is_lost_is_found(evidence: Evidence) -> None:
    assert counted(evidence, lambda verdict: verdict.lost)


@pytest.mark.parametrize("evidence", DUPLICATED.values(), ids=DUPLICATED)
def test_what_is_duplicated_is_found(evidence: Evidence) -> None:
    assert counted(evidence, lambda verdict: verdict.duplicated)


@pytest.mark.parametrize("evidence", UNEXPECTED.values(), ids=UNEXPECTED)
def test_what_is_unexpected_is_found(evidence: Evidence) -> None:
    assert counted(evidence, lambda verdict: verdict.unexpected)


def test_a_call_that_was_called_off_before_it_rang_was_not_placed() -> None:
    evidence = second_at(SECOND.placed_at, disposition=Disposition.NOT_PLACED)
    evidence = replace(evidence, calls=[replace(CLEAN.calls[0], rang=False), CLEAN.calls[1]])
    assert judge(evidence).is_clean, str(judge(evidence))


@pytest.mark.parametrize("disposition", [Disposition.HUNG_UP, Disposition.PARTLY_INTERVIEWED])
def test_who_hangs_up_may_have_hung_up(disposition: Disposition) -> None:
    hangs_up = replace(CLEAN.people[ADA], takes_calls=(Busy(), HangsUpAfter(1, ["Ja."]), ANSWERS))
    evidence = second_ended(disposition)
    assert judge(replace(evidence, people={ADA: hangs_up})).is_clean


def test_a_fault_is_held_against_nobody() -> None:
    evidence = second_ended(Disposition.TECHNICAL_FAILURE)
    assert judge(evidence).is_clean, str(judge(evidence))


def test_as_many_calls_as_the_maximum_allows_are_not_too_many() -> None:
    calls = [attempt(n, Disposition.NO_ANSWER, MONDAY + timedelta(days=n - 1)) for n in range(1, MAX_ATTEMPTS + 1)]
    evidence = replace(
        CLEAN,
        people={ADA: Person("Ada", NUMBER, (NoAnswer(),), Outcome.EXHAUSTED, MAX_ATTEMPTS)},
        attempts=calls,
        outcomes={ADA: [Outcome.EXHAUSTED]},
        calls=[Call(f"CA{one.number}", one.id, NUMBER) for one in calls],
        dials=[one.id for one in calls],
        moves={},
    )
    assert judge(evidence).is_clean, str(judge(evidence))


def test_a_number_that_is_refused_need_not_have_rung() -> None:
    refused = attempt(1, Disposition.INVALID_NUMBER, MONDAY, ref=None)
    uncallable = Person("Ada", NUMBER, (NotInService(),), Outcome.UNCALLABLE, 1)
    evidence = Evidence(
        people={ADA: uncallable},
        entered_at=CLEAN.entered_at,
        attempts=[refused],
        outcomes={ADA: [Outcome.UNCALLABLE]},
        dials=["a1"],
        notes={ADA: ["Klara-Ref: 1"]},
    )
    assert judge(evidence).is_clean, str(judge(evidence))


def counted(evidence: Evidence, where: Callable[[Verdict], object]) -> bool:
    """Whether the verdict is bad, and says so there."""
    verdict = judge(evidence)
    return bool(where(verdict)) and not verdict.is_clean
