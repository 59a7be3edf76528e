"""`klara-daemon check`: whatever is wrong is named, with what to mend, and ends with status 1."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import asyncpg
import pytest
from aiohttp import web

from klara_daemon.app import listening
from klara_daemon.commands import checking
from klara_daemon.config import Address
from klara_daemon.store import companies
from klara_daemon.vault import new_key
from tests.commands.command_line import Ended, give
from tests.commands.installation import ACCOUNT, AUTH_TOKEN, CALL, CALLER, COMPANY, OFFER, SECRET, TOKEN, Installation
from tests.servers.databases import cloned, empty
from tests.servers.interfaces import PostgresServer

STORE_SECRET = "`klara-daemon company secret --company 89564 --secret-file PATH`"
UNREAD = f"SELECT {COMPANY}, {OFFER}, {CALL}, now(), 'Recruitee answered 403'"
UNSENT = "SELECT gen_random_uuid(), 'stay_changed', '{}', now() - interval '2 minutes'"
PAUSED = "SELECT 'twilio', now() + interval '5 minutes', '20003: Authenticate'"
PAUSED_ALL = "every company: calling is paused since 2026-09-07 07:00:00 UTC by anna: a noisy line"
PAUSED_ONE = "company 89564: calling is paused since 2026-09-07 07:00:00 UTC by anna: they asked for it"
STAGE = f"company {COMPANY}, stage {CALL} of job {OFFER}"


def to_mend(ended: Ended) -> list[str]:
    """What is to be mended; the exit status and the last line say how much it is."""
    found = [line.removeprefix("MEND  ") for line in ended.printed.splitlines() if line.startswith("MEND")]
    assert ended.status == (1 if found else 0), ended
    assert ended.printed.splitlines()[-1] == (f"{len(found)} to mend." if found else "All is well.")
    assert "Traceback" not in ended.printed + ended.told
    for hidden in (TOKEN, SECRET, AUTH_TOKEN):
        assert hidden not in ended.printed + ended.told
    return found


async def test_an_installation_in_which_nothing_is_wrong_is_well(installed: Installation, amqp_url: str) -> None:
    ended = await installed.give("check", KLARA_AMQP_URL=amqp_url)

    assert to_mend(ended) == []
    assert ended.printed.splitlines() == [
        "good  broker",
        "good  public address",
        "good  migrations",
        "good  clocks",
        "good  telephone",
        "good  outbox",
        "good  parked messages",
        "good  company 89564, settings",
        "good  company 89564, Recruitee",
        "good  company 89564, stage 8063176 of job 1181300",
        "All is well.",
    ]


LATE = """
INSERT INTO stage_watches (company_id, offer_id, stage_id, watched_at, settled_at)
    SELECT company_id, offer_id, stage_id, now() - interval '30 min', now() FROM watched_stages;
INSERT INTO stays (id, company_id, candidate_id, placement_id, offer_id, stage_id, entered_at, already_there)
    SELECT gen_random_uuid(), company_id, 1, 1, offer_id, stage_id, now(), true FROM watched_stages
"""
NOT_PERMITTED = """
INSERT INTO outreaches (id, stay_id, company_id, candidate_id, placement_id, offer_id, stage_id, mode, state, opened_at,
                        due_at)
    SELECT gen_random_uuid(), gen_random_uuid(), company_id, 1, 1, 1, 1, 'interview', 'waiting', now(), now()
      FROM companies;
INSERT INTO attempts (id, outreach_id, company_id, candidate_id, number, e164, caller, provider, state, claimed_at,
                      ended_at, disposition, error_code)
    SELECT gen_random_uuid(), id, company_id, 1, 1, '+1', '+49', 'twilio', 'ended', now(), now(), 'not_placed', '21215'
      FROM outreaches
"""
# Each row: what is done to the tables, and what must be said.
WRONG_IN_THE_TABLES = {
    "no token": (
        "UPDATE company_secrets SET recruitee_token = NULL",
        "company 89564, Recruitee: no token: it calls nobody; store one with `klara-daemon company add",
    ),
    "no webhook secret": (
        "UPDATE company_secrets SET webhook_secret = NULL",
        f"company 89564, Recruitee: no webhook secret: webhooks only prompt polling; store it with {STORE_SECRET}",
    ),
    "nothing was entrusted": ("DELETE FROM company_secrets", "company 89564, Recruitee: no token: it calls nobody"),
    "no calling window": ("DELETE FROM calling_windows", "company 89564, settings: it calls nobody: calling.windows: "),
    "no call settings": ("DELETE FROM call_settings", "company 89564, settings: it calls nobody: calling"),
    "no stage is watched": (
        "DELETE FROM watched_stages",
        "company 89564, settings: no stage is watched: it calls nobody",
    ),
    "an empty question set": (
        "DELETE FROM questions",
        f"{STAGE}: nobody is called from it: its question set 'care' has no question",
    ),
    "a language that Klara does not speak": (
        "UPDATE companies SET language = 'xx'",
        "company 89564, settings: company.language: ",
    ),
    "a stage that does not exist any more": (
        "UPDATE watched_stages SET stage_id = 4711",
        f"company {COMPANY}, stage 4711 of job {OFFER}: nobody is called from it: it does not exist any more",
    ),
    "a job that does not exist any more": (
        "UPDATE watched_stages SET offer_id = 4711",
        f"company {COMPANY}, stage {CALL} of job 4711: nobody is called from it: the job does not exist any more",
    ),
    "a target that does not exist": (
        "UPDATE watched_stages SET target_stage_id = 4711",
        f"{STAGE}: nobody is moved on after the interview: The target stage does not exist in the job's pipeline.",
    ),
    "a target in which people are hired": (
        "UPDATE watched_stages SET target_stage_id = 8063179",
        f"{STAGE}: nobody is moved on after the interview: The target is a hired stage",
    ),
    "a stage that the daemon could not read": (
        f"INSERT INTO stage_watches (company_id, offer_id, stage_id, watched_at, fault) {UNREAD}",
        f"{STAGE}: the daemon could not read it the last time: Recruitee answered 403",
    ),
    "a parked message": (
        "INSERT INTO parked (queue, name, body, reason) VALUES ('klara.dead', 'x', '{}', 'why')",
        "parked messages: 1; see `klara-daemon parked list`",
    ),
    "an outbox that nobody relays": (
        f"INSERT INTO outbox (id, name, body, created_at) {UNSENT}",
        "outbox: 1 messages wait, the oldest for 12",
    ),
    "a paused trunk": (
        f"INSERT INTO trunks (provider, paused_until, paused_because) {PAUSED}",
        "trunk twilio: paused, nobody is called: 20003: Authenticate",
    ),
    "a pause of every company": (
        "INSERT INTO calling_pauses VALUES (0, '2026-09-07T07:00Z', 'anna', 'a noisy line')",
        f"{PAUSED_ALL}; `klara-daemon calling resume`",
    ),
    "a pause of one company": (
        "INSERT INTO calling_pauses VALUES (89564, '2026-09-07T07:00Z', 'anna', 'they asked for it')",
        f"{PAUSED_ONE}; `klara-daemon calling resume --company 89564`",
    ),
    "a stage that was first looked at late": (
        LATE,
        f"{STAGE}: it was first looked at 30 minutes after the settings named it; the 1 who stood there then are not",
    ),
    "a caller number that is refused": (
        "INSERT INTO refused_callers SELECT caller_number, '21210: not verified', now() FROM companies",
        "company 89564, caller number +49",
    ),
    "calls that are not permitted": (
        NOT_PERMITTED,
        "company 89564, calls that are not permitted: 1 were refused by Twilio with 21215: this account may not call",
    ),
}  # fmt: skip


@pytest.mark.parametrize("done", WRONG_IN_THE_TABLES)
async def test_what_is_wrong_in_the_tables_is_named(installed: Installation, done: str) -> None:
    statement, expected = WRONG_IN_THE_TABLES[done]
    await behind_the_checks(installed, statement)

    found = to_mend(await installed.give("check"))

    assert any(line.startswith(expected) for line in found), found


async def behind_the_checks(installed: Installation, statement: str) -> None:
    """Do what the database would refuse, as an older version or a restored dump might have it."""
    await installed.conn.execute("SET session_replication_role = replica")
    await installed.conn.execute(statement)
    await installed.conn.execute("RESET session_replication_role")


HELD = """
INSERT INTO outreaches (id, stay_id, company_id, candidate_id, placement_id, offer_id, stage_id, mode, state, opened_at)
    SELECT gen_random_uuid(), gen_random_uuid(), company_id, 1, 1, 1, 1, 'interview', 'held', now() FROM companies;
INSERT INTO timeline (company_id, candidate_id, outreach_id, at, event, rule, details)
    SELECT company_id, 1, id, now(), 'outreach_held', 'weekday', '{"says": "No weekday is chosen."}' FROM outreaches;
INSERT INTO writebacks (id, outreach_id, company_id, tries)
    SELECT gen_random_uuid(), id, company_id, 5 FROM outreaches
"""


async def test_held_outreaches_and_what_could_not_be_written_are_named(installed: Installation) -> None:
    await behind_the_checks(installed, HELD)

    assert to_mend(await installed.give("check")) == [
        "company 89564, held outreaches: 1 wait for a person to look: No weekday is chosen.",
        "company 89564, writing to Recruitee: not done after 5 tries or more: each was broken off",
    ]


async def test_settings_that_allow_no_call_at_all_are_named(installed: Installation) -> None:
    await installed.conn.execute(
        "UPDATE call_settings SET closed_days ="
        " (SELECT array_agg(current_date + nth) FROM generate_series(-1, 500) nth)"
    )

    found = to_mend(await installed.give("check"))

    assert found
    assert all(line.startswith("company 89564, settings: it calls nobody: ") for line in found)


async def test_a_company_of_which_only_a_token_is_known_calls_nobody(installed: Installation) -> None:
    await companies.store_token(installed.conn, installed.vault, 7, "token-of-7")
    installed.recruitee.add_company(7, "Another GmbH", "token-of-7")

    found = to_mend(await installed.give("check"))

    assert found[0].startswith("company 7, settings: missing: it calls nobody; write them with `klara-daemon settings")
    assert [line.split(":")[0] for line in found] == ["company 7, settings", "company 7, Recruitee"]


async def test_an_installation_without_any_company_is_not_done(installed: Installation) -> None:
    await behind_the_checks(installed, "DELETE FROM companies; DELETE FROM company_secrets")

    assert to_mend(await installed.give("check"))[0].startswith("companies: none yet: `klara-daemon settings apply`")


async def revoke_the_token(installed: Installation) -> None:
    installed.recruitee.companies[COMPANY].token = "another"


async def give_the_token_of_another_company(installed: Installation) -> None:
    installed.recruitee.companies[COMPANY].token = "moved"
    installed.recruitee.add_company(7, "Another GmbH", TOKEN)


async def stop_recruitee(installed: Installation) -> None:
    await installed.recruitee.stop()


async def sell_the_caller_number(installed: Installation) -> None:
    installed.telephone.numbers = {"+4930123456": ""}


async def let_the_template_go(installed: Installation) -> None:
    installed.recruitee.companies[COMPANY].offers[OFFER].template = "gone"


@pytest.mark.parametrize(
    ("happens", "expected"),
    [
        (revoke_the_token, "company 89564, Recruitee: Recruitee answered 401"),
        (give_the_token_of_another_company, "company 89564, Recruitee: "),
        (stop_recruitee, "company 89564, Recruitee: no answer from Recruitee"),
        (sell_the_caller_number, f"telephone: {CALLER} is neither a number of this Twilio account nor a verified"),
        (let_the_template_go, f"{STAGE}: cannot be checked: the job's pipeline template has gone"),
    ],
)
async def test_what_has_changed_at_the_vendors_is_named(
    installed: Installation, happens: Callable[[Installation], Awaitable[None]], expected: str
) -> None:
    await happens(installed)

    (found,) = to_mend(await installed.give("check"))

    assert found.startswith(expected)


@pytest.mark.parametrize(
    ("variable", "value", "expected"),
    [
        ("KLARA_AMQP_URL", "amqp://klara:pa55word@127.0.0.1:1/klara", "broker: "),
        ("KLARA_PUBLIC_URL", "http://127.0.0.1:1", "public address: http://127.0.0.1:1/telephony/twilio/status cannot"),
        ("KLARA_TWILIO_AUTH_TOKEN", "another-token", "telephone: Twilio does not accept the account SID and the token"),
        ("KLARA_TWILIO_API_URL", "http://127.0.0.1:1", "telephone: Twilio did not answer: "),
        ("KLARA_RECRUITEE_API_URL", "http://127.0.0.1:1", "company 89564, Recruitee: no answer from Recruitee"),
        ("KLARA_SECRET_KEYS", new_key(), "company 89564, Recruitee: The secret recruitee_token of row 89564"),
    ],
)
async def test_what_is_wrong_in_the_environment_is_named(
    installed: Installation, variable: str, value: str, expected: str
) -> None:
    ended = await installed.give("check", **{variable: value})

    assert any(line.startswith(expected) for line in to_mend(ended)), ended.printed
    assert "pa55word" not in ended.printed + ended.told


async def test_a_web_role_with_another_token_is_told_from_ours(installed: Installation) -> None:
    ended = await installed.give("check", KLARA_TWILIO_AUTH_TOKEN="another-token")

    assert (
        "refuses what KLARA_TWILIO_AUTH_TOKEN has signed (403): the web role there has another token" in ended.printed
    )


@pytest.mark.parametrize("status", [200, 302, 404, 502])
async def test_somebody_else_at_the_public_address_is_told_from_our_web_role(
    installed: Installation, status: int
) -> None:
    async def answer(_: web.Request) -> web.Response:
        return web.Response(status=status, headers={"Location": "/"}, text="Welcome")

    app = web.Application()
    app.add_routes([web.route("*", "/{path:.*}", answer)])
    async with listening(app, Address("127.0.0.1", 0)) as port:
        (found,) = to_mend(await installed.give("check", KLARA_PUBLIC_URL=f"http://127.0.0.1:{port}"))

    assert f"answers {status}, not as Klara's web role does" in found


async def test_an_account_that_does_not_exist_is_named(installed: Installation) -> None:
    sid = ACCOUNT.replace("0", "1")

    (found,) = to_mend(await installed.give("check", KLARA_TWILIO_ACCOUNT_SID=sid))

    assert found.startswith("telephone: Twilio does not accept the account SID and the token")


WRONG_CLOCK = """
CREATE SCHEMA wrong;
CREATE FUNCTION wrong.clock_timestamp() RETURNS timestamptz LANGUAGE sql
    AS $$SELECT pg_catalog.clock_timestamp() + interval '9 s'$$;
"""


async def test_clocks_that_differ_are_named(
    installed: Installation,
    postgres_server: PostgresServer,
    _template: str,  # noqa: PT019 -- its value is used
) -> None:
    async with cloned(postgres_server, _template) as url:
        conn = await asyncpg.connect(url)
        await conn.execute(WRONG_CLOCK)
        name = await conn.fetchval("SELECT current_database()")
        await conn.execute(f"ALTER DATABASE {name} SET search_path = wrong, pg_catalog, public")
        await conn.close()
        found = to_mend(await installed.give("check", KLARA_DATABASE_URL=url))

    assert found[0].startswith("clocks: this machine's clock is -")
    assert "past 5 s nobody is called: mend time synchronisation" in found[0]


async def test_a_database_that_is_away_is_named(installed: Installation) -> None:
    nowhere = "postgresql://klara:pa55word@127.0.0.1:1/klara"

    ended = await installed.give("check", KLARA_DATABASE_URL=nowhere)

    (found,) = to_mend(ended)
    assert found.startswith("database: The database cannot be reached")
    assert "KLARA_DATABASE_URL" in found
    assert "pa55word" not in ended.printed + ended.told


async def test_missing_migrations_are_named(installed: Installation, postgres_server: PostgresServer) -> None:
    async with empty(postgres_server) as url:
        (found,) = to_mend(await installed.give("check", KLARA_DATABASE_URL=url))

    assert found.startswith("migrations: missing: 20261123000001_settings.sql, ")
    assert found.endswith("; run `klara-daemon migrate`")


async def test_a_broker_that_hangs_is_named_in_time(installed: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checking, "BROKER_WITHIN_S", 0.5)
    held = []

    async def say_nothing(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        held.append(writer)

    silent = await asyncio.start_server(say_nothing, "127.0.0.1", 0)
    port = silent.sockets[0].getsockname()[1]
    async with asyncio.timeout(9):
        (found,) = to_mend(await installed.give("check", KLARA_AMQP_URL=f"amqp://127.0.0.1:{port}/"))
    for writer in held:
        writer.close()
    silent.close()

    assert found.startswith("broker: ")


async def test_without_its_configuration_it_says_which_variables_are_missing() -> None:
    ended = await give("check", environment={})

    assert ended.status == 78
    assert all(name in ended.told for name in ("KLARA_DATABASE_URL", "KLARA_PUBLIC_URL", "KLARA_SECRET_KEYS"))
