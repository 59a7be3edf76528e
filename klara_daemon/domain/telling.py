"""The lines of a timeline in words that a recruiter understands; the demo and the timeline command tell alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, tzinfo
from typing import Any

Details = Mapping[str, Any]

_WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip

_DISPOSITIONS = {
    "interviewed": "every question is answered",
    "appointment_booked": "an appointment is agreed",
    "partly_interviewed": "the call broke off before the last question",
    "hung_up": "hung up before the first answer",
    "callback_requested": "asked to be called later",
    "declined": "does not want this interview",
    "opted_out": "never wants to be called again",
    "human_requested": "wants to speak to a person",
    "wrong_person": "this is not the candidate's number",
    "voicemail": "a mailbox answered; Klara hung up without a word",
    "no_answer": "nobody answered",
    "busy": "the line was busy",
    "invalid_number": "the number is not in service",
    "technical_failure": "a technical fault; it does not count",
    "not_placed": "it never went out; it does not count",
    "cancelled": "Klara called it off while it rang",
}

_OUTCOMES = {
    "completed": "finished: interviewed",
    "exhausted": "given up: never reached",
    "unfinished": "given up: reached, but not to the end",
    "refused": "finished: the candidate said no",
    "human_requested": "handed over: the candidate wants a person",
    "uncallable": "given up: no number that can be called",
    "withdrawn": "withdrawn: no call is wanted any more",
}

_LEFT = {
    "left_stage": "was moved out of the watched stage",
    "disqualified": "was disqualified",
    "hired": "was hired",
    "deleted": "was deleted in Recruitee",
    "no_longer_watched": "stands in a stage that is no longer watched",
}

_POSTPONED = {
    "recruitee_disconnected": "Recruitee does not let Klara in",
    "recruitee_refused": "Recruitee does not let Klara in",
    "recruitee_unavailable": "Recruitee does not answer",
    "left_stage": "Recruitee is asked whether the candidate is still in the stage",
    "no_longer_watched": "the stage is no longer watched",
    "number_busy": "this person is being called already",
    "clocks_differ": "this machine's clock is wrong",
    "trunk_full": "every line is in use",
    "company_full": "the company has as many calls at once as it has set",
    "paused": "calling is paused",
    "reading_too_old": "Recruitee is asked once more",
}


def tell(event: str, details: Details, zone: tzinfo, rule: str | None = None) -> str:
    """One line of a timeline in a few words, times in the company's zone; `why` has the reason."""
    told = _TOLD.get(event)
    return told(details, zone, rule or "") if told else event.replace("_", " ")


def why(details: Details) -> str:
    """The reason that was noted with a line, in whole sentences; empty where there is none."""
    return str(details.get("says") or "")


def day_of(at: date) -> str:
    """A day (of a local time), like `Tuesday 8 September`: the same in every locale of the machine."""
    return f"{_WEEKDAYS[at.weekday()]} {at.day} {_MONTHS[at.month - 1]}"


def moment_of(at: datetime) -> str:
    """A local time in full, like `Tuesday 8 September, 09:00`."""
    return f"{day_of(at)}, {at:%H:%M}"


def _entered(details: Details, zone: tzinfo, _rule: str) -> str:
    stage = f"“{details['stage']}”" if details.get("stage") else "the watched stage"
    if details.get("already_there"):
        named_at = _instant(details.get("named_at"), zone)
        if named_at is None:
            return f"stood in {stage} already when watching began"
        return f"stood in {stage} when it could first be looked at; the settings named it on {moment_of(named_at)}"
    came_from = f" from “{details['from_stage']}”" if details.get("from_stage") else ""
    return f"was moved{came_from} to {stage}"


def _planned(details: Details, zone: tzinfo, _rule: str) -> str:
    due_at = _instant(details.get("due_at"), zone)
    return f"next call: {moment_of(due_at)}" if due_at else "the next call has a time"


def _instant(noted: object, zone: tzinfo) -> datetime | None:
    try:
        return datetime.fromisoformat(str(noted)).astimezone(zone)
    except ValueError:
        return None


def _postponed(_details: Details, _zone: tzinfo, rule: str) -> str:
    return f"the call waits: {_POSTPONED[rule]}" if rule in _POSTPONED else "the call cannot start yet, and waits"


def _call(details: Details) -> str:
    return f"call {details['number']}" if details.get("number") else "the call"


def _ended(details: Details, _zone: tzinfo, _rule: str) -> str:
    how = str(details.get("disposition") or "")
    return f"{_call(details)}: {_DISPOSITIONS.get(how, how.replace('_', ' ') or 'it is over')}"


def _outreach_ended(details: Details, _zone: tzinfo, _rule: str) -> str:
    outcome = str(details.get("outcome") or "")
    return _OUTCOMES.get(outcome, outcome.replace("_", " ") or "finished")


def _answered(details: Details, _zone: tzinfo, _rule: str) -> str:
    return f"asked “{details.get('question', '')}”, says “{details.get('heard', '')}”"


def _opted_out(details: Details, _zone: tzinfo, _rule: str) -> str:
    return f"is never called again by this company{_by(details)}"


def _opt_out_removed(details: Details, _zone: tzinfo, _rule: str) -> str:
    return f"an opt-out was taken back{_by(details)}"


def _by(details: Details) -> str:
    return f" (entered by {details['who']})" if details.get("who") else ""


def _moved(details: Details, _zone: tzinfo, _rule: str) -> str:
    stage = f" to “{details['stage']}”" if details.get("stage") else ""
    return f"was moved on{stage} by Klara"


def _always(words: str) -> Callable[[Details, tzinfo, str], str]:
    return lambda _details, _zone, _rule: words


_TOLD: dict[str, Callable[[Details, tzinfo, str], str]] = {
    "stage_entered": _entered,
    "stage_left": lambda _, __, rule: _LEFT.get(rule, "is no longer in the watched stage"),
    "outreach_opened": _always("is to be called"),
    "call_planned": _planned,
    "outreach_held": _always("no call until somebody has looked at it"),
    "dial_postponed": _postponed,
    "call_claimed": lambda details, _, __: f"{_call(details)} may start now",
    "call_placed": lambda details, _, __: f"{_call(details)}: Klara rings",
    "call_rang": _always("the phone rings"),
    "call_answered": _always("the call was taken"),
    "question_answered": _answered,
    "opted_out": _opted_out,
    "opt_out_removed": _opt_out_removed,
    "call_ended": _ended,
    "outreach_ended": _outreach_ended,
    "note_written": _always("note written to Recruitee"),
    "candidate_moved": _moved,
    "move_not_made": _always("was not moved on by Klara"),
}
