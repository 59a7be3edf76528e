"""Numbers in words and digits, against counting aloud."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.domain.dialogue.numerals import number_in

_GERMAN = [
    "null", "eins", "zwei", "drei", "vier", "fünf", "sechs", "sieben", "acht", "neun",
    "zehn", "elf", "zwölf", "dreizehn", "vierzehn", "fünfzehn", "sechzehn", "siebzehn", "achtzehn", "neunzehn",
]  # fmt: skip
_GERMAN_TENS = ["", "", "zwanzig", "dreißig", "vierzig", "fünfzig", "sechzig", "siebzig", "achtzig", "neunzig"]
_ENGLISH = [
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine",
    "ten", "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
]  # fmt: skip
_ENGLISH_TENS = ["", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety"]


def _german(number: int, one: str = "eins") -> str:
    """Count aloud in German, in one word."""
    if number < 20:
        return one if number == 1 else _GERMAN[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return (_german(ones, "ein") + "und" if ones else "") + _GERMAN_TENS[tens]
    size, name = (1000, "tausend") if number >= 1000 else (100, "hundert")
    many, rest = divmod(number, size)
    return _german(many, "ein") + name + (_german(rest, one) if rest else "")


def _english(number: int) -> str:
    """Count aloud in English."""
    if number < 20:
        return _ENGLISH[number]
    if number < 100:
        tens, ones = divmod(number, 10)
        return _ENGLISH_TENS[tens] + (f"-{_ENGLISH[ones]}" if ones else "")
    size, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    many, rest = divmod(number, size)
    return f"{_english(many)} {name}" + (f" {_english(rest)}" if rest else "")


@given(st.integers(0, 99_999))
def test_counting_aloud_is_understood(number: int) -> None:
    assert number_in(_german(number), "de") == str(number)
    assert number_in(_english(number), "en") == str(number)


@given(st.integers(0, 99_999))
def test_counting_aloud_with_and_is_understood(number: int) -> None:
    spoken = _english(number)
    with_and = spoken.replace(" hundred ", " hundred and ") if number % 1000 else spoken
    assert number_in(with_and, "en") == str(number)


@given(st.integers(0, 999_999))
def test_digits_are_understood_with_and_without_thousands_separators(number: int) -> None:
    grouped = f"{number:,}"
    assert number_in(f"ungefähr {number} Euro", "de") == str(number)
    assert number_in(grouped, "en") == str(number)
    assert number_in(grouped.replace(",", "."), "de") == str(number)
    assert number_in(grouped.replace(",", " "), "de") == str(number)


@given(st.integers(1, 99), st.sampled_from(["einhalb", " ein halb", ",5", " Komma fünf", "½"]))
def test_halves_are_understood(number: int, half: str) -> None:
    spoken = str(number) if half in {",5", "½"} else _german(number, "ein" if half == "einhalb" else "eins")
    assert number_in(spoken + half, "de") == f"{number}.5"


@given(st.integers(2, 98), st.integers(1, 40))
def test_two_numbers_are_no_answer(number: int, more: int) -> None:
    assert number_in(f"{_german(number)} bis {_german(number + more)}", "de") is None
    assert number_in(f"{_english(number)} or {_english(number + more)}", "en") is None
    assert number_in(f"{number} oder {number}", "de") == str(number)


@given(st.integers(0, 98), st.integers(1, 40))
def test_a_correction_counts(number: int, more: int) -> None:
    assert number_in(f"{_german(number)}, nein, {_german(number + more)}", "de") == str(number + more)


@pytest.mark.parametrize("said", ["1" * 13, "1" * 3000, "12.03.2024", "18:30", "3/4", "¼", "²a", "٣ bis ٤", ""])
def test_what_is_no_plain_number_is_none_or_one_but_never_fails(said: str) -> None:
    assert number_in(said, "de") is None


@pytest.mark.parametrize(
    ("said", "asked", "number"),
    [
        ("sechs Monate", "Wie viele Jahre haben Sie Erfahrung?", None),
        ("ein halbes Jahr", "Wie viele Jahre haben Sie Erfahrung?", "0.5"),
        ("sechs Monate", "Wie viele Monate ist Ihre Kündigungsfrist?", "6"),
        ("vierzig Stunden", "Wie viele Stunden in der Woche möchten Sie arbeiten?", "40"),
        ("vierzig Stunden", "Wie viel möchten Sie arbeiten?", "40"),
        ("drei Kinder", "Wie viele Jahre haben Sie Erfahrung?", "3"),
    ],
)
def test_a_number_in_another_unit_of_time_than_asked_for_is_none(said: str, asked: str, number: str | None) -> None:
    assert number_in(said, "de", asked) == number
