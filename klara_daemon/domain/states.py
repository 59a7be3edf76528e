"""The states of an attempt and of an outreach, and which may follow which; `docs/states.md` is made from here."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from typing import TypeVar

from klara_daemon.domain.dispositions import AttemptState, OutreachState

State = TypeVar("State", bound=StrEnum)

_LIVE = frozenset({AttemptState.RINGING, AttemptState.TALKING, AttemptState.ENDED})

ATTEMPT_TRANSITIONS: Mapping[AttemptState, frozenset[AttemptState]] = {
    AttemptState.CLAIMED: frozenset({AttemptState.PLACING, AttemptState.ENDED}),
    AttemptState.PLACING: frozenset({AttemptState.PLACED, AttemptState.UNCLEAR}) | _LIVE,
    AttemptState.UNCLEAR: frozenset({AttemptState.PLACED}) | _LIVE,
    AttemptState.PLACED: _LIVE,
    AttemptState.RINGING: frozenset({AttemptState.TALKING, AttemptState.ENDED}),
    AttemptState.TALKING: frozenset({AttemptState.ENDED}),
    AttemptState.ENDED: frozenset(),
}
"""A callback may come late or never, or overtake the answer to the dial: an attempt may skip states, never go back."""

OUTREACH_TRANSITIONS: Mapping[OutreachState, frozenset[OutreachState]] = {
    OutreachState.WAITING: frozenset({OutreachState.CALLING, OutreachState.HELD, OutreachState.ENDED}),
    OutreachState.HELD: frozenset({OutreachState.WAITING, OutreachState.ENDED}),
    OutreachState.CALLING: frozenset({OutreachState.WAITING, OutreachState.HELD, OutreachState.ENDED}),
    OutreachState.ENDED: frozenset({OutreachState.WAITING, OutreachState.HELD}),
}
"""From `ended` only an `uncallable` outreach goes on, when the candidate's phone number was corrected."""

_WHY_AN_ATTEMPT_MOVES = {
    (AttemptState.CLAIMED, AttemptState.PLACING): "committed, then the request goes out",
    (AttemptState.CLAIMED, AttemptState.ENDED): "called off, nothing was sent",
    (AttemptState.PLACING, AttemptState.PLACED): "the phone company took it",
    (AttemptState.PLACING, AttemptState.UNCLEAR): "no clear answer",
    (AttemptState.PLACING, AttemptState.ENDED): "refused, or certainly not sent",
    (AttemptState.UNCLEAR, AttemptState.PLACED): "found by asking",
    (AttemptState.UNCLEAR, AttemptState.ENDED): "settled as never placed",
    (AttemptState.TALKING, AttemptState.ENDED): "hung up, or cut off by a fault",
}
_WHY_AN_OUTREACH_MOVES = {
    (OutreachState.WAITING, OutreachState.CALLING): "due, and the rule says call",
    (OutreachState.WAITING, OutreachState.HELD): "the settings allow no call",
    (OutreachState.HELD, OutreachState.WAITING): "the settings allow calls again",
    (OutreachState.CALLING, OutreachState.WAITING): "the next call has its time",
    (OutreachState.CALLING, OutreachState.HELD): "ten technical failures",
    (OutreachState.CALLING, OutreachState.ENDED): "an outcome",
    (OutreachState.ENDED, OutreachState.WAITING): "uncallable, and the number was corrected",
    (OutreachState.ENDED, OutreachState.HELD): "the same, while the settings allow no call",
}


def diagram(transitions: Mapping[State, Collection[State]], because: Mapping[tuple[State, State], str]) -> str:
    """A state machine as a Mermaid state diagram, begun with its first state; `because` says what some steps mean."""
    first, *_ = transitions
    lines = ["stateDiagram-v2", f"    [*] --> {first}"]
    for state, following in transitions.items():
        for other in (other for other in transitions if other in following):
            reason = because.get((state, other))
            lines.append(f"    {state} --> {other}" + (f": {reason}" if reason else ""))
    lines += [f"    {state} --> [*]" for state in transitions if state == "ended"]
    return "\n".join(lines)


def chapters() -> str:
    """The diagrams as they stand in `docs/states.md`."""
    outreach = diagram(OUTREACH_TRANSITIONS, _WHY_AN_OUTREACH_MOVES)
    attempt = diagram(ATTEMPT_TRANSITIONS, _WHY_AN_ATTEMPT_MOVES)
    parts = (("Outreach", outreach), ("Attempt", attempt))
    return "\n".join(f"## {title}\n\n```mermaid\n{drawn}\n```\n" for title, drawn in parts)
