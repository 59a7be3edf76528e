"""The spoken conversation: `step(script, state, heard) -> state, actions`, pure, and total over whatever is heard.

Who is there, is now a good time, the questions in order, goodbye; the same for every transport. Keys at any time:
1 yes, 2 no, 6 wrong person, 7 call me later, 8 I want a person, 9 never again, 0 or * repeat, # skip. While a number is
asked for, digits are the answer; # or silence ends it, and * repeats the question.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Final, assert_never

from pydantic import TypeAdapter, ValidationError

from klara_daemon.domain.dialogue.endings import Turn, came_to, end_as_wished, end_for_another_time, end_politely
from klara_daemon.domain.dialogue.interview import answer_good_time, answer_question
from klara_daemon.domain.dialogue.speakable import heard as fit_to_keep
from klara_daemon.domain.dialogue.turns import (
    Action,
    Connected,
    Heard,
    Key,
    Phase,
    QuestionKind,
    Say,
    Script,
    Silence,
    Speech,
    State,
    TimeUp,
)
from klara_daemon.domain.dialogue.understanding import Awaited, Intent, understand
from klara_daemon.domain.dialogue.voice import Voice
from klara_daemon.domain.dialogue.who_is_there import PATIENCE, answer_while_fetching, answer_who, answer_whose_number

__all__ = ["StateUnreadable", "begin", "came_to", "from_json", "step", "to_json"]

STATE_VERSION: Final = 1
MOST_STALLED: Final = 10
MOST_SILENCES: Final = 2
MOST_DIGITS: Final = 9

_STATE = TypeAdapter(State)
_KEYS = {
    "1": Intent.YES,
    "2": Intent.NO,
    "6": Intent.WRONG_PERSON,
    "7": Intent.LATER,
    "8": Intent.HUMAN,
    "9": Intent.NEVER_AGAIN,
    "0": Intent.REPEAT,
    "*": Intent.REPEAT,
    "#": Intent.SKIP,
}
_COUNTER_QUESTIONS = {
    Intent.ROBOT: "robot",
    Intent.RECORDED: "recorded",
    Intent.HOW_LONG: "how_long",
    Intent.ABOUT: "about",
    Intent.WHO: "about",
}


class StateUnreadable(ValueError):
    """A stored state that this version of the dialogue cannot go on from."""


def begin(script: Script) -> State:
    """The state before the first sentence."""
    settled = all(question.key in script.answered for question in script.questions if question.required)
    return State(complete=settled)


def step(script: Script, state: State, heard: Heard) -> tuple[State, tuple[Action, ...]]:
    """One turn: what was heard, and what follows. After the end nothing follows; the caller hangs up."""
    if state.disposition is not None:
        return state, ()
    voice = Voice(script)
    after, actions = _turn(voice, state, heard)
    if after.disposition is not None or len(after.typed) > len(state.typed):
        return after, actions
    if _progress(after) != _progress(state):
        return replace(after, stalled=0), actions
    if state.stalled + 1 < MOST_STALLED:
        return replace(after, stalled=state.stalled + 1), actions
    return _give_up(voice, after)


def to_json(state: State) -> str:
    """The state as it is stored."""
    return _STATE.dump_json(state).decode()


def from_json(text: str) -> State:
    """The stored state again; fields it does not know are left out. Raises `StateUnreadable`."""
    try:
        stored = json.loads(text)
        version = stored.get("version") if isinstance(stored, dict) else None
        if version != STATE_VERSION:
            raise StateUnreadable(f"dialogue state of version {version!r}: this program reads version {STATE_VERSION}")
        return _STATE.validate_python(stored)
    except (json.JSONDecodeError, ValidationError, RecursionError) as error:
        raise StateUnreadable(f"dialogue state cannot be read: {type(error).__name__}") from error


def _turn(voice: Voice, state: State, heard: Heard) -> Turn:
    if state.phase is Phase.CONNECTING and not isinstance(heard, TimeUp):
        return _connected(voice, _spoke(state) if isinstance(heard, Speech) else state)
    match heard:
        case TimeUp():
            return end_politely(voice, state, "time_up")
        case Connected():
            return _connected(voice, state)
        case Silence():
            return _silence(voice, state)
        case Speech(text):
            return _speech(voice, state, fit_to_keep(text))
        case Key(digit):
            return _key(voice, _spoke(state), digit)
        case _:
            assert_never(heard)


def _connected(voice: Voice, state: State) -> Turn:
    """The first sentence; on a line that was taken up again, the open question, but never to an unknown person."""
    if not state.person_confirmed:
        return replace(state, phase=Phase.PERSON, silences=0, patience=0), (voice.say("opening"),)
    return replace(state, silences=0, patience=0, typed=""), (voice.say("resumed"), voice.prompt(state))


def _silence(voice: Voice, state: State) -> Turn:
    if state.typed:
        return answer_question(voice, state, None, state.typed)
    if state.patience:
        return replace(state, patience=state.patience - 1), (voice.say("still_waiting"),)
    if state.silences + 1 >= MOST_SILENCES:
        return end_politely(voice, state, "silence_goodbye")
    return replace(state, silences=state.silences + 1), (voice.say("still_there"), _ask_again(voice, state))


def _speech(voice: Voice, state: State, text: str) -> Turn:
    if not any(char.isalnum() for char in text):
        return _silence(voice, state)
    question = voice.question(state)
    match state.phase:
        case Phase.GOOD_TIME:
            awaited, about = Awaited.GOOD_TIME, ""
        case Phase.ASKING if question is not None:
            awaited, about = Awaited(question.kind), question.text
        case Phase.PERSON:
            awaited, about = Awaited.PERSON, voice.name
        case _:
            awaited, about = Awaited.PERSON, ""
    intent = understand(text, voice.language, awaited, about)
    return _meant(voice, replace(_spoke(state), typed=""), intent, text)


def _key(voice: Voice, state: State, digit: str) -> Turn:
    question = voice.question(state) if state.phase is Phase.ASKING else None
    if question is not None and question.kind is QuestionKind.NUMBER:
        if len(digit) == 1 and digit in "0123456789":
            return replace(state, typed=(state.typed + digit)[:MOST_DIGITS]), ()
        if digit == "#" and state.typed:
            return answer_question(voice, state, None, state.typed)
    return _meant(voice, replace(state, typed=""), _KEYS.get(digit, Intent.REPEAT), fit_to_keep(digit))


def _meant(voice: Voice, state: State, intent: Intent | None, text: str) -> Turn:
    """What follows when this was meant: what can be asked for at any time comes before the answer that is awaited."""
    if intent is not None:
        at_any_time = end_as_wished(voice, state, intent) or _asked_back(voice, state, intent)
        if at_any_time is not None:
            return at_any_time
    match state.phase:
        case Phase.PERSON | Phase.CONNECTING | Phase.ENDED:
            return answer_who(voice, state, intent)
        case Phase.WHOSE_NUMBER:
            return answer_whose_number(voice, state, intent)
        case Phase.FETCHING:
            return answer_while_fetching(voice, state, intent)
        case Phase.GOOD_TIME:
            return answer_good_time(voice, state, intent)
        case Phase.ASKING:
            return answer_question(voice, state, intent, text)
        case _:
            assert_never(state.phase)


def _asked_back(voice: Voice, state: State, intent: Intent) -> Turn | None:
    """An honest answer to a counter-question, then the open question; what it is about, only the candidate is told."""
    if intent is Intent.REPEAT and state.phase is not Phase.FETCHING:
        return state, (voice.prompt(state),)
    if intent is Intent.WAIT and state.person_confirmed:
        return replace(state, patience=PATIENCE), (voice.say("waiting"),)
    if intent not in _COUNTER_QUESTIONS:
        return None
    if intent is Intent.WHO and not state.person_confirmed:
        return _connected(voice, state)
    told = intent is not Intent.ABOUT or state.person_confirmed
    return state, (voice.say(_COUNTER_QUESTIONS[intent] if told else "in_person_only"), _ask_again(voice, state))


def _ask_again(voice: Voice, state: State) -> Say:
    match state.phase:
        case Phase.PERSON:
            return voice.say("identity")
        case Phase.GOOD_TIME:
            return voice.say("good_time_again")
        case _:
            return voice.prompt(state)


def _give_up(voice: Voice, state: State) -> Turn:
    if state.phase is Phase.GOOD_TIME:
        return end_for_another_time(voice, state)
    return end_politely(voice, state, "given_up")


def _spoke(state: State) -> State:
    return replace(state, person_spoke=True, silences=0, patience=0)


def _progress(state: State) -> tuple[bool, bool, int]:
    return state.person_confirmed, state.phase is Phase.ASKING, len(state.answered)
