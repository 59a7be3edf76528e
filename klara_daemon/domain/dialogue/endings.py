"""How a conversation ends: by a wish, politely when nothing comes of it, or by a line that breaks."""

from __future__ import annotations

from dataclasses import replace

from klara_daemon.domain.dialogue.turns import Action, End, OptOut, Phase, State
from klara_daemon.domain.dialogue.understanding import Intent
from klara_daemon.domain.dialogue.voice import Voice
from klara_daemon.domain.dispositions import Disposition

Turn = tuple[State, tuple[Action, ...]]

_WISHES = {
    Intent.NEVER_AGAIN: Disposition.OPTED_OUT,
    Intent.HUMAN: Disposition.HUMAN_REQUESTED,
    Intent.WRONG_PERSON: Disposition.WRONG_PERSON,
    Intent.DECLINE: Disposition.DECLINED,
    Intent.LATER: Disposition.CALLBACK_REQUESTED,
}
_THE_CANDIDATES_ALONE = frozenset({Intent.HUMAN, Intent.DECLINE, Intent.LATER})


def came_to(state: State) -> Disposition | None:
    """What the conversation amounts to if the line breaks now; None while nothing has been said in it."""
    if state.disposition is not None or state.phase is Phase.CONNECTING:
        return state.disposition
    if not state.person_spoke or state.somebody_else:
        return Disposition.NO_ANSWER
    if state.answered:
        return Disposition.INTERVIEWED if state.complete else Disposition.PARTLY_INTERVIEWED
    return Disposition.HUNG_UP


def end(voice: Voice, state: State, sentence: str, disposition: Disposition) -> Turn:
    """Say goodbye and hang up."""
    return replace(state, phase=Phase.ENDED, disposition=disposition), (voice.say(sentence), End(disposition))


def end_as_wished(voice: Voice, state: State, intent: Intent) -> Turn | None:
    """The end of the conversation, if that is what was asked for.

    What is the candidate's alone to ask for, somebody else does not ask for in their name: that call is tried again.
    """
    if intent is Intent.MACHINE:
        disposition = Disposition.VOICEMAIL
        return replace(state, phase=Phase.ENDED, disposition=disposition), (End(disposition),)
    if intent is Intent.NOT_HERE or (state.somebody_else and intent in _THE_CANDIDATES_ALONE):
        return end(voice, state, "not_here", Disposition.NO_ANSWER)
    if intent is Intent.GOODBYE:
        return end(voice, state, "goodbye", came_to(state) or Disposition.NO_ANSWER)
    disposition_wished = _WISHES.get(intent)
    if disposition_wished is None:
        return None
    ended, actions = end(voice, state, _SENTENCES[disposition_wished], disposition_wished)
    return ended, (OptOut(), *actions) if intent is Intent.NEVER_AGAIN else actions


_SENTENCES = {
    Disposition.OPTED_OUT: "opted_out",
    Disposition.HUMAN_REQUESTED: "human_requested",
    Disposition.WRONG_PERSON: "wrong_person",
    Disposition.DECLINED: "declined",
    Disposition.CALLBACK_REQUESTED: "callback",
}


def end_politely(voice: Voice, state: State, sentence: str) -> Turn:
    """Nothing more comes of it, for want of sound, sense or time. Who did not say who they are has not been reached."""
    reached = came_to(state) if state.person_confirmed else None
    return end(voice, state, sentence, reached or Disposition.NO_ANSWER)


def end_for_another_time(voice: Voice, state: State) -> Turn:
    """The person is there, but whether the time is good could not be understood: as if it were not."""
    return end(voice, state, "given_up", Disposition.CALLBACK_REQUESTED)
