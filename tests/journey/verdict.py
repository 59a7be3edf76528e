"""Whether a journey went as it must, in Jepsen's counters: what was lost, duplicated, unexpected, and recovered.

The telephone network is the oracle: it alone knows whose telephone rang. The rules are those of the product page,
written down a second time here, and more simply.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Final

from klara_daemon.domain.dispositions import AttemptState, Disposition, Outcome
from tests.journey.evidence import Attempt, Evidence
from tests.journey.town import (
    ATTEMPTS_PER_DAY,
    BERLIN,
    FIRST_CALL_DELAY_MINUTES,
    INTERVIEW,
    MAX_ATTEMPTS,
    PAUSE_MINUTES,
    WINDOWS,
)

MARKER: Final = "Klara-Ref: "
SUNDAY: Final = 7
_UNCOUNTED: Final = (Disposition.INVALID_NUMBER, Disposition.TECHNICAL_FAILURE, Disposition.NOT_PLACED)
#: What ended so was refused, never asked for, or called off in the queue: no telephone has rung.
_SILENT: Final = (Disposition.INVALID_NUMBER, Disposition.NOT_PLACED)


@dataclass(frozen=True, slots=True)
class Verdict:
    """Each is a list of sentences; the first three must be empty."""

    lost: Sequence[str]
    duplicated: Sequence[str]
    unexpected: Sequence[str]
    recovered: Sequence[str]

    @property
    def is_clean(self) -> bool:
        """Whether nothing was lost, duplicated or unexpected."""
        return not (self.lost or self.duplicated or self.unexpected)

    def __str__(self) -> str:
        counters = {name: getattr(self, name) for name in ("lost", "duplicated", "unexpected", "recovered")}
        counts = ", ".join(f"{name} {len(found)}" for name, found in counters.items())
        return "\n".join([counts, *(f"  {name}: {one}" for name, found in counters.items() for one in found)])


def judge(evidence: Evidence) -> Verdict:
    """Hold the evidence against the product page."""
    return Verdict(
        lost=[*_lost_calls(evidence), *_lost_people(evidence), *(f"{one} was never done" for one in evidence.left)],
        duplicated=[*_doubled_calls(evidence), *_early_calls(evidence), *_doubled_writing(evidence)],
        unexpected=[
            *_strange_calls(evidence),
            *_wronged_people(evidence),
            *_too_many_calls(evidence),
            *_strange_ends(evidence),
        ],
        recovered=sorted(evidence.interrupted - evidence.left),
    )


# Lost


def _lost_calls(evidence: Evidence) -> Iterator[str]:
    """Attempts of which the daemon believes that a telephone rang, and none did; attempts without an end."""
    seen = {call.attempt_id: call.ref for call in evidence.calls}
    for attempt in evidence.attempts:
        if attempt.state is not AttemptState.ENDED:
            yield f"{_name(evidence, attempt)} never ended: {attempt.state}"
        if attempt.id not in seen and (attempt.ref is not None or attempt.disposition not in _SILENT):
            yield f"{_name(evidence, attempt)} ended as {attempt.disposition}, and nobody was called"


def _lost_people(evidence: Evidence) -> Iterator[str]:
    """People without an end, a note or a move that they must have; answers that were given and are not in the note."""
    for candidate_id, person in evidence.people.items():
        notes = "\n".join(evidence.notes.get(candidate_id, ()))
        if not any(evidence.outcomes.get(candidate_id, ())):
            yield f"{person.name}: the outreach has no end"
        if MARKER not in notes:
            yield f"{person.name}: there is no note"
        yield from (
            f"{person.name}: the note lacks the answer {answer}" for answer in person.says if answer not in notes
        )
        if person.outcome is Outcome.COMPLETED and not evidence.moves.get(candidate_id):
            yield f"{person.name}: was not moved on"


# Duplicated


def _doubled_calls(evidence: Evidence) -> Iterator[str]:
    """Two dials or two calls for one attempt, two calls at once to one telephone."""
    dials = Counter(evidence.dials)
    calls = Counter(call.attempt_id for call in evidence.calls)
    yield from (f"attempt {one} was dialled {times} times" for one, times in dials.items() if times > 1)
    yield from (f"attempt {one} rang {times} times" for one, times in calls.items() if times > 1)
    yield from (f"two calls at once: {one}" for one in evidence.overlaps)


def _early_calls(evidence: Evidence) -> Iterator[str]:
    """Two calls within one due time: the later one came before the pause after the earlier one was over."""
    for candidate_id, attempts in _by_candidate(evidence).items():
        if attempts[0].placed_at < evidence.entered_at[candidate_id] + timedelta(minutes=FIRST_CALL_DELAY_MINUTES):
            yield f"{_name(evidence, attempts[0])} right after the entry"
        for before, after in pairwise(attempts):
            if after.placed_at < (due_at := _due_after(before)):
                yield f"{_name(evidence, after)} at {_local(after.placed_at)}, due at {_local(due_at)}"


def _due_after(attempt: Attempt) -> datetime:
    """When, by the product page's rule 7, the next call may start at the earliest, as far as the pause says."""
    match attempt.disposition:
        case Disposition.BUSY:
            pause = timedelta(minutes=15)
        case Disposition.VOICEMAIL:
            midnight = _local(attempt.placed_at).replace(hour=0, minute=0, second=0, microsecond=0)
            return midnight + timedelta(days=1)
        case Disposition.TECHNICAL_FAILURE | Disposition.NOT_PLACED:
            pause = timedelta(minutes=5)
        case Disposition.INVALID_NUMBER:
            pause = timedelta()
        case _:
            pause = timedelta(minutes=PAUSE_MINUTES)
    return attempt.placed_at + pause


def _doubled_writing(evidence: Evidence) -> Iterator[str]:
    for candidate_id, person in evidence.people.items():
        notes, moves = evidence.notes.get(candidate_id, ()), evidence.moves.get(candidate_id, ())
        if len(notes) > 1:
            yield f"{person.name}: {len(notes)} notes"
        markers = Counter(line for note in notes for line in note.splitlines() if line.startswith(MARKER))
        yield from (f"{person.name}: {line} stands {times} times" for line, times in markers.items() if times > 1)
        if len(moves) > 1:
            yield f"{person.name}: moved {len(moves)} times"
        if len(evidence.outcomes.get(candidate_id, ())) > 1:
            yield f"{person.name}: {len(evidence.outcomes[candidate_id])} outreaches"


# Unexpected


def _strange_calls(evidence: Evidence) -> Iterator[str]:
    """Calls that no attempt knows, or knows otherwise: elsewhere, never placed; and calls out of hours."""
    known = {attempt.id: attempt for attempt in evidence.attempts}
    yield from (f"a dial for no attempt: {one}" for one in evidence.dials if one not in known)
    for call in evidence.calls:
        attempt = known.get(call.attempt_id or "")
        if attempt is None:
            yield f"a call for no attempt: {call.ref} to {call.to}"
        elif (attempt.ref, attempt.e164) != (call.ref, call.to):
            yield f"{_name(evidence, attempt)} is {attempt.ref}, yet {call.ref} went to {call.to}"
        elif call.rang and attempt.disposition in _SILENT:
            yield f"{_name(evidence, attempt)} is {attempt.disposition}, yet {call.to} rang"
    for attempt in evidence.attempts:
        at = _local(attempt.placed_at)
        if at.isoweekday() == SUNDAY or not any(opens <= at.time() < closes for opens, closes in WINDOWS):
            yield f"{_name(evidence, attempt)} at {at:%A %H:%M}, out of hours"


def _wronged_people(evidence: Evidence) -> Iterator[str]:
    """Calls held against somebody who did no such thing: our own outage is not theirs to have hung up."""
    for attempt in evidence.attempts:
        doing = evidence.people[attempt.candidate_id].can_end_a_call_as
        if attempt.disposition is not None and attempt.disposition not in {*doing, *_UNCOUNTED}:
            yield f"{_name(evidence, attempt)} ended as {attempt.disposition}, which was not their doing"


def _too_many_calls(evidence: Evidence) -> Iterator[str]:
    for candidate_id, attempts in _by_candidate(evidence).items():
        counted = [attempt for attempt in attempts if attempt.disposition not in _UNCOUNTED]
        if len(counted) > MAX_ATTEMPTS:
            yield f"{evidence.people[candidate_id].name}: {len(counted)} calls, above the maximum"
        days = Counter(_local(attempt.placed_at).date() for attempt in counted)
        if max(days.values(), default=0) > ATTEMPTS_PER_DAY:
            yield f"{evidence.people[candidate_id].name}: too many calls on one day"


def _strange_ends(evidence: Evidence) -> Iterator[str]:
    for candidate_id, person in evidence.people.items():
        ends = [end for end in evidence.outcomes.get(candidate_id, ()) if end not in {None, person.outcome}]
        yield from (f"{person.name}: ended as {end}, not {person.outcome}" for end in ends)
        wanted = {INTERVIEW} if person.outcome is Outcome.COMPLETED else set()
        if strange := set(evidence.moves.get(candidate_id, ())) - wanted:
            yield f"{person.name}: moved to {strange}"
    yield from (f"parked: {one}" for one in evidence.parked)
    yield from (f"on the wire: {one}" for one in evidence.problems)


def _by_candidate(evidence: Evidence) -> dict[int, list[Attempt]]:
    found: dict[int, list[Attempt]] = defaultdict(list)
    for attempt in sorted(evidence.attempts, key=lambda attempt: attempt.number):
        found[attempt.candidate_id].append(attempt)
    return found


def _name(evidence: Evidence, attempt: Attempt) -> str:
    return f"{evidence.people[attempt.candidate_id].name}, attempt {attempt.number} ({attempt.id})"


def _local(at: datetime) -> datetime:
    return at.astimezone(BERLIN)
