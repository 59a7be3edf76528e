"""`klara-daemon timeline`: everything that was decided and done about one candidate, in order, with the rule."""

from __future__ import annotations

from zoneinfo import ZoneInfo

import click

from klara_daemon.commands.ending import BadInput, run
from klara_daemon.config import Config
from klara_daemon.domain.telling import tell
from klara_daemon.store import outreaches, settings, timeline
from klara_daemon.store.session import session


@click.command("timeline")
@click.argument("candidate_id", type=click.IntRange(1))
@click.option("--company", "company_id", type=click.IntRange(1), required=True, help="Recruitee's company id.")
def show(candidate_id: int, company_id: int) -> None:
    """What was decided and done about a candidate, and when the next call is due."""
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
    zone = ZoneInfo(company.time_zone) if company else ZoneInfo("UTC")
    click.echo(f"Times are those of {zone.key}.")
    for line in lines:
        rule = f"  [{line.rule}]" if line.rule else ""
        click.echo(f"{line.at.astimezone(zone):%a %Y-%m-%d %H:%M:%S}  {tell(line.event, line.details, zone)}{rule}")
    click.echo(f"Next call: {due_at.astimezone(zone):%a %Y-%m-%d %H:%M}" if due_at else "No call is due.")
