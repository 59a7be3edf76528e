"""The lines of a timeline in words that a recruiter understands; the demo and the timeline command tell alike."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

Details = Mapping[str, Any]

_DISPOSITIONS = {
    "interviewed": "the interview is complete",
    "appointment_booked": "an appointment is booked",
    "partly_interviewed": "the call broke off before all questions were answered",
    "hung_up": "hung up before the first answer",
    "callback_requested": "asked to be called later",
    "declined": "does not want this call",
    "opted_out": "never wants to be called again",
    "human_requested": "wants to speak to a person",
    "wrong_person": "this is not the candidate's number",
    "voicemail": "a mailbox answered; hung up without a word",
    "no_answer": "nobody answered",
    "busy": "the line was busy",
    "invalid_number": "the number is not in service",
    "technical_failure": "a technical fault, not counted",
    "not_placed": "the call was never placed, not counted",
    "cancelled": "called off while it rang",
}

_OUTCOMES = {
    "completed": "done: interviewed",
    "exhausted": "given up: never reached",
    "unfinished": "given up: reached, but not to the end",
    "refused": "ended: the candidate said no",
    "human_requested": "handed over: the candidate wants a person",
    "uncallable": "ended: no number that can be called",
    "withdrawn": "withdrawn",
}


def tell(event: str, details: Details, zone: ZoneInfo) -> str:
    """One line of a timeline as a sentence; times in the company's zone."""
    sentence = _SENTENCES.get(event)
    return sentence(details, zone) if sentence else event.replace("_", " ")


def _entered(details: Details, _: ZoneInfo) -> str:
    already = " (was already there when watching began; not called)" if details.get("already_there") else ""
    return f"was moved into the watched stage {details.get('stage_id')}{already}"


def _planned(details: Details, zone: ZoneInfo) -> str:
    due_at = datetime.fromisoformat(str(details["due_at"])).astimezone(zone)
    says = f": {details['says']}" if details.get("says") else ""
    return f"next call {due_at:%a %d %b %H:%M}{says}"


def _ended(details: Details, _: ZoneInfo) -> str:
    how = str(details.get("disposition"))
    return f"call {details.get('number')} ended: {_DISPOSITIONS.get(how, how)}"


def _outreach_ended(details: Details, _: ZoneInfo) -> str:
    outcome = str(details.get("outcome"))
    says = f" ({details['says']})" if details.get("says") else ""
    return f"{_OUTCOMES.get(outcome, outcome)}{says}"


_SENTENCES: dict[str, Callable[[Details, ZoneInfo], str]] = {
    "stage_entered": _entered,
    "stage_left": lambda _, __: "left the watched stage",
    "outreach_opened": lambda details, _: f"is to be called ({details.get('mode')} mode)",
    "call_planned": _planned,
    "outreach_held": lambda details, _: f"no call until somebody looks at it: {details.get('says')}",
    "dial_postponed": lambda _, __: "the call cannot start yet and is put off",
    "call_claimed": lambda details, _: f"call {details.get('number')} may start now",
    "call_placed": lambda details, _: f"call {details.get('number')} placed",
    "call_rang": lambda _, __: "the phone rings",
    "call_answered": lambda _, __: "somebody picked up",
    "question_answered": lambda details, _: f"“{details.get('question')}” - “{details.get('heard')}”",
    "opted_out": lambda _, __: "is not called again by this company",
    "call_ended": _ended,
    "outreach_ended": _outreach_ended,
    "note_written": lambda _, __: "a note was written to Recruitee",
    "candidate_moved": lambda details, _: f"was moved to “{details.get('stage')}” in Recruitee",
    "move_not_made": lambda details, _: f"was not moved in Recruitee: {details.get('says')}",
}
