"""A situation as a JSON document that a person writes: one candidate, what has happened so far, their company."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

from pydantic import Field, PlainValidator, StrictBool, TypeAdapter, ValidationError

from klara_daemon.domain.attempt_policy import PastAttempt, Situation, next_number
from klara_daemon.domain.call_settings import CallingPart
from klara_daemon.domain.calling_hours import CallingRules, Window
from klara_daemon.domain.dispositions import Disposition
from klara_daemon.domain.faults import Fault, Misplaced, across, faults_of, repeated_names, wrong
from klara_daemon.domain.phone_numbers import NoNumber, read_text
from klara_daemon.domain.settings_values import Country, Part, Subdivision, TimeZone, has_calendar, objects

LONGEST_DOCUMENT = 1024 * 1024
_LONGEST_NUMBER = 250
_INSTANT = re.compile(r"2\d{3}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}([.,]\d{1,9})?)?([Zz]|[+-]\d{2}(:?\d{2})?)", re.ASCII)
# A country of no telephone: numbers with + are read, national ones are not.
_NOWHERE = "ZZ"


class BadSituation(ValueError):
    """A situation document cannot be used; `faults` names everything that is wrong with it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


def _instant(given: object) -> datetime:
    if isinstance(given, str) and _INSTANT.fullmatch(given):
        with suppress(ValueError):
            return datetime.fromisoformat(given.upper()).astimezone(UTC)
    raise wrong("must be an instant with its zone, in the years 2000 to 2999, such as 2026-11-23T08:00:00Z")


Instant = Annotated[datetime, PlainValidator(_instant)]
NumberText = Annotated[str, Field(max_length=_LONGEST_NUMBER)]


class PlacePart(Part):
    """Where a company is: whose clock and calendar hold, and how national numbers are read."""

    time_zone: TimeZone
    country: Country
    subdivision: Subdivision | None = None


class AttemptPart(Part):
    """One attempt that has ended; `number` is the telephone number that was called, where it was another."""

    at: Instant
    disposition: Disposition
    number: NumberText | None = None


class SituationDocument(Part):
    """All that the calling rule is told. `now` None: the moment at which it is asked."""

    company: PlacePart
    calling: CallingPart
    number: NumberText
    entered_at: Instant | None = None
    attempts: Annotated[tuple[AttemptPart, ...], Field(max_length=1000)] = ()
    callback_at: Instant | None = None
    opted_out: StrictBool = False
    now: Instant | None = None

    @property
    def situation(self) -> Situation:
        """What the calling rule reads. Of several numbers the first that no attempt has proved wrong is called."""
        attempts = tuple(
            PastAttempt(attempt.at, attempt.disposition, self._number(attempt.number)) for attempt in self.attempts
        )
        return Situation(
            rules=_rules(self.company, self.calling),
            number=next_number(read_text(self.number, self.company.country).numbers, attempts),
            entered_at=self.entered_at,
            attempts=attempts,
            callback_at=self.callback_at,
            opted_out=self.opted_out,
        )

    def _number(self, text: str | None) -> str | None:
        return None if text is None else read_text(text, self.company.country).numbers[0]


def _rules(company: PlacePart, calling: CallingPart) -> CallingRules:
    return CallingRules(
        time_zone=company.time_zone,
        country=company.country,
        subdivision=company.subdivision,
        weekdays=frozenset(day.iso for day in calling.weekdays),
        windows=tuple(sorted(Window(window.opens, window.closes) for window in calling.windows)),
        max_attempts=calling.max_attempts,
        attempts_per_day=calling.attempts_per_day,
        pause=timedelta(minutes=calling.pause_minutes),
        first_call_delay=timedelta(minutes=calling.first_call_delay_minutes),
        max_per_30_days=calling.max_per_30_days,
        observe_public_holidays=calling.observe_public_holidays,
        closed_days=frozenset(calling.closed_days),
    )


_WHY_NO_NUMBER = {
    NoNumber.EMPTY: "must not be blank",
    NoNumber.NOT_A_NUMBER: "must be a telephone number, national or with + and the country's code",
    NoNumber.TOO_SHORT: "is too short for a telephone number",
    NoNumber.TOO_LONG: "is too long for a telephone number",
    NoNumber.NOT_ASSIGNED: "is a telephone number that nobody has",
    NoNumber.NOT_CALLED: "is a telephone number of a kind that Klara does not call, such as premium rate",
}


def _unreadable_numbers(given: Any) -> Iterator[Misplaced]:
    """A national number is judged only where its country is known."""
    if not isinstance(given, dict):
        return
    company = given.get("company")
    country = company.get("country") if isinstance(company, dict) else None
    is_known = isinstance(country, str) and re.fullmatch("[A-Z]{2}", country) and has_calendar(country)
    attempts = ((("attempts", nth, "number"), one.get("number")) for nth, one in objects(given.get("attempts")))
    for place, text in ((("number",), given.get("number")), *attempts):
        if not isinstance(text, str) or len(text) > _LONGEST_NUMBER:
            continue
        if is_known or text.strip().startswith("+"):
            reading = read_text(text, country if is_known else _NOWHERE)
            if reading.reason is not None:
                yield place, _WHY_NO_NUMBER[reading.reason]


_DOCUMENT: TypeAdapter[SituationDocument] = TypeAdapter(Annotated[SituationDocument, across(_unreadable_numbers)])


def parse(text: str) -> SituationDocument:
    """Read a situation document (JSON). Raises `BadSituation` with each fault by its path."""
    if len(text) > LONGEST_DOCUMENT:
        raise BadSituation([Fault("document", f"must have at most {LONGEST_DOCUMENT} characters")])
    try:
        document = _DOCUMENT.validate_json(text)
    except ValidationError as error:
        raise BadSituation(faults_of(error)) from None
    if repeated := repeated_names(text):
        raise BadSituation(repeated)
    return document
