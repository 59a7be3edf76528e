"""Numbers as people say them, in digits and in words: "einundzwanzig", "two and a half", "1.500", "drei Komma fünf"."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache

from klara_daemon.domain.dialogue.catalogue import catalogue
from klara_daemon.domain.dialogue.phrases import Phrases, plain

_DIGITS = re.compile(r"\d+(?:[.,:/]\d+)*")
_TOKEN = re.compile(rf"{_DIGITS.pattern}|½|[^\W\d_]+(?:['’][^\W\d_]+)*")
_ONE_HALF = re.compile(r"(?<![\d/])1\s?[/⁄]\s?2(?![\d/])|½")
_SPACED_THOUSANDS = re.compile(r"(?<=\d)[ \u00a0\u202f](?=\d{3}\b)")
_LONGEST_DIGITS = 12
_TIMES = frozenset({"year", "month", "week", "day", "hour", "minute"})
_HALF = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Amount:
    """One number in what was said. `vague` is "a" or "ein", which need not be a number at all."""

    value: Decimal
    vague: bool = False
    unit: str | None = None


class NumberWords:
    """A language's words for numbers, made ready once."""

    def __init__(self, language: str) -> None:
        texts = catalogue(language)
        numbers = texts.numbers
        self.values = {plain(word): Decimal(str(value)) for word, value in numbers["values"].items()}
        self.one = frozenset(plain(word) for word in numbers["one"])
        self.half = frozenset(plain(word) for word in numbers["half"]) | {"½"}
        self.joiner = plain(numbers["joiner"])
        self.point = plain(numbers["point"])
        self.since = frozenset(plain(word) for word in numbers["since"])
        self.none = Phrases(numbers["none"])
        self.corrections = Phrases(numbers["corrections"])
        self.fillers = Phrases(texts.fillers)
        self._units = {unit: Phrases(words) for unit, words in numbers["units"].items()}
        self._grouped = re.compile(rf"\d{{1,3}}(?:{re.escape(numbers['thousands'])}\d{{3}})+(?!\d)")
        self._thousands: str = numbers["thousands"]
        pieces = {*self.values, *self.half, *map(plain, numbers["one_inside"]), self.joiner}
        self._piece = re.compile("|".join(sorted(pieces, key=len, reverse=True)))

    def unit(self, word: str) -> str | None:
        """Which unit a plain word names: `"year"`, `"month"`, and so on."""
        return next((unit for unit, words in self._units.items() if words.whole(word)), None)

    def digits(self, token: str) -> Decimal | None:
        """The value of digits with their separators; None for words, a date, a time of day, a telephone number."""
        if not _DIGITS.fullmatch(token):
            return None
        if self._grouped.match(token):
            token = token.replace(self._thousands, "")
        token = token.replace(",", ".")
        plain_number = len(token) <= _LONGEST_DIGITS and token.count(".") <= 1 and not set(token) & {":", "/"}
        return Decimal(token) if plain_number else None

    def pieces(self, word: str) -> list[str]:
        """A compound taken apart, as in ein + und + zwanzig; the word itself when it is no compound of numbers."""
        if word in self.values or word in self.one:
            return [word]
        found = self._piece.findall(word)
        return found if "".join(found) == word and word != self.joiner else [word]


@cache
def number_words(language: str) -> NumberWords:
    """The number words of a language."""
    return NumberWords(language)


def number_in(text: str, language: str, question: str = "") -> str | None:
    """The one number that was said, as in `"7"` or `"2.5"`; None when there is none, or several.

    Months are no answer to a `question` for years: a number in a unit of time that it does not name is None too.
    """
    words = number_words(language)
    if words.none.whole(words.fillers.trimmed(plain(text))):
        return "0"
    tokens = _tokens(text, words)
    asked_in = {words.unit(word) for word in plain(question).split()} & _TIMES
    alone = len(words.fillers.trimmed(" ".join(tokens)).split()) == 1
    amounts = [amount for amount in _amounts(tokens, words) if not amount.vague or amount.unit or alone]
    amounts = [amount for amount in amounts if not amount.vague] or amounts
    values = {amount.value for amount in amounts}
    if len(values) != 1 or any(asked_in and amount.unit in _TIMES - asked_in for amount in amounts):
        return None
    return f"{values.pop().normalize():f}"


def _tokens(text: str, words: NumberWords) -> list[str]:
    """Plain words and digits; of "three, no, four" only what follows the correction."""
    text = _SPACED_THOUSANDS.sub("", _ONE_HALF.sub(" ½ ", text))
    found: list[str] = _TOKEN.findall(text)
    said = " ".join(part if _DIGITS.fullmatch(part) or part == "½" else plain(part) for part in found)
    corrected = words.corrections.spans(said)
    rest = said[corrected[-1][1] :].split() if corrected else []
    return rest if _amounts(rest, words) else said.split()


def _amounts(tokens: list[str], words: NumberWords) -> list[Amount]:
    pieces = [piece for token in tokens for piece in words.pieces(token)]
    reader = _Reader(words)
    for before, piece, after in zip(["", *pieces], pieces, [*pieces[1:], ""], strict=False):
        reader.read(before, piece, after)
    reader.close()
    return reader.amounts


@dataclass(frozen=True, slots=True)
class _Numeral:
    """A number being put together; a further part belongs to it while it is below `room`."""

    thousands: Decimal = Decimal(0)
    rest: Decimal = Decimal(0)
    room: int = 1_000
    vague: bool = False

    @property
    def value(self) -> Decimal:
        return self.thousands + self.rest

    def plus(self, part: Decimal, *, joined: bool) -> _Numeral | None:
        """With one more part, as in twenty + one; None when that does not belong to this number any more."""
        if part == 1_000:
            return _Numeral((self.rest or Decimal(1)) * 1_000) if self.thousands == 0 else None
        if part == 100:
            fits = self.room >= 0 and self.rest < 100
            return _Numeral(self.thousands, (self.rest or Decimal(1)) * 100, 100) if fits else None
        tens = part in range(20, 100, 10)
        if joined and tens and self.room == 0 and 1 <= self.rest % 100 <= 9:
            return _Numeral(self.thousands, self.rest + part, 0)
        if part >= self.room or (joined and self.room == 10):
            return None
        return _Numeral(self.thousands, self.rest + part, 10 if tens else 0)

    def and_fraction(self, fraction: Decimal) -> _Numeral:
        return _Numeral(self.thousands, self.rest + fraction, -1)


class _Reader:
    """Goes through the pieces of what was said, one by one, and collects the amounts."""

    def __init__(self, words: NumberWords) -> None:
        self.amounts: list[Amount] = []
        self._words = words
        self._open: _Numeral | None = None
        self._unit: str | None = None
        self._joined = False
        self._decimals = 0

    def read(self, before: str, piece: str, after: str) -> None:
        """Take the next piece, seen between its neighbours."""
        words, joined = self._words, self._joined
        self._joined = False
        if piece in words.half:
            self._half(joined=joined)
        elif piece in words.one:
            if after in words.half or before in words.half or words.values.get(after, 0) >= 100:
                self._joined = joined
            else:
                self._value(Decimal(1), joined=joined, vague=True)
        elif (value := self._value_of(before, piece)) is not None:
            self._value(value, joined=joined, vague=False)
        elif piece == words.joiner:
            self._joined = True
        elif piece == words.point and self._open is not None and self._unit is None:
            self._decimals = 1
        elif (unit := words.unit(piece)) is not None and self._open is not None and self._unit is None:
            self._unit = unit
        else:
            self.close()

    def close(self) -> None:
        """The number that was being read, if any, is complete."""
        if self._open is not None:
            self.amounts.append(Amount(self._open.value, self._open.vague, self._unit))
        self._open, self._unit, self._decimals = None, None, 0

    def _value_of(self, before: str, piece: str) -> Decimal | None:
        digits = self._words.digits(piece)
        if digits is None:
            return self._words.values.get(piece)
        return None if before in self._words.since and 1900 <= digits <= 2100 else digits

    def _value(self, value: Decimal, *, joined: bool, vague: bool) -> None:
        if self._decimals and self._open is not None and value < 10:
            self._open = self._open.and_fraction(value.scaleb(-self._decimals))
            self._decimals += 1
            return
        longer = self._open.plus(value, joined=joined) if self._open is not None and self._unit is None else None
        if longer is None:
            self.close()
            longer = _Numeral().plus(value, joined=False) or _Numeral(rest=value, room=0)
            longer = replace(longer, vague=vague)
        self._open = longer

    def _half(self, *, joined: bool) -> None:
        if self._open is not None and self._unit is not None and not joined:
            self.close()
        self._open = (self._open or _Numeral()).and_fraction(_HALF)
