"""However the phone company answers a dial, it is asked once; what is unclear is never asked again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import timedelta
from uuid import UUID, uuid4

import pytest
from aiohttp import web
from structlog.testing import capture_logs

from klara_daemon.actors import call_sender, elapsed
from klara_daemon.actors.call_sender import CallSender
from klara_daemon.actors.dialer import Claimed, Dialer
from klara_daemon.demo.private_server import free_port
from klara_daemon.demo.telephone.api import Fault
from klara_daemon.demo.telephone.people import NotInService
from klara_daemon.domain.dispositions import AttemptState, Disposition, Outcome, OutreachState
from klara_daemon.messages import CancelCall, PlanOutreach
from klara_daemon.store import callers, dials
from klara_daemon.store.outreaches import Outreach
from klara_daemon.telephony.provider import Dial
from tests.actors.scene import ACCOUNT, CALLER, COMPANY, INTERVIEW, NUMBER, PHONE, PHONE_2, Scene
from tests.eventually import eventually

Answer = Callable[[web.Request], Awaitable[web.StreamResponse]]


@asynccontextmanager
async def phone_company(answer: Answer) -> AsyncIterator[str]:
    """One that answers every dial so."""
    app = web.Application()
    app.router.add_post(f"/2010-04-01/Accounts/{ACCOUNT}/Calls.json", answer)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        yield f"http://127.0.0.1:{runner.addresses[0][1]}"
    finally:
        await runner.cleanup()


async def _due(scene: Scene, *phones: str) -> Outreach:
    outreach = await scene.open_outreach(*phones)
    await scene.make_due(outreach)
    return outreach


async def _everybody_tries_again(scene: Scene, outreach: Outreach) -> None:
    """All that could lead to a second dial: time, sweeps, plans, a doubled message."""
    await scene.let_pass(40)
    await scene.reconciler.sweep()
    await scene.scheduler.find_forgotten()
    await scene.scheduler.follow_settings()
    await scene.deliver()
    await scene.scheduler.hand_out_due()
    await scene.deliver()
    async with scene.database.transaction() as tx:
        await dials.want(tx.conn, [outreach.id])
    while await scene.dialer.dial_one():
        pass


@pytest.mark.parametrize("is_placed", [True, False])
@pytest.mark.parametrize(
    "fault",
    [
        Fault.ERROR_500,
        Fault.ERROR_503,
        Fault.HANGS,
        Fault.RESET,
        Fault.CUT_OFF,
        Fault.NOT_JSON,
        Fault.NO_SID,
        Fault.REDIRECT,
    ],
)
async def test_an_unclear_answer_is_left_to_asking(watching: Scene, fault: Fault, is_placed: bool) -> None:
    outreach = await _due(watching)
    watching.telephone.dial_faults.append((fault, is_placed))
    dialer = watching.another_dialer(provider=watching.provider_at(watching.telephone.url, timeout_s=0.4))
    await dialer.dial_one()

    attempt = await watching.last_attempt(outreach)
    assert attempt.state is AttemptState.UNCLEAR
    assert attempt.provider_ref is None
    assert (await watching.outreach(outreach.id)).state is OutreachState.CALLING
    await _everybody_tries_again(watching, outreach)
    assert watching.telephone.dials == [str(attempt.id)]
    assert (await watching.attempt(attempt.id)).state is AttemptState.UNCLEAR


async def test_too_many_requests_placed_nothing_and_the_next_call_is_a_new_one(watching: Scene) -> None:
    outreach = await _due(watching)
    watching.telephone.dial_faults.append((Fault.TOO_MANY, False))
    await watching.dialer.dial_one()
    first = await watching.last_attempt(outreach)
    assert await watching.how_it_ended(first) == (AttemptState.ENDED, Disposition.NOT_PLACED)

    await watching.deliver()
    await watching.make_due(outreach)
    await watching.execute("UPDATE trunks SET wait_until = now()")
    await watching.dialer.dial_one()
    second = await watching.last_attempt(outreach)
    assert watching.telephone.dials == [str(first.id), str(second.id)]
    assert (second.number, second.state) == (2, AttemptState.PLACED)


async def test_after_too_many_requests_nobody_is_dialled_until_the_phone_company_wants_it(watching: Scene) -> None:
    first, second = await _due(watching), await _due(watching, PHONE_2)
    watching.telephone.dial_faults.append((Fault.TOO_MANY, False))
    await watching.dialer.dial_one()
    assert not await watching.dialer.dial_one()
    assert await watching.value("SELECT wait_until - now() BETWEEN '0 s' AND '1 s' FROM trunks"), "as Twilio says"

    await watching.execute("UPDATE trunks SET wait_until = now()")
    assert await watching.dialer.dial_one()
    assert len(watching.telephone.calls) == 1
    assert not await watching.value("SELECT count(*) FROM trunks WHERE paused_until IS NOT NULL"), "it is no failure"
    states = {(await watching.outreach(one.id)).state for one in (first, second)}
    assert states == {OutreachState.CALLING}, "one is dialled, the other's plan waits for its message"


async def test_calls_that_were_never_placed_are_tried_again_however_many_there_were(watching: Scene) -> None:
    outreach = await watching.open_outreach()
    await watching.execute(
        "INSERT INTO attempts (id, outreach_id, company_id, candidate_id, number, e164, caller, provider, state,"
        " claimed_at, placed_at, ended_at, disposition) SELECT gen_random_uuid(), id, company_id, candidate_id, nth,"
        " $2, $3, 'twilio', 'ended', $4, $4, $4, 'not_placed' FROM outreaches, generate_series(1, 200) nth"
        " WHERE id = $1",
        outreach.id,
        NUMBER,
        CALLER,
        watching.clock(),
    )
    async with watching.database.transaction() as tx:
        tx.send(PlanOutreach(outreach_id=outreach.id))
    await watching.deliver()

    attempt = await watching.dial(outreach)
    assert (attempt.number, attempt.state) == (201, AttemptState.PLACED)


async def test_without_a_connection_nothing_was_sent(watching: Scene) -> None:
    outreach = await _due(watching)
    dialer = watching.another_dialer(provider=watching.provider_at(f"http://127.0.0.1:{free_port()}"))
    await dialer.dial_one()

    attempt = await watching.last_attempt(outreach)
    assert await watching.how_it_ended(attempt) == (AttemptState.ENDED, Disposition.NOT_PLACED)
    assert watching.telephone.dials == []


async def test_a_number_that_is_none_ends_the_attempt_and_the_next_number_is_called_at_once(watching: Scene) -> None:
    watching.telephone.person(NUMBER, NotInService(refused_at_once=True))
    outreach = await _due(watching, PHONE, PHONE_2)
    await watching.dialer.dial_one()
    attempt = await watching.last_attempt(outreach)
    assert await watching.how_it_ended(attempt) == (AttemptState.ENDED, Disposition.INVALID_NUMBER)
    assert await watching.value("SELECT error_code FROM attempts") == "21211"

    await watching.deliver()
    again = await watching.dial(outreach)
    assert (again.number, again.e164) == (2, "+4915123456702")
    assert again.placed_at == attempt.placed_at


@pytest.mark.parametrize("cause", ["caller", "account", "country"])
async def test_what_is_wrong_with_our_account_is_not_held_against_the_candidate(watching: Scene, cause: str) -> None:
    outreach = await watching.open_outreach()
    for nth in range(12):
        await watching.make_due(outreach)
        async with _refused(watching, cause) as dialer:
            assert await dialer.dial_one()
        attempt = await watching.last_attempt(outreach)
        assert (attempt.number, await watching.how_it_ended(attempt)) == (
            nth + 1,
            (AttemptState.ENDED, Disposition.NOT_PLACED),
        )
        await watching.deliver()
        assert (await watching.outreach(outreach.id)).state is OutreachState.WAITING, "held for nobody"
        await watching.execute("UPDATE trunks SET paused_until = NULL")
        await watching.execute("DELETE FROM refused_callers")


@asynccontextmanager
async def _refused(scene: Scene, cause: str) -> AsyncIterator[Dialer]:
    """A dialer whose calls the phone company refuses for this cause."""
    code, status = {"caller": (21210, 400), "account": (20003, 401), "country": (21215, 400)}[cause]

    async def refuse(_: web.Request) -> web.Response:
        return web.json_response({"code": code, "message": cause, "status": status}, status=status)

    async with phone_company(refuse) as url:
        yield scene.another_dialer(provider=scene.provider_at(url))


async def test_a_refused_caller_number_holds_up_its_company_alone_and_a_new_one_is_tried_at_once(
    watching: Scene,
) -> None:
    first, second = await _due(watching), await _due(watching, PHONE_2)
    watching.telephone.numbers["+4930999999"] = ""
    with capture_logs() as logged:
        await watching.dialer.dial_one()
        assert not await watching.dialer.dial_one(), "one refusal is enough"
    assert [line["log_level"] for line in logged if line["event"] == "caller_refused"] == ["error"]
    assert len(watching.telephone.dials) == 1
    assert not await watching.value("SELECT count(*) FROM trunks WHERE paused_because IS NOT NULL")
    elsewhere = uuid4()
    async with watching.database.transaction() as tx:
        await tx.conn.execute("SET LOCAL session_replication_role = replica")
        await tx.conn.execute("INSERT INTO dials (outreach_id, company_id) VALUES ($1, $2)", elsewhere, COMPANY + 1)
        assert await dials.claim(tx.conn, 60) == dials.Dial(elsewhere, 1), "another company is served"
        await dials.done(tx.conn, elsewhere)

    await watching.configure(company={"caller_number": "+4930999999"})
    await watching.deliver()
    assert await watching.dialer.dial_one()
    called = [one for one in (first, second) if (await watching.outreach(one.id)).state is OutreachState.CALLING]
    assert (await watching.last_attempt(called[0])).state is AttemptState.PLACED


async def test_a_caller_number_that_was_verified_is_found_out_after_a_while(watching: Scene) -> None:
    await _due(watching)
    await _due(watching, PHONE_2)
    watching.telephone.numbers["+4930999999"] = ""
    await watching.dialer.dial_one()
    watching.telephone.numbers[CALLER] = ""
    assert not await watching.dialer.dial_one()

    await watching.execute("UPDATE refused_callers SET refused_until = now()")
    assert await watching.dialer.dial_one()
    assert not await watching.value("SELECT count(*) FROM refused_callers")
    assert len(watching.telephone.calls) == 1


async def test_a_call_that_was_claimed_before_its_caller_number_was_refused_is_not_sent(watching: Scene) -> None:
    outreach = await _due(watching)
    await watching.execute(
        "INSERT INTO trunks (provider, next_call_at) VALUES ('twilio', clock_timestamp() + interval '2 s')"
    )
    dialling = asyncio.create_task(watching.dialer.dial_one())
    await eventually(lambda: watching.value("SELECT count(*) FROM attempts WHERE state = 'claimed'"))
    async with watching.database.transaction() as tx:
        assert await callers.refused(tx.conn, CALLER, "21210: not verified", 60)
    await dialling

    assert watching.telephone.dials == []
    attempt = await watching.last_attempt(outreach)
    assert await watching.how_it_ended(attempt) == (AttemptState.ENDED, Disposition.NOT_PLACED)


async def test_a_country_that_is_not_permitted_pauses_nobody_else(watching: Scene) -> None:
    await _due(watching)
    await _due(watching, PHONE_2)
    async with _refused(watching, "country") as dialer:
        with capture_logs() as logged:
            assert await dialer.dial_one()
    assert [line["log_level"] for line in logged if line["event"] == "call_not_permitted"] == ["error"]
    assert await watching.dialer.dial_one()
    assert len(watching.telephone.calls) == 1


async def test_a_refused_account_pauses_the_trunk_and_calling_goes_on_when_it_is_mended(watching: Scene) -> None:
    outreach = await _due(watching)
    token, watching.telephone.auth_token = watching.telephone.auth_token, "another"
    await watching.dialer.dial_one()
    assert await watching.value("SELECT paused_because IS NOT NULL FROM trunks")
    await watching.deliver()
    watching.clock.set(watching.clock() + timedelta(minutes=10))
    await watching.scheduler.hand_out_due()
    await watching.deliver()
    assert not await watching.dialer.dial_one(), "nobody is dialled over a paused trunk"

    watching.telephone.auth_token = token
    await watching.execute("UPDATE trunks SET paused_until = now()")
    assert await watching.dialer.dial_one()
    assert (await watching.last_attempt(outreach)).number == 2
    assert len(watching.telephone.calls) == 1


@pytest.mark.parametrize("status", [400, 403, 404, 418])
async def test_a_refusal_that_is_not_twilios_own_is_unclear(watching: Scene, status: int) -> None:
    outreach = await _due(watching)

    async def proxy_page(_: web.Request) -> web.Response:
        return web.Response(status=status, text="<html>blocked</html>", content_type="text/html")

    async with phone_company(proxy_page) as url:
        await watching.another_dialer(provider=watching.provider_at(url)).dial_one()
    assert (await watching.last_attempt(outreach)).state is AttemptState.UNCLEAR


async def test_news_that_overtakes_the_answer_is_kept(watching: Scene) -> None:
    """The phone rings, and somebody answers, before the dial's answer has come."""
    outreach = await _due(watching)

    async def slow(_: web.Request) -> web.Response:
        attempt = await watching.last_attempt(outreach)
        await watching.news(attempt, "in-progress", ref="CA123")
        body = {"sid": "CA123", "status": "queued", "to": NUMBER, "from": "+4952112345670"}
        return web.json_response(body, status=201)

    async with phone_company(slow) as url:
        await watching.another_dialer(provider=watching.provider_at(url)).dial_one()
    attempt = await watching.last_attempt(outreach)
    assert (attempt.state, attempt.provider_ref) == (AttemptState.TALKING, "CA123")


async def test_a_call_that_was_over_before_the_answer_came_stays_over(watching: Scene) -> None:
    outreach = await _due(watching)

    async def slow(_: web.Request) -> web.Response:
        attempt = await watching.last_attempt(outreach)
        await watching.news(attempt, "busy", ref="CA123")
        body = {"sid": "CA123", "status": "queued", "to": NUMBER, "from": "+4952112345670"}
        return web.json_response(body, status=201)

    async with phone_company(slow) as url:
        await watching.another_dialer(provider=watching.provider_at(url)).dial_one()
    attempt = await watching.last_attempt(outreach)
    assert await watching.how_it_ended(attempt) == (AttemptState.ENDED, Disposition.BUSY)
    assert attempt.provider_ref == "CA123"


async def test_a_process_that_dies_while_it_dials_leaves_an_attempt_that_is_asked_about(watching: Scene) -> None:
    outreach = await _due(watching)
    watching.telephone.dial_faults.append((Fault.HANGS, True))
    dialling = asyncio.create_task(watching.dialer.dial_one())
    await eventually(lambda: bool(watching.telephone.dials))
    dialling.cancel()
    await asyncio.gather(dialling, return_exceptions=True)
    attempt = await watching.last_attempt(outreach)
    assert attempt.state is AttemptState.PLACING

    await watching.reconciler.sweep()
    assert (await watching.attempt(attempt.id)).state is AttemptState.PLACING, "the answer may still come"
    await watching.let_pass(46)
    await watching.reconciler.sweep()
    assert (await watching.attempt(attempt.id)).state is AttemptState.UNCLEAR
    await _everybody_tries_again(watching, outreach)
    assert len(watching.telephone.dials) == 1


@pytest.mark.parametrize("clock", ["monotonic", "time"])
async def test_a_process_that_sleeps_behind_the_fence_does_not_dial_when_it_wakes_up(
    watching: Scene, monkeypatch: pytest.MonkeyPatch, clock: str
) -> None:
    """By `monotonic` a stopped process knows, by `time` one whose machine slept."""
    outreach = await _due(watching)
    awake, passed_by, fence = getattr(elapsed, clock), 0.0, CallSender._fence

    async def fence_and_sleep(self: CallSender, outreach_id: UUID, attempt_id: UUID) -> Dial | None:
        nonlocal passed_by
        dial, passed_by = await fence(self, outreach_id, attempt_id), 700.0
        await watching.let_pass(passed_by)
        await watching.reconciler.sweep()
        await watching.let_pass(31)
        await watching.reconciler.look_at_one()
        return dial

    monkeypatch.setattr(elapsed, clock, lambda: awake() + passed_by)
    monkeypatch.setattr(CallSender, "_fence", fence_and_sleep)
    await watching.dialer.dial_one()

    assert watching.telephone.dials == []
    attempt = await watching.last_attempt(outreach)
    assert await watching.how_it_ended(attempt) == (AttemptState.ENDED, Disposition.NOT_PLACED)
    assert (await watching.told(outreach.candidate_id)).count("call_ended") == 1


@pytest.mark.parametrize("clock", ["monotonic", "time"])
async def test_a_process_that_sleeps_before_the_fence_does_not_dial_on_what_it_read_before(
    watching: Scene, monkeypatch: pytest.MonkeyPatch, clock: str
) -> None:
    outreach = await _due(watching)
    claimed = await watching.dialer._prepare(outreach.id, 0)
    assert isinstance(claimed, Claimed)
    awake = getattr(elapsed, clock)
    monkeypatch.setattr(elapsed, clock, lambda: awake() + 31)
    watching.move(outreach.candidate_id, INTERVIEW)
    await watching.dialer._sender.send(outreach.id, claimed.attempt_id, claimed.read_at)

    assert watching.telephone.dials == []
    attempt = await watching.last_attempt(outreach)
    assert await watching.how_it_ended(attempt) == (AttemptState.ENDED, Disposition.NOT_PLACED)


async def test_a_request_that_waits_too_long_behind_the_fence_is_not_sent(
    watching: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    outreach = await _due(watching)
    monkeypatch.setattr(call_sender, "FENCE_S", 0.0)
    await watching.dialer.dial_one()

    assert watching.telephone.dials == []
    attempt = await watching.last_attempt(outreach)
    assert await watching.how_it_ended(attempt) == (AttemptState.ENDED, Disposition.NOT_PLACED)
    await watching.deliver()
    assert (await watching.outreach(outreach.id)).state is OutreachState.WAITING


async def test_an_answer_that_cannot_be_written_down_is_asked_for_later(watching: Scene) -> None:
    outreach = await _due(watching)
    async with watching.another_database() as database:

        async def database_goes_away(_: web.Request) -> web.Response:
            await database.close()
            body = {"sid": "CA123", "status": "queued", "to": NUMBER, "from": "+4952112345670"}
            return web.json_response(body, status=201)

        async with phone_company(database_goes_away) as url:
            dialer = watching.another_dialer(database=database, provider=watching.provider_at(url))
            [error] = await asyncio.gather(dialer.dial_one(), return_exceptions=True)
    assert isinstance(error, Exception)

    attempt = await watching.last_attempt(outreach)
    assert (attempt.state, attempt.provider_ref) == (AttemptState.PLACING, None)
    await watching.let_pass(46)
    await _everybody_tries_again(watching, outreach)
    assert (await watching.attempt(attempt.id)).state is AttemptState.UNCLEAR
    assert watching.telephone.dials == []


async def test_a_claim_that_nobody_sent_is_given_up_and_called_anew(watching: Scene) -> None:
    outreach = await _due(watching)
    await watching.execute(
        "INSERT INTO trunks (provider, next_call_at) VALUES ('twilio', clock_timestamp() + interval '4 s')"
    )
    dialling = asyncio.create_task(watching.dialer.dial_one())
    await eventually(lambda: watching.value("SELECT count(*) FROM attempts WHERE state = 'claimed'"))
    dialling.cancel()
    await asyncio.gather(dialling, return_exceptions=True)

    await watching.reconciler.sweep()
    attempt = await watching.last_attempt(outreach)
    assert attempt.state is AttemptState.CLAIMED
    await watching.let_pass(121)
    await watching.reconciler.sweep()
    assert await watching.how_it_ended(attempt) == (AttemptState.ENDED, Disposition.NOT_PLACED)
    await watching.execute("DELETE FROM trunks")
    await watching.deliver()
    again = await watching.dial(outreach)
    assert watching.telephone.dials == [str(again.id)]


async def test_who_leaves_while_the_request_is_out_is_called_off_as_soon_as_it_is_known(watching: Scene) -> None:
    outreach = await _due(watching)

    async def meanwhile(_: web.Request) -> web.Response:
        attempt = await watching.last_attempt(outreach)
        async with watching.database.transaction() as tx:
            tx.send(CancelCall(attempt_id=attempt.id, because="left_stage"))
        await watching.deliver(CancelCall)
        body = {"sid": "CA123", "status": "queued", "to": NUMBER, "from": "+4952112345670"}
        return web.json_response(body, status=201)

    async with phone_company(meanwhile) as url:
        await watching.another_dialer(provider=watching.provider_at(url)).dial_one()
    attempt = await watching.last_attempt(outreach)
    assert (attempt.state, attempt.hang_up_because) == (AttemptState.PLACED, "left_stage")
    assert await watching.value("SELECT outcome FROM outreaches") is not Outcome.WITHDRAWN
