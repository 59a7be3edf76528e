"""How far a call has come, from what the phone company tells: late, doubled and reordered news change nothing."""

from __future__ import annotations

from klara_daemon.domain.dispositions import AttemptState

_FAR = {
    "queued": AttemptState.PLACED,
    "initiated": AttemptState.PLACED,
    "ringing": AttemptState.RINGING,
    "in-progress": AttemptState.TALKING,
}
_RANK = {state: rank for rank, state in enumerate(AttemptState)}
FINAL = frozenset({"completed", "busy", "failed", "no-answer", "canceled"})


def advance(state: AttemptState, call_status: str) -> AttemptState:
    """The state after news of a call that goes on; never a step back. News of its end is classified, not advanced."""
    told = _FAR.get(call_status, state)
    return told if _RANK[told] > _RANK[state] else state
