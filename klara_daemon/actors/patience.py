"""How long to wait for somebody who may be gone: a process that took work in hand, a call that has fallen silent."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from klara_daemon.domain.dispositions import AttemptState


@dataclass(frozen=True, slots=True)
class Patience:
    """Seconds of real time. Work in hand is offered to others after longer than the living can take for it.

    What has to hold: `placing_s` and `absent_s` exceed the longest time in which a dial's answer can come, and `news_s`
    exceeds `parting_s`.
    """

    reading_s: float = 60.0
    dialling_s: float = 90.0
    writing_back_s: float = 120.0
    claimed_s: float = 120.0
    """Until a claim that nobody sent is given up."""
    placing_s: float = 45.0
    """Until a request whose answer did not come is unclear."""
    absent_s: float = 600.0
    """From the request on: until a call that the phone company does not list was never placed."""
    silent_s: Mapping[AttemptState, float] = field(
        default_factory=lambda: {
            AttemptState.UNCLEAR: 30.0,
            AttemptState.PLACED: 60.0,
            AttemptState.RINGING: 60.0,
            AttemptState.TALKING: 960.0,
        }
    )
    """Until the phone company is asked about a call without news."""
    ask_again_s: float = 30.0
    news_s: float = 10.0
    """Until news that nobody has applied is told of again."""
    parting_s: float = 8.0
    """From the news that a talk is over: until a person of whom nobody said that they left was cut off by a fault."""


PATIENCE = Patience()
