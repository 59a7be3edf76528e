"""Before anything is told: is this the candidate, somebody else, the wrong number? Nobody else hears of the job."""

from __future__ import annotations

from dataclasses import replace

from klara_daemon.domain.dialogue.endings import Turn, end, end_politely
from klara_daemon.domain.dialogue.turns import Phase, State
from klara_daemon.domain.dialogue.understanding import Intent
from klara_daemon.domain.dialogue.voice import Voice
from klara_daemon.domain.dispositions import Disposition

_MOST_UNCLEAR = 3
PATIENCE = 2


def answer_who(voice: Voice, state: State, intent: Intent | None) -> Turn:
    """An answer to "am I speaking with ...?"."""
    match intent:
        case Intent.YES:
            return _reached(voice, state)
        case Intent.NO | Intent.SOMEBODY_ELSE:
            there = replace(state, phase=Phase.WHOSE_NUMBER, somebody_else=True, unclear=0)
            return there, (voice.say("whose_number"),)
        case Intent.FETCHING | Intent.WAIT:
            return _wait_for_the_person(voice, state, "fetching")
        case _:
            return _unclear(voice, state, "identity")


def answer_whose_number(voice: Voice, state: State, intent: Intent | None) -> Turn:
    """What somebody else says when asked whether this is the candidate's number."""
    match intent:
        case Intent.NO:
            return end(voice, state, "wrong_person", Disposition.WRONG_PERSON)
        case Intent.YES:
            waiting, actions = _wait_for_the_person(voice, state, "fetch_please")
            return replace(waiting, unclear=1), actions
        case Intent.FETCHING | Intent.WAIT:
            return _wait_for_the_person(voice, state, "fetching")
        case _:
            return _unclear(voice, state, "whose_number")


def answer_while_fetching(voice: Voice, state: State, intent: Intent | None) -> Turn:
    """The same person again, or the one who was fetched: who has heard nothing yet, and is told from the beginning."""
    match intent:
        case Intent.FETCHING | Intent.WAIT:
            return _wait_for_the_person(voice, state, "fetching")
        case Intent.YES if state.unclear:
            return _wait_for_the_person(voice, state, "fetching")
        case Intent.NO:
            return end(voice, state, "not_here", Disposition.NO_ANSWER)
        case _:
            return replace(state, phase=Phase.PERSON, unclear=0), (voice.say("opening"),)


def _reached(voice: Voice, state: State) -> Turn:
    reached = replace(state, phase=Phase.GOOD_TIME, person_confirmed=True, somebody_else=False, unclear=0)
    if not voice.open_questions(reached):
        return end(voice, reached, "interviewed", Disposition.INTERVIEWED)
    return reached, (voice.prompt(reached),)


def _wait_for_the_person(voice: Voice, state: State, sentence: str) -> Turn:
    waiting = replace(state, phase=Phase.FETCHING, somebody_else=True, patience=PATIENCE, unclear=0)
    return waiting, (voice.say(sentence),)


def _unclear(voice: Voice, state: State, sentence: str) -> Turn:
    if state.unclear + 1 >= _MOST_UNCLEAR:
        return end_politely(voice, state, "given_up")
    return replace(state, unclear=state.unclear + 1), (voice.say(sentence),)
