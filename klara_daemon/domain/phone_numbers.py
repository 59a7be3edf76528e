"""Telephone numbers: from what somebody typed to E.164, where they may be, and how they are shown."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

import phonenumbers
from phonenumbers import (
    NumberParseException,
    PhoneNumber,
    PhoneNumberMatcher,
    PhoneNumberType,
    ValidationResult,
    timezone,
)

from klara_daemon.domain.local_time import is_known_zone

# Where a person can be reached at an ordinary price. Not: premium, shared cost, toll-free, pagers, mailboxes,
# company-wide numbers, and personal numbers, which in some countries are dear and often a swindle.
_CALLED = frozenset(
    {
        PhoneNumberType.FIXED_LINE,
        PhoneNumberType.MOBILE,
        PhoneNumberType.FIXED_LINE_OR_MOBILE,
        PhoneNumberType.VOIP,
    }
)
_LONGEST_TEXT = 250


class NoNumber(StrEnum):
    """Why a text holds no number that can be called."""

    EMPTY = "empty"
    NOT_A_NUMBER = "not_a_number"
    TOO_SHORT = "too_short"
    TOO_LONG = "too_long"
    NOT_ASSIGNED = "not_assigned"
    NOT_CALLED = "not_called"


@dataclass(frozen=True, slots=True)
class Reading:
    """The numbers in one text (E.164, in order); where there is none, `reason` says why."""

    numbers: tuple[str, ...]
    reason: NoNumber | None = None


@lru_cache(maxsize=16384)
def read_text(text: str, country: str) -> Reading:
    """The numbers that a free text holds, national ones as those of `country` (ISO 3166). Extensions are dropped."""
    text = text[:_LONGEST_TEXT].strip()
    if not text:
        return Reading((), NoNumber.EMPTY)
    found = [match.number for match in PhoneNumberMatcher(text, country)] or [*filter(None, [_unusual(text, country)])]
    numbers = tuple(dict.fromkeys(_e164(number) for number in found if _fault(number) is None))
    if numbers:
        return Reading(numbers)
    return Reading((), _fault(found[0]) if found else _why_not(text, country))


def callable_numbers(texts: Iterable[str], country: str) -> tuple[str, ...]:
    """A candidate's numbers (E.164): those of several texts, in order, each once."""
    return tuple(dict.fromkeys(number for text in texts for number in read_text(text, country).numbers))


@lru_cache(maxsize=16384)
def time_zones(e164: str) -> tuple[str, ...]:
    """The zones in which a number may be, as `phonenumbers` knows them; empty where it does not."""
    try:
        number = phonenumbers.parse(e164)
    except NumberParseException:
        return ()
    return tuple(zone for zone in timezone.time_zones_for_number(number) if is_known_zone(zone))


def masked(e164: str) -> str:
    """A number as logs and terminals may show it: `+49151…678`; at least five digits are missing, unsaid how many."""
    if not re.fullmatch(r"\+[0-9]{1,15}", e164):
        return "…"
    digits = e164[1:]
    tail = max(0, min(3, len(digits) - 8))
    head = max(0, min(5, len(digits) - 5 - tail))
    return f"+{digits[:head]}…{digits[len(digits) - tail :]}"


def _unusual(text: str, country: str) -> PhoneNumber | None:
    """A number that is not written as numbers usually are, in a text without letters.

    With letters `phonenumbers` would read "0521 12345 abends" as a keypad word. Digits that begin with the country's
    own code in place of its trunk prefix have lost their plus sign: read as national they ring a stranger.
    """
    if re.search(r"[^\W\d_]", text):
        return None
    trunk_prefix = phonenumbers.ndd_prefix_for_region(country, strip_non_digits=True)
    plus_lost = trunk_prefix == "0" and text.startswith(str(phonenumbers.country_code_for_region(country)))
    number = _parsed(f"+{text}" if plus_lost else text, country)
    return number if isinstance(number, PhoneNumber) else None


def _parsed(text: str, country: str) -> PhoneNumber | NoNumber:
    try:
        return phonenumbers.parse(text, country)
    except NumberParseException as error:
        match error.error_type:
            case NumberParseException.TOO_SHORT_NSN | NumberParseException.TOO_SHORT_AFTER_IDD:
                return NoNumber.TOO_SHORT
            case NumberParseException.TOO_LONG:
                return NoNumber.TOO_LONG
            case _:
                return NoNumber.NOT_A_NUMBER


def _why_not(text: str, country: str) -> NoNumber:
    parsed = _parsed(text, country)
    return (_fault(parsed) or NoNumber.NOT_A_NUMBER) if isinstance(parsed, PhoneNumber) else parsed


def _fault(number: PhoneNumber) -> NoNumber | None:
    """Why this number cannot be called, if so."""
    if phonenumbers.is_valid_number(number):
        return None if phonenumbers.number_type(number) in _CALLED else NoNumber.NOT_CALLED
    match phonenumbers.is_possible_number_with_reason(number):
        case ValidationResult.TOO_SHORT | ValidationResult.IS_POSSIBLE_LOCAL_ONLY:
            return NoNumber.TOO_SHORT
        case ValidationResult.TOO_LONG:
            return NoNumber.TOO_LONG
        case _:
            return NoNumber.NOT_ASSIGNED


def _e164(number: PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)
