"""The call settings of a company: on which days, at which times and how often candidates may be called."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, StrictBool, ValidationInfo, field_validator

from klara_daemon.domain.faults import Misplaced, across, wrong
from klara_daemon.domain.settings_values import (
    DAY_MINUTES,
    ClosedDay,
    Part,
    TimeOfDay,
    UpToAWeek,
    clock,
    minutes_of,
    objects,
    some,
)


class Weekday(StrEnum):
    """A day on which calls may start, in the order of the week."""

    MON = "mon"
    TUE = "tue"
    WED = "wed"
    THU = "thu"
    FRI = "fri"
    SAT = "sat"

    @property
    def iso(self) -> int:
        """1 for Monday to 6 for Saturday."""
        return list(Weekday).index(self) + 1


class WindowPart(Part):
    """One stretch of a day in which calls may start, in minutes after local midnight, end excluded."""

    opens: TimeOfDay = Field(alias="from")
    closes: TimeOfDay = Field(alias="to")

    @field_validator("opens")
    @classmethod
    def _lies_in_day(cls, opens: int) -> int:
        if opens == DAY_MINUTES:
            raise wrong("must be before 24:00")
        return opens

    @field_validator("closes")
    @classmethod
    def _comes_after_start(cls, closes: int, info: ValidationInfo) -> int:
        opens = info.data.get("opens")
        if opens is not None and closes <= opens:
            raise wrong(f"must be later than the start of the window, {clock(opens)}")
        return closes


def _overlaps(given: Any) -> Iterator[Misplaced]:
    earlier: list[tuple[int, int]] = []
    for place, entry in objects(given):
        opens, closes = minutes_of(entry.get("from")), minutes_of(entry.get("to"))
        if opens is None or closes is None or opens >= closes:
            continue
        for start, end in earlier:
            if opens < end and start < closes:
                yield (place, "from"), f"overlaps the window from {clock(start)} to {clock(end)}"
        earlier.append((opens, closes))


def _repetitions(given: Any) -> Iterator[Misplaced]:
    entries = given if isinstance(given, list) else []
    return (((place,), "stands in the list twice") for place, entry in enumerate(entries) if entry in entries[:place])


def _not_sunday(given: object) -> object:
    if isinstance(given, str) and given.strip().lower() in {"sun", "sunday"}:
        raise wrong("Klara never calls on a Sunday, and no setting can allow it")
    return given


def _in_order(days: tuple[date, ...]) -> tuple[date, ...]:
    return tuple(sorted(set(days)))


class CallingPart(Part):
    """When and how often candidates are called."""

    max_attempts: Annotated[int, Field(strict=True, ge=1, le=20)]
    attempts_per_day: Annotated[int, Field(strict=True, ge=1, le=10)]
    weekdays: Annotated[
        tuple[Annotated[Weekday, BeforeValidator(_not_sunday)], ...], AfterValidator(some), across(_repetitions)
    ]
    windows: Annotated[tuple[WindowPart, ...], Field(max_length=48), AfterValidator(some), across(_overlaps)]
    pause_minutes: UpToAWeek = 180
    first_call_delay_minutes: UpToAWeek = 3
    max_per_30_days: Annotated[int, Field(strict=True, ge=1, le=100)] = 10
    calls_at_once: Annotated[int, Field(strict=True, ge=1, le=10_000)] | None = None
    observe_public_holidays: StrictBool = True
    closed_days: Annotated[tuple[ClosedDay, ...], Field(max_length=1000), AfterValidator(_in_order)] = ()
