"""`klara-daemon timeline`: everything that was decided and done about one candidate, in order, with the rule."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby
from zoneinfo import ZoneInfo

import click

from klara_daemon.commands.ending import BadInput, run
from klara_daemon.config import Config
from klara_daemon.domain.dialogue.speakable import one_line
from klara_daemon.domain.local_time import is_known_zone
from klara_daemon.domain.telling import day_of, moment_of, tell, why
from klara_daemon.store import outreaches, settings, timeline
from klara_daemon.store.session import session
from klara_daemon.store.timeline import Line


@click.command("timeline")
@click.argument("candidate_id", type=click.IntRange(1, 2**63 - 1))
@click.option(
    "--company", "company_id", type=click.IntRange(1, 2**63 - 1), required=True, help="Recruitee's company id."
)
def show(candidate_id: int, company_id: int) -> None:
    """Tell what was decided and done about a candidate, and why."""
    run(_show(company_id, candidate_id))


async def _show(company_id: int, candidate_id: int) -> None:
    config = Config.from_env().require("database_url")
    async with session(config.database_url) as conn:
        lines = await timeline.of_candidate(conn, company_id, candidate_id)
        company = await settings.company(conn, company_id)
        due_at = await outreaches.due_of_candidate(conn, company_id, candidate_id)
    if not lines:
        raise BadInput(
            f"Nothing is known of candidate {candidate_id} of company {company_id}.",
            remedy="Check both ids; a candidate is known once they stood in a watched stage.",
        )
    zone = ZoneInfo(company.time_zone if company and is_known_zone(company.time_zone) else "UTC")
    click.echo(f"Times are those of {zone.key}.")
    for line in _told(lines, zone):
        click.echo(line)
    click.echo(f"\nNext call: {moment_of(due_at.astimezone(zone))}" if due_at else "\nNo call is due.")


def _told(lines: Sequence[Line], zone: ZoneInfo) -> Iterator[str]:
    """The lines day by day, each with its reason and the codes of the rules that decided."""
    for day, of_day in groupby(lines, key=lambda line: line.at.astimezone(zone).date()):
        yield f"\n{day_of(day)} {day.year}"
        for line in of_day:
            reason, rule = why(line.details), f"  [{line.rule}]" if line.rule else ""
            told = one_line(tell(line.event, line.details, zone, line.rule))
            yield f"  {line.at.astimezone(zone):%H:%M:%S}  {told}{f'. {one_line(reason)}' if reason else ''}{rule}"
