"""What somebody means, found in their words without any outside help: yes, no, repeat, later, never again, and so on.

The phrases stand in the catalogues. What may be an answer is not taken for a wish: while an answer is awaited only
short utterances with a clear phrase count; "never again" counts in a long one too, at its beginning or its end.
"""

from __future__ import annotations

from enum import StrEnum
from functools import cache

from klara_daemon.domain.dialogue.catalogue import catalogue, languages
from klara_daemon.domain.dialogue.numerals import number_words
from klara_daemon.domain.dialogue.phrases import Phrases, plain
from klara_daemon.domain.dialogue.yes_no import yes_no

_SHORT = 14
_EDGE = 3


class Intent(StrEnum):
    """What an utterance asks of Klara, or answers to her."""

    YES = "yes"
    NO = "no"
    NEVER_AGAIN = "never_again"
    HUMAN = "human"
    WRONG_PERSON = "wrong_person"
    DECLINE = "decline"
    LATER = "later"
    REPEAT = "repeat"
    WAIT = "wait"
    SKIP = "skip"
    GOODBYE = "goodbye"
    ROBOT = "robot"
    RECORDED = "recorded"
    HOW_LONG = "how_long"
    WHO = "who"
    ABOUT = "about"
    GOES_ANYWAY = "goes_anyway"
    FETCHING = "fetching"
    NOT_HERE = "not_here"
    SOMEBODY_ELSE = "somebody_else"
    MACHINE = "machine"


class Awaited(StrEnum):
    """What Klara has just asked for."""

    PERSON = "person"
    GOOD_TIME = "good_time"
    YES_NO = "yes_no"
    NUMBER = "number"
    TEXT = "text"


_EARLY = frozenset({Awaited.PERSON, Awaited.GOOD_TIME})

# The first that fits is meant.
_AT_ANY_TIME = (
    Intent.RECORDED,
    Intent.ROBOT,
    Intent.HUMAN,
    Intent.WRONG_PERSON,
    Intent.REPEAT,
    Intent.DECLINE,
    Intent.LATER,
    Intent.HOW_LONG,
    Intent.WHO,
    Intent.ABOUT,
    Intent.WAIT,
    Intent.GOODBYE,
)
_THIRD_PERSON = (Intent.FETCHING, Intent.NOT_HERE, Intent.SOMEBODY_ELSE)
_TO_A_QUESTION = (Intent.NEVER_AGAIN, *_AT_ANY_TIME, Intent.SKIP)
_ORDER = {
    Awaited.PERSON: (Intent.MACHINE, Intent.NEVER_AGAIN, Intent.WRONG_PERSON, *_THIRD_PERSON, *_AT_ANY_TIME),
    Awaited.GOOD_TIME: (Intent.NEVER_AGAIN, Intent.GOES_ANYWAY, *_AT_ANY_TIME),
    Awaited.YES_NO: _TO_A_QUESTION,
    Awaited.NUMBER: _TO_A_QUESTION,
    Awaited.TEXT: _TO_A_QUESTION,
}


def understand(text: str, language: str, awaited: Awaited, about: str = "") -> Intent | None:
    """What the text means to somebody who awaits such an answer; None when it is an answer or nothing known.

    `about` is the question that was asked, or the name of the person who was asked for.
    """
    words = plain(text)
    bare = _fillers(language).trimmed(words)
    for intent in _ORDER[awaited]:
        if _wish(language, intent).is_meant(words, bare, awaited):
            yes_and_why = intent is Intent.ABOUT and awaited is Awaited.PERSON and yes_no(language).read(words)
            return Intent.YES if yes_and_why else intent
    match awaited:
        case Awaited.PERSON:
            return _of(_is_the_person(words, bare, plain(about), language))
        case Awaited.GOOD_TIME:
            return Intent.YES if yes_no(language).agrees(words) else _of(yes_no(language).read(words))
        case Awaited.YES_NO:
            return _of(yes_no(language).read(words, plain(about)))
        case Awaited.NUMBER | Awaited.TEXT:
            return None


def make_ready() -> None:
    """Read and prepare all languages now; otherwise the first turn in each takes the better part of a second."""
    for language in languages():
        number_words(language)
        for awaited in Awaited:
            understand("", language, awaited)


def says_something(text: str, language: str) -> bool:
    """Whether there is anything in the text beyond "well" and "erm"."""
    return bool(_fillers(language).trimmed(plain(text)))


class _Wish:
    """The phrases of one intent, by how much they need around them."""

    def __init__(self, language: str, intent: Intent) -> None:
        table = catalogue(language).understood[intent]
        clear, whole = table.get("clear", []), table.get("whole", [])
        self._clear = Phrases(clear)
        self._alone = Phrases([*clear, *whole, *table.get("alone", [])])
        self._early = Phrases([*clear, *whole, *table.get("early", [])])
        self._unless = Phrases(table.get("unless", []))
        self._counts_in_long = intent is Intent.NEVER_AGAIN

    def is_meant(self, words: str, bare: str, awaited: Awaited) -> bool:
        """Whether the words (`bare`: without fillers around them) express this while such an answer is awaited."""
        if self._alone.whole(words) or self._alone.whole(bare):
            return True
        if awaited in _EARLY:
            return self._early.within(words) and not self._unless.within(words)
        if len(words.split()) <= _SHORT:
            return self._clear.within(words) and not self._unless.within(words)
        return self._counts_in_long and self._is_at_an_edge(words)

    def _is_at_an_edge(self, words: str) -> bool:
        """Whether a clear phrase begins or ends a long utterance, as no mere story would."""
        return any(
            len(words[:begin].split()) <= _EDGE or len(words[end:].split()) <= _EDGE
            for begin, end in self._clear.spans(words)
            if not self._unless.within(words[:end])
        )


@cache
def _wish(language: str, intent: Intent) -> _Wish:
    return _Wish(language, intent)


@cache
def _fillers(language: str) -> Phrases:
    return Phrases(catalogue(language).fillers)


class _Self:
    """How people say that they are the one who was asked for."""

    def __init__(self, language: str) -> None:
        table = catalogue(language).understood["self"]
        self._alone = Phrases(table["alone"])
        self._early = Phrases(table["early"])
        self._introduction = frozenset(plain(word) for word in table["introduction"])
        self._greeting = Phrases(table["greeting"])

    def is_greeting(self, words: str) -> bool:
        """Whether the words are but what people say when they pick up a telephone, "yes" included."""
        return self._greeting.whole(words)

    def is_named(self, words: str, bare: str, name: str) -> bool:
        """Whether the words say so, or are the name; the first one is needed, for a surname has many bearers."""
        names, said = name.split(), [word for word in bare.split() if word not in self._introduction]
        is_the_name = len(names) > 1 and names[0] in said and set(said) <= set(names)
        return is_the_name or self._alone.whole(bare) or self._early.within(words)


@cache
def _self(language: str) -> _Self:
    return _Self(language)


def _is_the_person(words: str, bare: str, name: str, language: str) -> bool | None:
    """Yes, no, or None. The job is named after a yes: one that might be meant otherwise is asked for again."""
    if _self(language).is_greeting(words):
        return None
    if _self(language).is_named(words, bare, name):
        return yes_no(language).read(words) is not False
    return yes_no(language).confirms(words)


def _of(answer: bool | None) -> Intent | None:
    return None if answer is None else Intent.YES if answer else Intent.NO
