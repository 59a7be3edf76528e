"""With the candidate on the line: is now a good time, then the questions in order, each answer kept as it is given."""

from __future__ import annotations

from dataclasses import replace

from klara_daemon.domain.dialogue.endings import Turn, end, end_for_another_time
from klara_daemon.domain.dialogue.numerals import number_in
from klara_daemon.domain.dialogue.turns import KeepAnswer, Phase, Question, QuestionKind, State
from klara_daemon.domain.dialogue.understanding import Intent, says_something
from klara_daemon.domain.dialogue.voice import Voice
from klara_daemon.domain.dispositions import Disposition

_MOST_UNCLEAR = 3
_HINTS = {
    QuestionKind.TEXT: "unclear_text",
    QuestionKind.YES_NO: "unclear_yes_no",
    QuestionKind.NUMBER: "unclear_number",
}


def answer_good_time(voice: Voice, state: State, intent: Intent | None) -> Turn:
    """An answer to "is now a good time?"; a bare no is "not now"."""
    match intent:
        case Intent.YES | Intent.GOES_ANYWAY:
            return _ask_next(voice, replace(state, phase=Phase.ASKING, unclear=0), first=True)
        case Intent.NO:
            return end(voice, state, "callback", Disposition.CALLBACK_REQUESTED)
        case _ if state.unclear + 1 >= _MOST_UNCLEAR:
            return end_for_another_time(voice, state)
        case _:
            return replace(state, unclear=state.unclear + 1), (voice.say("good_time_unclear"),)


def answer_question(voice: Voice, state: State, intent: Intent | None, heard: str) -> Turn:
    """An answer to the open question: kept, or asked for once more with a hint, and then kept as it was heard."""
    question = voice.question(state)
    if question is None:
        return _ask_next(voice, state)
    fits, meaning = _understood(voice, question, intent, heard)
    if fits or state.unclear:
        return _keep(voice, state, KeepAnswer(question.key, heard, meaning))
    hint = "wanted_all_the_same" if intent is Intent.SKIP else _HINTS[question.kind]
    return replace(state, question=question.key, unclear=1), (voice.ask(question, hint),)


def _understood(voice: Voice, question: Question, intent: Intent | None, heard: str) -> tuple[bool, str | None]:
    """Whether what was heard fits the question, and its meaning where the kind has one."""
    if intent is Intent.SKIP:
        return not question.required, None
    match question.kind:
        case QuestionKind.TEXT:
            return intent is None and says_something(heard, voice.language), None
        case QuestionKind.YES_NO:
            meaning = str(intent) if intent in {Intent.YES, Intent.NO} else None
            return meaning is not None, meaning
        case QuestionKind.NUMBER:
            number = number_in(heard, voice.language, question.text)
            return number is not None, number


def _keep(voice: Voice, state: State, answer: KeepAnswer) -> Turn:
    kept = replace(state, answered=(*state.answered, answer.key), question=None, unclear=0, typed="")
    kept = replace(kept, complete=not any(question.required for question in voice.open_questions(kept)))
    asked, actions = _ask_next(voice, kept)
    return asked, (answer, *actions)


def _ask_next(voice: Voice, state: State, *, first: bool = False) -> Turn:
    left = voice.open_questions(state)
    if not left:
        return end(voice, state, "interviewed", Disposition.INTERVIEWED)
    sentence = "question_first" if first else "question_last" if len(left) == 1 else "question_next"
    return replace(state, question=left[0].key), (voice.ask(left[0], sentence),)
