"""One call in the small telephone network: queued, rung, answered, led by TwiML, ended; told as Twilio would."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from email.utils import format_datetime
from typing import Final, assert_never
from xml.etree import ElementTree as ET

from klara_daemon.demo.telephone.exchange import Exchange
from klara_daemon.demo.telephone.people import (
    Answers,
    Behaviour,
    Busy,
    Fails,
    HangsUpAfter,
    NoAnswer,
    NotInService,
    PicksUp,
    Silent,
    Voicemail,
)
from klara_daemon.demo.telephone.records import CallRecord, Spoken
from klara_daemon.demo.telephone.session import CHARACTER_S, RelayOutcome, RelaySession
from klara_daemon.telephony.provider import CallStatus

Form = list[tuple[str, str]]

_EVENT_OF: Final = {
    CallStatus.INITIATED: "initiated",
    CallStatus.RINGING: "ringing",
    CallStatus.IN_PROGRESS: "answered",
}
DOCUMENTS_AT_MOST: Final = 20
DETECTION_S: Final = 4
PATIENCE_S: Final = 20
"""However fast a call goes by, Klara has this many real seconds for it."""


class LiveCall:
    """A call that has not ended. `options` are the parameters of its dial, or `Url` alone for an inbound one."""

    def __init__(
        self,
        exchange: Exchange,
        record: CallRecord,
        person: Behaviour,
        options: Mapping[str, str],
        events: Sequence[str],
    ) -> None:
        self.record = record
        self._exchange = exchange
        self._person = person
        self._options = options
        self._events = events
        self._ended_by_klara = asyncio.Event()
        self._sequence = 0
        self._held_back: Form | None = None

    def hang_up(self) -> None:
        """Klara ends the call over the REST API."""
        self._ended_by_klara.set()

    async def run(self, queued_s: float) -> None:
        """Live through the whole call."""
        ended = asyncio.create_task(self._ended_by_klara.wait())
        life = asyncio.create_task(self._live(queued_s))
        limit = max(float(self._options.get("TimeLimit", 14_400)) * self._exchange.pace, PATIENCE_S)
        try:
            await asyncio.wait({ended, life}, timeout=limit, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in (ended, life):
                task.cancel()
        await self._over(life)

    async def _over(self, life: asyncio.Task[CallStatus]) -> None:
        final = await self._final_status(life)
        untold = final is CallStatus.CANCELED and self.record.status is CallStatus.QUEUED
        self.record.ended_at = self._exchange.now()
        if untold:
            self.record.status = final  # Twilio tells nobody of a call that was cancelled in its queue
        else:
            await self._tell(final)

    async def _final_status(self, life: asyncio.Task[CallStatus]) -> CallStatus:
        [result] = await asyncio.gather(life, return_exceptions=True)
        if isinstance(result, CallStatus):
            return result
        if not isinstance(result, asyncio.CancelledError):
            self._exchange.problems.append(f"{self.record.sid}: {result!r}")
            return CallStatus.FAILED
        self.record.ended_by = "klara" if self._ended_by_klara.is_set() else "network"
        return CallStatus.COMPLETED if self.record.status is CallStatus.IN_PROGRESS else CallStatus.CANCELED

    async def _live(self, queued_s: float) -> CallStatus:
        await self._exchange.pause(queued_s)
        if self.record.direction == "inbound":
            assert isinstance(self._person, Answers | HangsUpAfter | Silent | Voicemail)
            return await self._answered(self._person)
        await self._tell(CallStatus.INITIATED)
        match self._person:
            case NotInService():
                self.record.sip_code = 404
                return CallStatus.FAILED
            case Fails(sip_code=sip_code):
                self.record.sip_code = sip_code
                return CallStatus.FAILED
            case Busy():
                self.record.sip_code = 486
                return CallStatus.BUSY
            case NoAnswer(sip_code=sip_code):
                await self._tell(CallStatus.RINGING)
                await self._exchange.pause(float(self._options.get("Timeout", 60)))
                self.record.sip_code = sip_code
                return CallStatus.NO_ANSWER
            case Answers() | HangsUpAfter() | Silent() | Voicemail() as person:
                await self._tell(CallStatus.RINGING)
                await self._exchange.pause(person.rings_s)
                return await self._answered(person)
            case _:
                assert_never(self._person)

    async def _answered(self, person: PicksUp) -> CallStatus:
        self.record.answered_at = self._exchange.now()
        self.record.sip_code = 200
        self.record.status = CallStatus.IN_PROGRESS
        detection = asyncio.create_task(self._detect_machine(person))
        try:
            await self._tell(CallStatus.IN_PROGRESS)
            await self._follow(person)
        finally:
            detection.cancel()
        return CallStatus.COMPLETED

    async def _detect_machine(self, person: PicksUp) -> None:
        if self._options.get("MachineDetection") is None:
            return
        await self._exchange.pause(DETECTION_S)
        self.record.answered_by = "machine_start" if isinstance(person, Voicemail) else "human"
        if address := self._options.get("AsyncAmdStatusCallback"):
            form = [("CallSid", self.record.sid), ("AccountSid", self._exchange.account_sid)]
            verdict = [("AnsweredBy", self.record.answered_by), ("MachineDetectionDuration", str(DETECTION_S * 1000))]
            await self._exchange.ask(address, form + verdict)

    async def _follow(self, person: PicksUp) -> None:
        """Do what the documents say, from the answer address on, until one of them comes to its end."""
        document = await self._exchange.ask(self._options["Url"], self._form())
        if document is None and (fallback := self._options.get("FallbackUrl")):
            wrong = [("ErrorCode", "11200"), ("ErrorUrl", self._options["Url"])]
            document = await self._exchange.ask(fallback, self._form() + wrong)
        for _ in range(DOCUMENTS_AT_MOST):
            if document is None:
                return
            document = await self._execute(document, person)
        self._exchange.problems.append(f"{self.record.sid}: documents without end")

    async def _execute(self, document: str, person: PicksUp) -> str | None:
        """Do what one document says; the next one, if it leads to one."""
        try:
            verbs = list(ET.fromstring(document))  # noqa: S314 (it comes from the program under test)
        except ET.ParseError as error:
            self._exchange.problems.append(f"TwiML that is not XML: {error}")
            return None
        for verb in verbs:
            match verb.tag:
                case "Say":
                    self.record.transcript.append(Spoken("klara", verb.text or "", self._exchange.now()))
                    await self._exchange.pause(len(verb.text or "") * CHARACTER_S)
                case "Pause":
                    await self._exchange.pause(float(verb.get("length", "1")))
                case "Hangup":
                    self.record.ended_by = "klara"
                    return None
                case "Connect" if (relay := verb.find("ConversationRelay")) is not None:
                    return await self._connect(verb, relay, person)
                case unknown:
                    self._exchange.problems.append(f"TwiML verb that is not known here: {unknown}")
        return None

    async def _connect(self, connect: ET.Element, relay: ET.Element, person: PicksUp) -> str | None:
        params = {p.get("name", ""): p.get("value", "") for p in relay.findall("Parameter")}
        session = RelaySession(self._exchange, self.record, person, relay.attrib, params)
        outcome = await session.run()
        hung_up = outcome.session_status == "completed"
        if hung_up:
            self.record.ended_by = "person"
        address = connect.get("action")
        if address is None:
            return None
        form = self._form(CallStatus.COMPLETED if hung_up else None) + _session_fields(session.session_id, outcome)
        answer = await self._exchange.ask(address, form)
        return None if hung_up else answer

    async def _tell(self, status: CallStatus) -> None:
        """The call has come so far: to the record, and to the address that wants to know."""
        self.record.status = status
        if status is CallStatus.RINGING:
            self.record.rang_at = self._exchange.now()
        address = self._options.get("StatusCallback")
        if address is None or _EVENT_OF.get(status, "completed") not in self._events:
            return
        form = self._form() + self._progress(status)
        self._sequence += 1
        faults = self._exchange.faults
        if status in faults.lost:
            return
        if faults.reversed_order and self._held_back is None and not status.is_final:
            self._held_back = form
            return
        for told in (form, *([self._held_back] if self._held_back else [])):
            for _ in range(2 if faults.doubled else 1):
                await self._exchange.ask(address, told)
        self._held_back = None

    def _progress(self, status: CallStatus) -> Form:
        fields = [
            ("Timestamp", format_datetime(self._exchange.now())),
            ("CallbackSource", "call-progress-events"),
            ("SequenceNumber", str(self._sequence)),
        ]
        if not status.is_final:
            return fields
        duration_s = self.record.duration_s
        fields += [("CallDuration", str(duration_s)), ("Duration", str(-(-duration_s // 60)))]
        if self.record.sip_code is not None:
            fields.append(("SipResponseCode", str(self.record.sip_code)))
        return fields

    def _form(self, status: CallStatus | None = None) -> Form:
        record = self.record
        return [
            ("CallSid", record.sid),
            ("AccountSid", self._exchange.account_sid),
            ("From", record.caller),
            ("To", record.to),
            ("Caller", record.caller),
            ("Called", record.to),
            ("CallStatus", str(status or record.status)),
            ("ApiVersion", "2010-04-01"),
            ("Direction", record.direction),
            ("ForwardedFrom", ""),
            ("CallerName", ""),
            ("CalledCountry", "DE"),
        ]


def _session_fields(session_id: str, outcome: RelayOutcome) -> Form:
    fields = {
        "SessionId": session_id,
        "SessionStatus": outcome.session_status,
        "SessionDuration": "1",
        "HandoffData": outcome.handoff,
        "ErrorCode": outcome.error_code,
        "ErrorMessage": outcome.error_message,
    }
    return [(name, value) for name, value in fields.items() if value is not None]
