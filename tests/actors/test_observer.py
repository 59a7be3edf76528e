"""What Prometheus is told, and what is forgotten."""

from __future__ import annotations

from klara_daemon import metrics
from klara_daemon.actors.observer import Observer
from tests.actors.scene import Scene


def _gauge(name: str, **labels: str) -> float | None:
    return metrics.REGISTRY.get_sample_value(name, labels)


async def test_the_gauges_are_those_of_the_whole_installation(watching: Scene) -> None:
    await watching.open_outreach()
    await watching.execute("UPDATE company_secrets SET connection = 'reconnect'")
    assert not await Observer(watching.database).observe()
    assert _gauge("klara_outreaches", state="waiting") == 1
    assert _gauge("klara_outreaches", state="held") == 0
    assert _gauge("klara_companies_to_reconnect") == 1
    assert _gauge("klara_invariant_violations", invariant="calling_without_call") == 0


async def test_a_gauge_falls_back_when_there_is_nothing_any_more(watching: Scene) -> None:
    observer = Observer(watching.database)
    await watching.execute("DELETE FROM calling_windows")
    await watching.open_outreach()
    await observer.observe()
    assert _gauge("klara_outreaches", state="held") == 1
    await watching.configure()
    await watching.scheduler.follow_settings()
    await observer.observe()
    assert _gauge("klara_outreaches", state="held") == 0


async def test_processed_messages_are_forgotten_after_ninety_days(scene: Scene) -> None:
    for days in (89, 91):
        await scene.execute(
            "INSERT INTO processed (queue, message_id, at) VALUES ($1, gen_random_uuid(), "
            " now() - $2::int * interval '1 day')",
            f"after {days}",
            days,
        )
    assert not await Observer(scene.database).forget()
    assert [row["queue"] for row in await scene.rows("SELECT queue FROM processed")] == ["after 89"]
