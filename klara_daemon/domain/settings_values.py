"""What single values of the settings may be: names, keys, times of day, zones, countries, phone numbers."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from contextlib import suppress
from datetime import date
from functools import cache
from typing import Annotated, Any
from zoneinfo import available_timezones

import holidays
import phonenumbers
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, PlainSerializer, ValidationInfo

from klara_daemon.domain.dialogue.catalogue import languages
from klara_daemon.domain.faults import wrong

DAY_MINUTES = 24 * 60


class Part(BaseModel):
    """A part of a document that people write: what is not known is refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


def minutes_of(given: object) -> int | None:
    """Minutes after midnight of a time of day written as `09:30`, up to `24:00`; None for anything else."""
    if given == "24:00":
        return DAY_MINUTES
    if isinstance(given, str) and re.fullmatch(r"([01][0-9]|2[0-3]):[0-5][0-9]", given):
        return int(given[:2]) * 60 + int(given[3:])
    return None


def clock(minutes: int) -> str:
    """Minutes after midnight as `09:30`, up to `24:00`."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


@cache
def has_calendar(country: str, subdivision: str | None = None) -> bool:
    """Whether the public holidays of this country (ISO 3166), or of this part of it, are known."""
    try:
        holidays.country_holidays(country, subdiv=subdivision)
    except NotImplementedError:
        return False
    return True


def some(entries: tuple[Any, ...]) -> tuple[Any, ...]:
    """The entries of a list that may not be empty."""
    if not entries:
        raise wrong("must have one entry at least")
    return entries


def objects(given: Any) -> Iterator[tuple[int, dict[str, Any]]]:
    """The objects in what was written for a list, with their places; none if it is no list."""
    entries = given if isinstance(given, list) else []
    return ((place, entry) for place, entry in enumerate(entries) if isinstance(entry, dict))


def _readable(text: str) -> str:
    if not text.strip():
        raise wrong("must not be blank")
    if any(unicodedata.category(sign) == "Cc" and sign != "\n" for sign in text):
        raise wrong("must not hold control characters")
    return text


def _key(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_-]{1,64}", text):
        raise wrong("must be a key: 1 to 64 of the signs A-Z a-z 0-9 _ -")
    return text


def _language(code: str) -> str:
    if code not in languages():
        raise wrong(f"must be a language that Klara speaks: {' or '.join(sorted(languages()))}")
    return code


def _time_of_day(given: object) -> int:
    minutes = minutes_of(given)
    if minutes is None:
        raise wrong('must be a time of day from "00:00" to "24:00", such as "09:30"')
    return minutes


def _time_zone(name: str) -> str:
    if name not in _zones():
        raise wrong("must be the exact name of a time zone, such as Europe/Berlin")
    return name


@cache
def _zones() -> frozenset[str]:
    return frozenset(available_timezones() - {"Factory", "localtime"})


def _country(code: str) -> str:
    if not re.fullmatch("[A-Z]{2}", code) or not has_calendar(code):
        raise wrong("must be a country's code of two capital letters whose public holidays are known, such as DE")
    return code


def _subdivision(code: str, info: ValidationInfo) -> str:
    country = info.data.get("country")
    if country and not (code and has_calendar(country, code)):
        raise wrong(f"must be a part of {country} whose public holidays are known, or be absent")
    return code


def _phone_number(number: str) -> str:
    try:
        read = phonenumbers.parse(number)
    except phonenumbers.NumberParseException:
        read = None
    if (
        read is None
        or not phonenumbers.is_valid_number(read)
        or number != phonenumbers.format_number(read, phonenumbers.PhoneNumberFormat.E164)
    ):
        raise wrong("must be a valid phone number with + and the country's code, without spaces: +4952112345670")
    return number


def _closed_day(given: object) -> date:
    if isinstance(given, str) and re.fullmatch("2[0-9]{3}-[0-9]{2}-[0-9]{2}", given):
        with suppress(ValueError):
            return date.fromisoformat(given)
    raise wrong("must be a date of the years 2000 to 2999, such as 2026-12-24")


CompanyId = Annotated[int, Field(strict=True, ge=1, le=999_999_999_999)]
RecruiteeId = Annotated[int, Field(strict=True, ge=1, le=2**63 - 1)]
Name = Annotated[str, Field(max_length=200), AfterValidator(_readable)]
QuestionText = Annotated[str, Field(max_length=1000), AfterValidator(_readable)]
Key = Annotated[str, AfterValidator(_key)]
Language = Annotated[str, AfterValidator(_language)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]
Country = Annotated[str, AfterValidator(_country)]
Subdivision = Annotated[str, AfterValidator(_subdivision)]
"""Stands in its part behind the `country` that it belongs to."""
PhoneNumber = Annotated[str, AfterValidator(_phone_number)]
TimeOfDay = Annotated[int, BeforeValidator(_time_of_day), PlainSerializer(clock)]
UpToAWeek = Annotated[int, Field(strict=True, ge=0, le=7 * DAY_MINUTES)]
ClosedDay = Annotated[date, BeforeValidator(_closed_day)]
