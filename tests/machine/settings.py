"""What a company has set, as the machine wrote it: the referee believes this, and not what the daemon reads."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from itertools import pairwise
from typing import Final

from klara_daemon.store.database import Connection

UNKNOWN_ZONE: Final = "Europe/Atlantis"
DAYS: Final = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
CHECKS_TO_WRITE_PAST: Final = (
    ("call_settings", "call_settings_never_on_sunday"),
    ("call_settings", "call_settings_weekdays_are_days_once"),
    ("calling_windows", "calling_windows_close_after_they_open"),
    ("calling_windows", "calling_windows_do_not_overlap"),
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Weekdays have three letters; windows are minutes after local midnight, sorted, end excluded."""

    time_zone: str = "Europe/Berlin"
    country: str = "DE"
    subdivision: str | None = "NW"
    weekdays: tuple[str, ...] = DAYS[:6]
    windows: tuple[tuple[int, int], ...] = ((9 * 60, 12 * 60), (14 * 60, 18 * 60))
    max_attempts: int = 4
    attempts_per_day: int = 2
    pause_minutes: int = 180
    first_call_delay_minutes: int = 3
    max_per_30_days: int = 10
    observe_public_holidays: bool = True
    closed_days: tuple[date, ...] = ()
    calls_at_once: int | None = None

    @property
    def allow_calls(self) -> bool:
        """Whether they can be understood and allow a call on some day."""
        return (
            self.time_zone != UNKNOWN_ZONE
            and bool(set(self.weekdays) - {"sun"})
            and bool(self.windows)
            and all(opens < closes for opens, closes in self.windows)
            and all(earlier[1] <= later[0] for earlier, later in pairwise(self.windows))
        )

    async def write(self, conn: Connection, company_id: int) -> None:
        """Store them, past every check of the settings command and of the database."""
        async with conn.transaction():
            if self.time_zone == UNKNOWN_ZONE:
                await conn.execute("SET LOCAL session_replication_role = replica")
            await conn.execute(
                "UPDATE companies SET time_zone = $2, country = $3, subdivision = $4 WHERE company_id = $1",
                company_id,
                self.time_zone,
                self.country,
                self.subdivision,
            )
            await conn.execute(
                "UPDATE call_settings SET weekdays = $2, max_attempts = $3, attempts_per_day = $4, pause_minutes = $5,"
                " first_call_delay_minutes = $6, max_per_30_days = $7, observe_public_holidays = $8, closed_days = $9,"
                " calls_at_once = $10 WHERE company_id = $1",
                company_id,
                list(self.weekdays),
                self.max_attempts,
                self.attempts_per_day,
                self.pause_minutes,
                self.first_call_delay_minutes,
                self.max_per_30_days,
                self.observe_public_holidays,
                list(self.closed_days),
                self.calls_at_once,
            )
            await conn.execute("DELETE FROM calling_windows WHERE company_id = $1", company_id)
            await conn.executemany(
                "INSERT INTO calling_windows (company_id, opens, closes) VALUES ($1, $2::text::time, $3::text::time)",
                [(company_id, _time(opens), _time(closes)) for opens, closes in self.windows],
            )


def _time(minute: int) -> str:
    """24:00 too, which Python's times do not know."""
    return f"{minute // 60:02}:{minute % 60:02}"
