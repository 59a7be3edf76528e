"""What the settings do not allow holds everybody and ends nobody, raises an alarm, and goes on by itself.

The values here are those that the database refuses: they were written past its checks, by a restore or by hand.
"""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from structlog.testing import capture_logs

from klara_daemon import metrics
from klara_daemon.actors.observer import Observer
from klara_daemon.domain.dispositions import OutreachState
from klara_daemon.store import health
from klara_daemon.store.database import Database
from tests.actors.scene import MONDAY, OFFER, Scene, scene, store_settings_and_token

_PAST_THE_CHECKS = """
    SET session_replication_role = replica;
    ALTER TABLE call_settings DROP CONSTRAINT call_settings_weekdays_are_days_once,
        DROP CONSTRAINT call_settings_never_on_sunday, DROP CONSTRAINT call_settings_max_attempts_1_to_20;
    ALTER TABLE calling_windows DROP CONSTRAINT calling_windows_close_after_they_open,
        DROP CONSTRAINT calling_windows_do_not_overlap;
"""
_EVERY_DAY = "SELECT array_agg(day::date) FROM generate_series('2026-09-01'::date, '2027-12-31', '1 day') day"
BROKEN = {
    "an unknown zone": ("time_zone", "UPDATE companies SET time_zone = 'Europe/Atlantis'"),
    "no weekday": ("weekday", "UPDATE call_settings SET weekdays = '{}'"),
    "only Sunday": ("weekday", "UPDATE call_settings SET weekdays = '{sun}'"),
    "a window that ends before it begins": (
        "window",
        "UPDATE calling_windows SET closes = '08:00' WHERE opens = '09:00'",
    ),
    "windows that overlap": ("window", "UPDATE calling_windows SET closes = '23:00'"),
    "every day closed": ("closed_day", f"UPDATE call_settings SET closed_days = ({_EVERY_DAY})"),  # noqa: S608
    "no attempt allowed": ("maximum", "UPDATE call_settings SET max_attempts = 0"),
    "no window": ("settings", "DELETE FROM calling_windows"),
}


@pytest.fixture(name="loose")
async def _loose(database_url: str) -> AsyncIterator[Scene]:
    """A scene on a database of its own, whose checks are gone."""
    database = await Database.open(database_url, lambda: MONDAY)
    await store_settings_and_token(database)
    await database.close()
    async with scene(database_url) as found:
        await found.have_watched()
        yield found


async def break_settings(scene: Scene, statement: str) -> None:
    """Write it past the checks, and tell as the trigger would have."""
    async with scene.database.connection() as conn, conn.transaction():
        await conn.execute(_PAST_THE_CHECKS.replace("SET ", "SET LOCAL ", 1))
        await conn.execute(statement)


async def go_on(scene: Scene) -> None:
    """The scheduler follows the settings, everything due is dialled, the observer counts."""
    await scene.scheduler.follow_settings()
    await scene.scheduler.hand_out_due()
    await scene.deliver()
    while await scene.dialer.dial_one():
        pass
    await scene.deliver()
    await Observer(scene.database).observe()


@pytest.mark.parametrize("what", BROKEN)
async def test_it_holds_everybody_raises_an_alarm_and_ends_nobody(loose: Scene, what: str) -> None:
    code, statement = BROKEN[what]
    await loose.configure(calling={"observe_public_holidays": False})
    waiting, called = await loose.open_outreach(), await loose.open_outreach("0151 23456702")
    await loose.make_due(called)
    await break_settings(loose, statement)
    with capture_logs() as logs:
        await go_on(loose)
    loose.clock.advance(days=30)
    await go_on(loose)

    assert loose.telephone.dials == []
    for outreach in (waiting, called):
        held = await loose.outreach(outreach.id)
        assert held.state is OutreachState.HELD
        assert held.outcome is None
        assert code in (held.held_because or "").split()
    warned = [line for line in logs if line["event"] == "outreach_held"]
    assert [line["log_level"] for line in warned] == ["warning"] * 2
    assert metrics.SETTINGS_HELD._value.get() == 2
    async with loose.database.connection() as conn:
        [told] = await health.held(conn)
    assert told.number == 2


async def test_it_goes_on_by_itself_once_the_settings_allow_calls_again(loose: Scene) -> None:
    outreach = await loose.open_outreach()
    planned = outreach.due_at
    await break_settings(loose, BROKEN["an unknown zone"][1])
    await go_on(loose)
    assert (await loose.outreach(outreach.id)).state is OutreachState.HELD
    await loose.configure()
    await loose.scheduler.follow_settings()

    again = await loose.outreach(outreach.id)
    assert (again.state, again.due_at, again.held_because) == (OutreachState.WAITING, planned, None)
    await Observer(loose.database).observe()
    assert metrics.SETTINGS_HELD._value.get() == 0


async def test_a_closed_job_holds_without_an_alarm(loose: Scene) -> None:
    await loose.open_outreach()
    loose.recruitee.edit_offer(89564, OFFER, status="closed")
    await loose.poll()
    with capture_logs() as logs:
        await go_on(loose)
    assert [line["log_level"] for line in logs if line["event"] == "outreach_held"] == ["info"]
    assert metrics.SETTINGS_HELD._value.get() == 0
    async with loose.database.connection() as conn:
        assert await health.held(conn) == []
