"""READ THIS FIRST: each message, who sends it and who handles it, in the order in which a candidate meets them.

The broker's queues are made from this table, the picture in the README is made from it, and a test holds it against
the code.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from klara_daemon import messages
from klara_daemon.messages import Message


class Role(StrEnum):
    """What a process can be; one process can be all of them."""

    WEB = "web"
    STAGE_WATCHER = "stage-watcher"
    CALL_SCHEDULER = "call-scheduler"
    DIALER = "dialer"
    ATS_WRITEBACK = "ats-writeback"


@dataclass(frozen=True, slots=True)
class Leg:
    """One message on its way between two roles."""

    message: type[Message]
    senders: tuple[Role, ...]
    handler: Role

    @property
    def queue(self) -> str:
        """The durable queue in which the message waits for its handler."""
        return f"klara.{self.handler}.{self.message.name}"


FLOW: tuple[Leg, ...] = (
    # A recruiter moves a candidate; Recruitee tells us, or polling finds it.
    Leg(messages.WebhookAccepted, (Role.WEB,), Role.STAGE_WATCHER),
    Leg(messages.StayChanged, (Role.STAGE_WATCHER, Role.DIALER), Role.CALL_SCHEDULER),
    # The call is due; its reason may go while it rings. An opt-out by hand sends the second, too, and `plan_outreach`.
    Leg(messages.PlaceCall, (Role.CALL_SCHEDULER,), Role.DIALER),
    Leg(messages.CancelCall, (Role.CALL_SCHEDULER,), Role.DIALER),
    # The phone company tells how it goes; the attempt ends; what next?
    Leg(messages.CallProgressed, (Role.WEB,), Role.DIALER),
    Leg(messages.PlanOutreach, (Role.DIALER,), Role.CALL_SCHEDULER),
    # Nobody calls any more: Recruitee gets a note and a move.
    Leg(messages.OutreachEnded, (Role.CALL_SCHEDULER,), Role.ATS_WRITEBACK),
)


def leg_of(message: type[Message]) -> Leg:
    """The leg on which a message travels; each travels on one."""
    return next(leg for leg in FLOW if leg.message is message)


def as_mermaid() -> str:
    """The flow as a Mermaid flowchart, for the README."""
    lines = [
        "flowchart LR",
        "    recruitee([Recruitee]) -- webhook --> web",
        "    recruitee -- polling --> stage-watcher",
    ]
    lines += [f"    {sender} -- {leg.message.name} --> {leg.handler}" for leg in FLOW for sender in leg.senders]
    lines += [
        "    dialer -- dial --> phone([phone company])",
        "    phone -- callbacks, spoken call --> web",
        "    ats-writeback -- note, move --> recruitee",
    ]
    return "\n".join(lines)
