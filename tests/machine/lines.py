"""The life of each call at the phone company, moved on by the machine, and what is told of it to the web role."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Final
from uuid import UUID

from klara_daemon.demo.telephone.records import CallRecord
from klara_daemon.domain.dispositions import Disposition
from klara_daemon.messages import CallProgressed
from klara_daemon.store import call_events, conversations, opt_outs
from klara_daemon.store.calls import Attempt
from klara_daemon.telephony.provider import CallStatus
from tests.machine.world import OptOut, World

S: Final = CallStatus


class Ending(Enum):
    """How a call ends: the phone company's word, what we call it, and the line's code where there is one."""

    NO_ANSWER = ("no-answer", "no_answer", 487)
    BUSY = ("busy", "busy", 486)
    FAILED = ("failed", "technical_failure", 503)
    NOT_IN_SERVICE = ("failed", "invalid_number", 404)
    VOICEMAIL = ("completed", "voicemail", None)
    OUR_FAULT = ("completed", "technical_failure", None)
    INTERVIEWED = ("completed", "interviewed", None)
    PARTLY_INTERVIEWED = ("completed", "partly_interviewed", None)
    HUNG_UP = ("completed", "hung_up", None)
    CALLBACK = ("completed", "callback_requested", None)
    DECLINED = ("completed", "declined", None)
    OPTED_OUT = ("completed", "opted_out", None)
    HUMAN = ("completed", "human_requested", None)
    WRONG_PERSON = ("completed", "wrong_person", None)
    SOMEBODY_ELSE = ("completed", "no_answer", None)

    @property
    def status(self) -> CallStatus:
        """The phone company's word."""
        return CallStatus(self.value[0])

    @property
    def disposition(self) -> str:
        """Our word."""
        return str(self.value[1])

    @property
    def sip_code(self) -> int | None:
        """The line's code, of a call that nobody answered."""
        code = self.value[2]
        return code if isinstance(code, int) else None

    @property
    def is_spoken(self) -> bool:
        """Whether somebody spoke with Klara."""
        return self.status is S.COMPLETED and self not in (Ending.VOICEMAIL, Ending.OUR_FAULT)


@dataclass(slots=True)
class Talk:
    """One call as the machine knows it: what Klara has been told of it, and what it came to."""

    attempt_id: UUID
    call: CallRecord
    told: list[CallStatus] = field(default_factory=list)
    ending: Ending | None = None

    @property
    def may_be(self) -> frozenset[str]:  # noqa: PLR0911 - one case, one answer
        """What Klara may rightly call it once it is over: it depends on what it was told."""
        if self.call.is_live:
            return frozenset()
        match self.call.status, self.ending:
            case S.CANCELED, _:
                rang = {"cancelled"} if self.call.rang_at else set()
                return frozenset({"not_placed", *rang})
            case S.COMPLETED, None:  # Klara hung up on a machine before the call had come to anything
                return frozenset({"voicemail", "technical_failure", "cancelled"})
            case _, Ending.NOT_IN_SERVICE:
                return frozenset({"invalid_number", "technical_failure"})
            case _, Ending.VOICEMAIL | Ending.OUR_FAULT as ending:
                return frozenset({ending.disposition, "technical_failure", "cancelled"})
            case _, Ending() as ending:
                return frozenset({ending.disposition})
            case _:
                return frozenset()


class Lines:
    """Every call there was, by the phone company's id."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.talks: dict[str, Talk] = {}

    def take_note(self) -> None:
        """Find the calls that have been placed since."""
        for call in self._world.telephone.calls:
            if call.sid not in self.talks and call.attempt_id:
                self.talks[call.sid] = Talk(UUID(call.attempt_id), call)

    def live(self) -> list[Talk]:
        """The calls that are not over, oldest first."""
        self.take_note()
        return [talk for talk in self.talks.values() if talk.call.is_live]

    async def go_on(self, talk: Talk, *, lost: bool) -> None:
        """A queued call rings, a ringing one is answered."""
        call = talk.call
        if call.status in (S.QUEUED, S.INITIATED):
            call.status, call.rang_at = S.RINGING, call.created_at
        elif call.status is S.RINGING:
            call.status, call.answered_at = S.IN_PROGRESS, call.created_at
        if not lost:
            await self.tell(talk)

    async def end(self, talk: Talk, ending: Ending, *, lost: bool) -> None:
        """The call comes to its end in this way; on its way there it rings and is answered if it has to be."""
        if ending.status is S.COMPLETED:
            while talk.call.status is not S.IN_PROGRESS:
                await self.go_on(talk, lost=lost)
            await self._is_spoken(talk, ending, lost=lost)
        elif talk.call.status is S.IN_PROGRESS:
            ending = Ending.OUR_FAULT
        elif ending is Ending.NO_ANSWER and talk.call.status is not S.RINGING:
            await self.go_on(talk, lost=lost)
        talk.ending = ending
        talk.call.status, talk.call.sip_code, talk.call.ended_at = ending.status, ending.sip_code, talk.call.created_at
        self._world.telephone.end(talk.call)
        if not lost:
            await self.tell(talk)

    async def _is_spoken(self, talk: Talk, ending: Ending, *, lost: bool) -> None:
        attempt = await self._world.scene.attempt(talk.attempt_id)
        if ending.is_spoken:
            await self._converse(attempt, Disposition(ending.disposition))
        elif ending is Ending.VOICEMAIL:
            talk.call.answered_by = "machine_start"
            if not lost:
                await self._store(talk, None, "machine_start", 0)

    async def _converse(self, attempt: Attempt, disposition: Disposition) -> None:
        """What the web role stores of a conversation that came to this."""
        world = self._world
        await world.scene.begin_conversation(attempt, person_spoke=True)
        async with world.database.transaction() as tx:
            conversation = await conversations.lock(tx.conn, attempt.id)
            assert conversation is not None
            await conversations.store_turn(tx.conn, attempt.id, conversation.state, disposition)
            if disposition is Disposition.OPTED_OUT:
                who = attempt.company_id, attempt.candidate_id
                await opt_outs.said_in_call(tx.conn, *who, e164=attempt.e164, attempt_id=attempt.id, at=tx.now)
                world.said_no(OptOut(*who, attempt.e164))

    async def tell(self, talk: Talk, status: CallStatus | None = None, *, again: int = 0) -> None:
        """The web role takes the phone company's news; it may be old."""
        status = status or talk.call.status
        talk.told.append(status)
        await self._store(talk, status, None, again)

    async def _store(self, talk: Talk, status: CallStatus | None, answered_by: str | None, again: int) -> None:
        async with self._world.database.transaction() as tx:
            is_news = await call_events.accept(
                tx.conn,
                talk.attempt_id,
                f"{talk.call.sid}:{status or answered_by}:{again}",
                talk.call.sid,
                "status" if status else "machine",
                call_status=status,
                answered_by=answered_by,
                sip_code=talk.call.sip_code if status and status.is_final else None,
            )
            if is_news:
                tx.send(CallProgressed(attempt_id=talk.attempt_id))
