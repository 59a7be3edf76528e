"""Every sequence of up to five dispositions: whether the outreach goes on, or how it ends, by the page's table."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.domain.attempt_policy import Call, Hold, Never, PastAttempt, Situation, Wait, may_call, next_number
from klara_daemon.domain.dispositions import Disposition
from tests.domain.agreement import agrees_with_the_oracle, examples
from tests.domain.cases import MOBILE, RULES, local
from tests.domain.situations import calling_rules, instants, zones

MONDAY = local("2026-11-23 10:00")
NUMBERS = (MOBILE, "+4952112345")
# The product page's table: whether it counts, and what then.
TABLE = {
    "interviewed": ("counts", "completed"),
    "appointment_booked": ("counts", "completed"),
    "partly_interviewed": ("counts", "again"),
    "hung_up": ("counts", "again, the second one: refused"),
    "callback_requested": ("counts", "again"),
    "declined": ("counts", "refused"),
    "opted_out": ("counts", "refused"),
    "human_requested": ("counts", "human_requested"),
    "wrong_person": ("counts", "next number"),
    "voicemail": ("counts", "again"),
    "no_answer": ("counts", "again"),
    "busy": ("counts", "again"),
    "invalid_number": ("does not", "next number"),
    "technical_failure": ("does not", "again"),
    "not_placed": ("does not", "again"),
    "cancelled": ("counts", "again"),
}
SPOKEN_WITH = ("partly_interviewed", "hung_up", "callback_requested")
FINAL = [each for each in Disposition if TABLE[each][1] in ("completed", "refused", "human_requested")]
GOING_ON = [each for each in Disposition if each not in FINAL]


@dataclass(frozen=True, slots=True)
class Told:
    """What a sequence of dispositions comes to, read off the table word by word."""

    end: str | None = None
    counted: int = 0
    hang_ups: int = 0
    spoken_with: bool = False
    numbers_left: int = len(NUMBERS)

    def and_then(self, disposition: Disposition) -> Told:
        """The same with one attempt more."""
        counts, then = TABLE[disposition]
        hang_ups = self.hang_ups + (disposition == "hung_up")
        end = then if then in ("completed", "refused", "human_requested") else "refused" if hang_ups == 2 else None
        return Told(
            end=self.end or end,
            counted=self.counted + (counts == "counts"),
            hang_ups=hang_ups,
            spoken_with=self.spoken_with or disposition in SPOKEN_WITH,
            numbers_left=self.numbers_left - (then == "next number"),
        )

    def outcome(self, allowed: int) -> str | None:
        """How the outreach ends with so many attempts allowed; None: it goes on."""
        if self.end:
            return self.end
        if self.numbers_left < 1:
            return "uncallable"
        if self.counted >= allowed:
            return "unfinished" if self.spoken_with else "exhausted"
        return None


NOTHING_YET = Told()
Past = tuple[PastAttempt, ...]


def attempt(nth: int, disposition: Disposition) -> PastAttempt:
    """The nth attempt, long enough ago that no pause and no daily number speaks any more."""
    return PastAttempt(MONDAY - timedelta(days=20 - nth), disposition)


PAST = [{each: attempt(nth, each) for each in Disposition} for nth in range(5)]


def sequences(longest: int, past: Past = (), told: Told = NOTHING_YET) -> Iterator[tuple[Past, Told]]:
    """All sequences up to this length but those that go on behind a final word, each with what it comes to."""
    yield past, told
    if told.end is None and len(past) < longest:
        for each in Disposition:
            yield from sequences(longest, (*past, PAST[len(past)][each]), told.and_then(each))


def test_the_table_has_a_row_for_each_disposition() -> None:
    assert [*TABLE] == [*Disposition]
    assert all(each.counts == (TABLE[each][0] == "counts") for each in Disposition)


@pytest.mark.parametrize(
    ("longest", "maximum", "called_back"),
    [(5, 4, False), (4, 2, True), (4, 1, True), (3, 1, False), (3, 9, False)],
)
def test_every_sequence_of_dispositions_goes_on_or_ends_as_the_table_says(
    longest: int, maximum: int, called_back: bool
) -> None:
    rules, callback_at = replace(RULES, max_attempts=maximum), MONDAY if called_back else None
    for past, told in sequences(longest):
        situation = Situation(rules, next_number(NUMBERS, past), None, past, callback_at)
        decision = may_call(situation, MONDAY)
        expected = told.outcome(maximum + called_back)
        said = decision.outcome if isinstance(decision, Never) else None
        assert said == expected, past
        assert expected or isinstance(decision, Call), past


@given(
    st.lists(st.sampled_from(GOING_ON), max_size=2),
    st.sampled_from(FINAL),
    st.lists(st.sampled_from(Disposition), min_size=1, max_size=3),
)
def test_nothing_that_follows_a_final_word_changes_it(
    before: list[Disposition], final: Disposition, after: list[Disposition]
) -> None:
    past = tuple(PAST[min(nth, 4)][each] for nth, each in enumerate((*before, final)))
    later = tuple(PastAttempt(MONDAY - timedelta(days=9 - nth), each) for nth, each in enumerate(after))
    first = may_call(Situation(RULES, MOBILE, None, past), MONDAY)
    assert isinstance(first, Never)
    at_last = may_call(Situation(RULES, MOBILE, None, (*past, *later)), MONDAY)
    assert isinstance(at_last, Never)
    assert at_last.outcome is first.outcome


@examples(60)
@given(st.data())
def test_the_time_of_each_of_five_calls_is_that_of_the_oracle_on_any_calendar(data: st.DataObject) -> None:
    zone = data.draw(zones)
    now = data.draw(instants(zone))
    situation = Situation(data.draw(calling_rules(zone, now.date())), MOBILE, now)
    for _ in range(5):
        agrees_with_the_oracle(situation, now, horizon=timedelta(days=2))
        decision = may_call(situation, now)
        if isinstance(decision, Never | Hold):
            return
        now = decision.at if isinstance(decision, Wait) else now
        past = PastAttempt(now, data.draw(st.sampled_from(GOING_ON)))
        wish = now + timedelta(minutes=data.draw(st.integers(0, 3000)))
        asked_for = wish if past.disposition is Disposition.CALLBACK_REQUESTED else situation.callback_at
        situation = replace(situation, attempts=(*situation.attempts, past), callback_at=asked_for)
        now += timedelta(minutes=data.draw(st.integers(0, 90)))
