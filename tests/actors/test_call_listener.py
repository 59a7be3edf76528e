"""News of calls comes late, twice, in the wrong order or about somebody else: an attempt goes on, never back."""

from __future__ import annotations

from itertools import permutations
from uuid import uuid4

import pytest

from klara_daemon.actors.patience import PATIENCE
from klara_daemon.domain.dispositions import AttemptState, Disposition, OutreachState
from klara_daemon.messages import CallProgressed, CancelCall, PlanOutreach
from klara_daemon.store import conversations
from klara_daemon.store.calls import Attempt
from klara_daemon.store.outreaches import Outreach
from tests.actors.scene import PHONE_2, Scene

A, D = AttemptState, Disposition
TALK = {"phase": "asking", "person_spoke": True, "person_confirmed": True}


@pytest.fixture
async def outreach(watching: Scene) -> Outreach:
    """An outreach whose first call is placed."""
    outreach = await watching.open_outreach()
    await watching.dial(outreach)
    return outreach


@pytest.fixture
async def attempt(watching: Scene, outreach: Outreach) -> Attempt:
    """The call that is placed."""
    return await watching.last_attempt(outreach)


async def _in_state(scene: Scene, attempt: Attempt, state: AttemptState) -> None:
    await scene.execute("ALTER TABLE attempts DISABLE TRIGGER attempts_refuse")
    await scene.execute("UPDATE attempts SET state = $2 WHERE id = $1", attempt.id, state)
    await scene.execute("ALTER TABLE attempts ENABLE TRIGGER attempts_refuse")


# Order


async def test_a_call_rings_is_answered_and_ends(watching: Scene, attempt: Attempt) -> None:
    states = []
    for nth, status in enumerate(("initiated", "ringing", "in-progress", "completed")):
        watching.clock.advance(seconds=4)
        await watching.news(attempt, status, number=nth)
        states.append((await watching.attempt(attempt.id)).state)

    assert states == [A.PLACED, A.RINGING, A.TALKING, A.ENDED]
    [row] = await watching.rows("SELECT ringing_at, answered_at, ended_at FROM attempts")
    assert [(row[name] - attempt.placed_at).seconds for name in ("ringing_at", "answered_at", "ended_at")] == [
        8,
        12,
        16,
    ]
    assert (await watching.told(attempt.candidate_id))[-3:] == ["call_rang", "call_answered", "call_ended"]
    assert await watching.waiting_messages() == [PlanOutreach.name]


@pytest.mark.parametrize("order", list(permutations(["ringing", "in-progress", "busy"])))
async def test_whatever_the_order_the_call_ends_once(watching: Scene, attempt: Attempt, order: tuple[str, ...]) -> None:
    reached = []
    for nth, status in enumerate((*order, *order)):
        await watching.news(attempt, status, number=nth)
        reached.append(list(A).index((await watching.attempt(attempt.id)).state))

    assert reached == sorted(reached)
    assert await watching.how_it_ended(attempt) == (A.ENDED, D.BUSY)
    assert (await watching.told(attempt.candidate_id)).count("call_ended") == 1
    assert await watching.waiting_messages() == [PlanOutreach.name]


async def test_news_in_one_batch_is_the_same_as_one_by_one(watching: Scene, attempt: Attempt) -> None:
    for nth, status in enumerate(["in-progress", "ringing", "no-answer", "ringing"]):
        await watching.news(attempt, status, number=nth, deliver=False)
    message = CallProgressed(attempt_id=attempt.id)
    async with watching.database.transaction() as tx:
        await watching.listener.on_call_progressed(tx, [message, message])

    assert await watching.how_it_ended(attempt) == (A.ENDED, D.NO_ANSWER)
    assert await watching.value("SELECT count(*) FROM call_events WHERE applied_at IS NULL") == 0


async def test_a_doubled_callback_is_one(watching: Scene, attempt: Attempt) -> None:
    assert await watching.news(attempt, "ringing")
    assert not await watching.news(attempt, "ringing")
    assert (await watching.told(attempt.candidate_id)).count("call_rang") == 1


async def test_news_after_the_end_changes_nothing(watching: Scene, attempt: Attempt) -> None:
    await watching.news(attempt, "busy")
    before = await watching.rows("SELECT * FROM attempts")
    for nth, status in enumerate(("ringing", "in-progress", "completed", "canceled"), start=5):
        watching.clock.advance(minutes=1)
        await watching.news(attempt, status, number=nth)

    assert await watching.rows("SELECT * FROM attempts") == before


async def test_messages_about_calls_that_are_not_known_change_nothing(watching: Scene) -> None:
    async with watching.database.transaction() as tx:
        await watching.listener.on_call_progressed(tx, [CallProgressed(attempt_id=uuid4())])
        await watching.listener.on_cancel_call(tx, [CancelCall(attempt_id=uuid4(), because="x")])

    assert await watching.waiting_messages() == []


# Which call


@pytest.mark.parametrize("state", [A.PLACING, A.UNCLEAR])
async def test_a_callback_settles_a_dial_whose_answer_was_lost(
    watching: Scene, attempt: Attempt, state: AttemptState
) -> None:
    await watching.execute("UPDATE attempts SET provider_ref = NULL")
    await _in_state(watching, attempt, state)
    await watching.news(attempt, "initiated", ref="CA9")

    settled = await watching.attempt(attempt.id)
    assert (settled.state, settled.provider_ref) == (A.PLACED, "CA9")


async def test_a_second_call_for_the_same_attempt_does_not_end_the_first(watching: Scene, attempt: Attempt) -> None:
    await watching.news(attempt, "in-progress")
    await watching.news(attempt, "completed", ref="CA-of-somebody-else")

    talking = await watching.attempt(attempt.id)
    assert (talking.state, talking.provider_ref) == (A.TALKING, attempt.provider_ref)
    await watching.news(attempt, answered_by="machine_start", ref="CA-of-somebody-else")
    assert (await watching.attempt(attempt.id)).hang_up_because is None


async def test_the_call_of_another_attempt_is_not_taken_over(watching: Scene, attempt: Attempt) -> None:
    other = await watching.dial(await watching.open_outreach(PHONE_2))
    await watching.execute("UPDATE attempts SET provider_ref = NULL WHERE id = $1", other.id)
    await watching.news(other, "ringing", ref=attempt.provider_ref)

    untouched = await watching.attempt(other.id)
    assert (untouched.provider_ref, untouched.state) == (None, A.PLACED)
    assert (await watching.attempt(attempt.id)).state is A.PLACED


# How it ended


@pytest.mark.parametrize(
    ("status", "sip_code", "disposition"),
    [
        ("busy", 486, D.BUSY),
        ("busy", 603, D.NO_ANSWER),
        ("no-answer", 487, D.NO_ANSWER),
        ("failed", 404, D.INVALID_NUMBER),
        ("failed", 503, D.TECHNICAL_FAILURE),
        ("failed", None, D.TECHNICAL_FAILURE),
    ],
)
async def test_a_call_that_nobody_took_ends_as_the_line_says(
    watching: Scene, attempt: Attempt, status: str, sip_code: int | None, disposition: Disposition
) -> None:
    await watching.news(attempt, status, sip_code=sip_code)
    assert await watching.how_it_ended(attempt) == (A.ENDED, disposition)


@pytest.mark.parametrize(
    ("state", "disposition"),
    [
        ({"phase": "connecting"}, D.NO_ANSWER),
        ({"phase": "person"}, D.NO_ANSWER),
        ({"phase": "person", "person_spoke": True}, D.HUNG_UP),
        ({"phase": "whose_number", "person_spoke": True, "somebody_else": True}, D.NO_ANSWER),
        ({**TALK, "answered": ["experience"]}, D.PARTLY_INTERVIEWED),
        ({**TALK, "answered": ["experience", "start"], "complete": True}, D.INTERVIEWED),
        ({**TALK, "phase": "ended", "disposition": "declined"}, D.DECLINED),
    ],
)
async def test_a_call_that_was_spoken_ends_as_far_as_it_came(
    watching: Scene, attempt: Attempt, state: dict[str, object], disposition: Disposition
) -> None:
    await watching.news(attempt, "in-progress")
    await watching.begin_conversation(attempt, **state)
    await watching.person_leaves(attempt)
    await watching.news(attempt, "completed")
    assert await watching.how_it_ended(attempt) == (A.ENDED, disposition)


@pytest.mark.parametrize(
    "state", [{"phase": "connecting"}, {"phase": "person"}, TALK, {**TALK, "answered": ["experience"]}]
)
async def test_a_talk_that_nobody_is_known_to_have_ended_was_cut_off_by_a_fault(
    watching: Scene, attempt: Attempt, state: dict[str, object]
) -> None:
    """A process that is killed keeps nothing, and neither does a database that is away."""
    await watching.news(attempt, "in-progress")
    await watching.begin_conversation(attempt, **state)
    await watching.news(attempt, "completed")
    assert (await watching.attempt(attempt.id)).state is A.TALKING, "that the person has left may be told last"

    await watching.let_pass(PATIENCE.news_s + 1)
    await watching.reconciler.sweep()
    await watching.deliver(CallProgressed)
    assert await watching.how_it_ended(attempt) == (A.ENDED, D.TECHNICAL_FAILURE)


@pytest.mark.parametrize(
    ("state", "disposition"),
    [
        ({**TALK, "answered": ["experience", "start"], "complete": True}, D.INTERVIEWED),
        ({**TALK, "phase": "ended", "disposition": "declined"}, D.DECLINED),
    ],
)
async def test_what_was_said_needs_nobody_to_say_who_ended_the_talk(
    watching: Scene, attempt: Attempt, state: dict[str, object], disposition: Disposition
) -> None:
    await watching.news(attempt, "in-progress")
    await watching.begin_conversation(attempt, **state)
    await watching.execute("UPDATE conversations SET disposition = state->>'disposition'")
    await watching.news(attempt, "completed")
    assert await watching.how_it_ended(attempt) == (A.ENDED, disposition)


async def test_news_that_waits_holds_up_no_other_news(watching: Scene, attempt: Attempt) -> None:
    await watching.news(attempt, "in-progress")
    await watching.begin_conversation(attempt, phase="person", person_spoke=True)
    await watching.news(attempt, "completed")
    await watching.news(attempt, answered_by="machine_start")
    await watching.let_pass(PATIENCE.news_s + 1)
    await watching.reconciler.sweep()
    await watching.deliver(CallProgressed)
    assert await watching.how_it_ended(attempt) == (A.ENDED, D.VOICEMAIL)


async def test_a_line_that_broke_by_our_fault_is_not_held_against_the_person(watching: Scene, attempt: Attempt) -> None:
    await watching.news(attempt, "in-progress")
    await watching.begin_conversation(attempt, phase="person", person_spoke=True)
    async with watching.database.transaction() as tx:
        await conversations.broke_off(tx.conn, attempt.id, 0, "failed")
    await watching.news(attempt, "completed")
    assert await watching.how_it_ended(attempt) == (A.ENDED, D.TECHNICAL_FAILURE)


async def test_a_call_that_was_answered_while_we_were_away_is_our_fault(watching: Scene, attempt: Attempt) -> None:
    await watching.news(attempt, "in-progress")
    await watching.news(attempt, "completed")
    assert await watching.how_it_ended(attempt) == (A.ENDED, D.TECHNICAL_FAILURE)


# Machines


@pytest.mark.parametrize("answered_by", ["machine_start", "machine_end_beep", "fax"])
async def test_a_machine_is_hung_up_on(watching: Scene, attempt: Attempt, answered_by: str) -> None:
    await watching.news(attempt, "in-progress")
    await watching.begin_conversation(attempt, phase="person", person_spoke=True)
    await watching.news(attempt, answered_by=answered_by)
    assert (await watching.attempt(attempt.id)).hang_up_because == "machine"

    await watching.news(attempt, "completed")
    assert await watching.how_it_ended(attempt) == (A.ENDED, D.VOICEMAIL)


@pytest.mark.parametrize("answered_by", ["human", "unknown"])
async def test_a_person_is_not_hung_up_on(watching: Scene, attempt: Attempt, answered_by: str) -> None:
    await watching.news(attempt, "in-progress")
    await watching.news(attempt, answered_by=answered_by)
    assert (await watching.attempt(attempt.id)).hang_up_because is None


async def test_who_has_said_who_they_are_is_no_machine(watching: Scene, attempt: Attempt) -> None:
    await watching.news(attempt, "in-progress")
    await watching.begin_conversation(attempt, **TALK)
    await watching.news(attempt, answered_by="machine_start")
    assert (await watching.attempt(attempt.id)).hang_up_because is None

    await watching.person_leaves(attempt)
    await watching.news(attempt, "completed")
    assert await watching.how_it_ended(attempt) == (A.ENDED, D.HUNG_UP)


async def test_a_verdict_that_overtakes_the_answer_counts(watching: Scene, attempt: Attempt) -> None:
    await watching.news(attempt, "ringing")
    await watching.news(attempt, answered_by="machine_start")
    await watching.news(attempt, "completed")
    assert await watching.how_it_ended(attempt) == (A.ENDED, D.VOICEMAIL)


# Calling off


@pytest.mark.parametrize(
    ("state", "wants_hang_up"),
    [(A.PLACING, True), (A.UNCLEAR, True), (A.PLACED, True), (A.RINGING, True), (A.TALKING, False)],
)
async def test_a_call_is_called_off_until_somebody_speaks(
    watching: Scene, attempt: Attempt, state: AttemptState, wants_hang_up: bool
) -> None:
    await _in_state(watching, attempt, state)
    async with watching.database.transaction() as tx:
        cancel = CancelCall(attempt_id=attempt.id, because="left_stage")
        await watching.listener.on_cancel_call(tx, [cancel, cancel])

    after = await watching.attempt(attempt.id)
    assert (after.state, after.hang_up_because) == (state, "left_stage" if wants_hang_up else None)


async def test_a_call_that_nobody_sent_is_over_at_once(watching: Scene, outreach: Outreach, attempt: Attempt) -> None:
    await _in_state(watching, attempt, A.CLAIMED)
    async with watching.database.transaction() as tx:
        await watching.listener.on_cancel_call(tx, [CancelCall(attempt_id=attempt.id, because="left_stage")])

    assert await watching.how_it_ended(attempt) == (A.ENDED, D.NOT_PLACED)
    await watching.deliver()
    assert (await watching.outreach(outreach.id)).state is OutreachState.WAITING


async def test_calling_off_what_is_over_changes_nothing(watching: Scene, attempt: Attempt) -> None:
    await watching.news(attempt, "busy")
    before = await watching.rows("SELECT * FROM attempts")
    async with watching.database.transaction() as tx:
        await watching.listener.on_cancel_call(tx, [CancelCall(attempt_id=attempt.id, because="left_stage")])
    assert await watching.rows("SELECT * FROM attempts") == before


@pytest.mark.parametrize(("rang", "disposition"), [(True, D.CANCELLED), (False, D.NOT_PLACED)])
async def test_only_a_call_that_rang_counts_when_it_is_called_off(
    watching: Scene, attempt: Attempt, rang: bool, disposition: Disposition
) -> None:
    if rang:
        await watching.news(attempt, "ringing")
    async with watching.database.transaction() as tx:
        await watching.listener.on_cancel_call(tx, [CancelCall(attempt_id=attempt.id, because="left_stage")])
    await watching.news(attempt, "canceled")

    assert await watching.how_it_ended(attempt) == (A.ENDED, disposition)
