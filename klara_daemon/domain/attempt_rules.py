"""Rules 5 to 10 of the calling rule: what the attempts, the candidate's own words and their place in Recruitee ask for.

Four lists, each of small functions: what ends the outreach (`ENDS`), what holds it (`HOLDS`), what delays the next call
to a known instant (`DELAYS`), and what forbids single stretches of time (`hour_rules`, with the calendar's rules 1 to
4). A new rule is one more function in its list.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from klara_daemon.domain import calling_hours
from klara_daemon.domain.calling_hours import Moment, RuleSays
from klara_daemon.domain.dispositions import Disposition, Outcome, is_reached
from klara_daemon.domain.earliest import HourRule, earliest
from klara_daemon.domain.local_time import local_day, local_time
from klara_daemon.domain.situation import Case
from klara_daemon.domain.stays import Leaving

_FAILURE_PAUSES = tuple(timedelta(minutes=minutes) for minutes in (5, 10, 20, 40, 60))
_FAILURES_THAT_HOLD = 10
_OTHER_WINDOW_WITHIN = timedelta(days=7)
_THIRTY_DAYS = timedelta(days=30)

# What ends the outreach


@dataclass(frozen=True, slots=True)
class End:
    """The outreach ends with this outcome, because of this rule."""

    outcome: Outcome
    says: RuleSays


_FINAL = {
    Disposition.INTERVIEWED: End(
        Outcome.COMPLETED, RuleSays("interviewed", "All required questions have been answered.")
    ),
    Disposition.APPOINTMENT_BOOKED: End(
        Outcome.COMPLETED, RuleSays("appointment_booked", "An appointment has been agreed.")
    ),
    Disposition.DECLINED: End(Outcome.REFUSED, RuleSays("declined", "The candidate does not want this.")),
    Disposition.OPTED_OUT: End(Outcome.REFUSED, RuleSays("opted_out", "The candidate asked never to be called again.")),
    Disposition.HUMAN_REQUESTED: End(
        Outcome.HUMAN_REQUESTED, RuleSays("human_requested", "The candidate asked for a person.")
    ),
}
_HUNG_UP_TWICE = End(Outcome.REFUSED, RuleSays("hung_up", "The candidate has hung up twice."))


def final_word(case: Case) -> End | None:
    """The first attempt that ended the outreach; hanging up does so the second time."""
    hung_up = 0
    for attempt in case.attempts:
        hung_up += attempt.disposition is Disposition.HUNG_UP
        if hung_up == 2:
            return _HUNG_UP_TWICE
        if end := _FINAL.get(attempt.disposition):
            return end
    return None


_LEFT = {
    Leaving.LEFT_STAGE: "The candidate is no longer in the watched stage.",
    Leaving.DISQUALIFIED: "The candidate has been disqualified.",
    Leaving.HIRED: "The candidate has been hired.",
    Leaving.DELETED: "The candidate has been deleted in Recruitee.",
    Leaving.NO_LONGER_WATCHED: "The stage is no longer watched.",
}


def left_stage(case: Case) -> End | None:
    """Rule 10, `left_stage`: still in the watched stage, unless the last call has settled everything."""
    because, word = case.situation.left_because, final_word(case)
    if because is None or (word is not None and word.outcome is Outcome.COMPLETED):
        return None
    return withdrawn(because)


def withdrawn(because: Leaving) -> End:
    """How an outreach ends whose candidate is no longer to be called."""
    return End(Outcome.WITHDRAWN, RuleSays("left_stage", _LEFT[because]))


def opted_out(case: Case) -> End | None:
    """Rule 9, `opted_out`: a person who said no is not called again by this company."""
    return _FINAL[Disposition.OPTED_OUT] if case.situation.opted_out else None


def no_number(case: Case) -> End | None:
    """There is nothing to dial (`no_number`)."""
    if case.situation.number is not None:
        return None
    return End(Outcome.UNCALLABLE, RuleSays("no_number", "There is no telephone number left to call."))


def maximum(case: Case) -> End | None:
    """Rule 5, `maximum`: fewer counted attempts than that; rule 8: a callback may be the one above it."""
    allowed = case.rules.max_attempts + (case.callback_at is not None)
    if case.rules.max_attempts < 1 or len(case.counted) < allowed:
        return None
    reached = any(is_reached(attempt.disposition) for attempt in case.counted)
    says = RuleSays("maximum", "The maximum number of attempts is used up.")
    return End(Outcome.UNFINISHED if reached else Outcome.EXHAUSTED, says)


ENDS: tuple[Callable[[Case], End | None], ...] = (left_stage, final_word, opted_out, no_number, maximum)


# What holds it, until somebody does something about it


def offer_closed(case: Case) -> RuleSays | None:
    """Rule 10, `offer_closed`: the offer is open."""
    if case.situation.offer_is_open:
        return None
    return RuleSays("offer_closed", "The job is closed or archived in Recruitee.")


def too_many_failures(case: Case) -> RuleSays | None:
    """Ten technical failures in a row (`technical_failure`)."""
    if case.last_in_a_row(Disposition.TECHNICAL_FAILURE) < _FAILURES_THAT_HOLD:
        return None
    return RuleSays("technical_failure", "Ten calls in a row failed technically: a person has to look.")


HOLDS: tuple[Callable[[Case], RuleSays | None], ...] = (offer_closed, too_many_failures)

# What delays the next call to a known instant


def first_call_delay(case: Case) -> RuleSays | None:
    """Rule 7, `pause`: the first call of a stay is due some minutes after the entry."""
    if case.attempts or case.situation.entered_at is None:
        return None
    until = case.situation.entered_at + case.rules.first_call_delay
    return RuleSays("pause", "The candidate has only just entered the stage.", until)


def pause(case: Case) -> RuleSays | None:
    """Rule 7, `pause`: after the last counted attempt, from when it was placed."""
    until = case.pause_ends_at()
    return RuleSays("pause", "The pause after the last call.", until) if until else None


def failure_pause(case: Case) -> RuleSays | None:
    """Rule 7, `pause`: technical failures and calls not placed at the end of the list add their own."""
    in_a_row = case.last_in_a_row(Disposition.TECHNICAL_FAILURE, Disposition.NOT_PLACED)
    if not in_a_row:
        return None
    until = case.attempts[-1].placed_at + _FAILURE_PAUSES[min(in_a_row, len(_FAILURE_PAUSES)) - 1]
    return RuleSays("pause", "The pause after a call that failed technically.", until)


def callback(case: Case) -> RuleSays | None:
    """Rule 8, `callback`: the call is due at or after the time that the candidate asked for."""
    if case.callback_at is None:
        return None
    return RuleSays("callback", "The candidate asked to be called at this time.", case.callback_at)


DELAYS: tuple[Callable[[Case], RuleSays | None], ...] = (first_call_delay, pause, failure_pause, callback)


# What forbids single stretches of time


def hour_rules(case: Case) -> tuple[HourRule, ...]:
    """The rules that forbid stretches of time in this case: the calendar's and those of its attempts."""
    avoided = _window_to_avoid(case)
    return _HOURS if avoided is None else (*_HOURS, partial(other_window, avoided))


def calendar(case: Case, moment: Moment) -> RuleSays | None:
    """Rules 1 to 4."""
    for rule in calling_hours.CALENDAR:
        if says := rule(case.rules, moment):
            return says
    return None


def per_day(case: Case, moment: Moment) -> RuleSays | None:
    """Rule 5, `per_day`: fewer counted attempts than that on this local date; a callback outranks it (rule 8)."""
    if case.callback_at is not None or len(case.counted) < case.rules.attempts_per_day:
        return None
    if case.called_on[moment.here.today] < case.rules.attempts_per_day:
        return None
    return RuleSays("per_day", "The number of calls for this day is used up.", moment.here.until_tomorrow())


def number_per_day(case: Case, moment: Moment) -> RuleSays | None:
    """Rule 6, `number_per_day`: over all jobs no more calls to this person on this local date either (but rule 8)."""
    if case.callback_at is not None or case.person_called_on[moment.here.today] < case.rules.attempts_per_day:
        return None
    says = "This person has been called as often as one day allows, counting all jobs."
    return RuleSays("number_per_day", says, moment.here.until_tomorrow())


def number_per_30_days(case: Case, moment: Moment) -> RuleSays | None:
    """Rule 6, `number_per_30_days`: over all jobs no more than the maximum within the last 30 times 24 hours."""
    most = case.rules.max_per_30_days
    if len(case.person_called_at) < most or (until := case.person_called_at[-most] + _THIRTY_DAYS) <= moment.at:
        return None
    return RuleSays("number_per_30_days", f"This person has been called {most} times within 30 days.", until)


def later_day(case: Case, moment: Moment) -> RuleSays | None:
    """Rule 7, `pause`: after a voicemail, a later local date."""
    last = case.paused_by
    if last is None or last.disposition is not Disposition.VOICEMAIL:
        return None
    if moment.here.today > local_day(case.rules.time_zone, last.placed_at):
        return None
    return RuleSays("pause", "After a mailbox, the next call is on a later day.", moment.here.until_tomorrow())


def other_window(avoided: int, case: Case, moment: Moment) -> RuleSays | None:
    """Rule 7, `pause`: another calling window than the one in which the last counted attempt fell."""
    if calling_hours.window_at(case.rules, moment.here) != avoided:
        return None
    until = moment.here.until(case.rules.windows[avoided].closes)
    return RuleSays("pause", "The next call is at another time of day than the last.", until)


_HOURS: tuple[HourRule, ...] = (calendar, number_per_30_days, per_day, number_per_day, later_day)


def _window_to_avoid(case: Case) -> int | None:
    """The window of the last counted attempt, if its disposition asks for another and one is permitted soon enough."""
    last, pause_ends_at = case.paused_by, case.pause_ends_at()
    if last is None or pause_ends_at is None or last.disposition is Disposition.BUSY or len(case.rules.windows) < 2:
        return None
    avoided = calling_hours.window_at(case.rules, local_time(case.rules.time_zone, last.placed_at))
    if avoided is None:
        return None
    elsewhere: tuple[HourRule, ...] = (*_HOURS, partial(other_window, avoided))
    found = earliest(case, elsewhere, pause_ends_at, last.placed_at + _OTHER_WINDOW_WITHIN)
    return avoided if found.at is not None else None
