"""Plain words, and the small language in which a catalogue writes down what people say.

In a phrase `(a b|c)` is one of these runs of words, `word?` or `(a b)?` may be absent, `wor*` has any ending and `…` is
up to four other words.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

_SPELLING = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "ł": "l", "ø": "o", "đ": "d", "æ": "ae", "œ": "oe"})
_APOSTROPHES = re.compile("['’ʼ`´]")
_WORD = re.compile(r"[^\W_]+")
_PIECE = re.compile(r"\)\?|[()|…]|[^\s()|…]+")
_SIGNS = {"(": "(?:", ")": ")", ")?": ")?", "|": "|", "…": r"(?:\S+ ){0,4}"}


def plain(text: str) -> str:
    """The words alone: lower case, ä as ae, no accents, no apostrophes, one space between them."""
    text = unicodedata.normalize("NFKC", text).casefold().translate(_SPELLING)
    text = _APOSTROPHES.sub("", text)
    text = "".join(char for char in unicodedata.normalize("NFKD", text) if not unicodedata.combining(char))
    return " ".join(_WORD.findall(text))


class Phrases:
    """Some phrases, to be looked for in plain words."""

    def __init__(self, phrases: Iterable[str]) -> None:
        patterns = {phrase: f"(?:{_pattern(phrase)})" for phrase in phrases}
        if saying_nothing := [phrase for phrase, pattern in patterns.items() if re.fullmatch(pattern, "")]:
            raise ValueError(f"phrases that need no word: {saying_nothing}")
        longest_first = sorted(patterns.values(), key=len, reverse=True)
        one_of_them = "|".join(longest_first) or r"(?!)"
        self._within = re.compile(rf"(?<!\S)(?:{one_of_them})")
        # Possessive (++): else a phrase said over and over is tried in every division, and that takes for ever.
        self._whole = re.compile(rf"(?:{one_of_them})|(?:{one_of_them})++")
        self._at_begin = re.compile(rf"^(?:{one_of_them})++")
        self._at_end = re.compile(rf"(?<!\S)(?:{one_of_them})++$")

    def within(self, words: str) -> bool:
        """Whether one of the phrases stands anywhere among these plain words."""
        return self._within.search(f"{words} ") is not None

    def whole(self, words: str) -> bool:
        """Whether the plain words are one of the phrases, or several in a row, and nothing else."""
        return self._whole.fullmatch(f"{words} ") is not None

    def spans(self, words: str) -> list[tuple[int, int]]:
        """Where the phrases stand, first to last: begin and end within the plain words, a following space included."""
        return [match.span() for match in self._within.finditer(f"{words} ")]

    def trimmed(self, words: str) -> str:
        """The plain words without such phrases at their beginning and at their end."""
        return self._at_end.sub("", self._at_begin.sub("", f"{words} ")).strip()


def _pattern(phrase: str) -> str:
    return "".join(_SIGNS.get(piece) or _word(piece) for piece in _PIECE.findall(phrase))


def _word(piece: str) -> str:
    optional = "?" if piece.endswith("?") else ""
    word = piece.removesuffix("?")
    ending = r"\S*" if word.endswith("*") else ""
    return f"(?:{re.escape(plain(word))}{ending} ){optional}"
