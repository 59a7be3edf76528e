"""What utterances mean, as the tables in `utterances/` say."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.domain.dialogue.catalogue import languages
from klara_daemon.domain.dialogue.numerals import number_in
from klara_daemon.domain.dialogue.understanding import Awaited, Intent, make_ready, says_something, understand


@dataclass(frozen=True)
class Row:
    """One utterance, what was asked before it, and what it means (`"-"`: nothing known)."""

    language: str
    awaited: Awaited
    about: str
    utterance: str
    meaning: str


def _rows(language: str) -> Iterator[Row]:
    table = Path(__file__).parent / "utterances" / f"{language}.txt"
    awaited, about = Awaited.TEXT, ""
    for line in table.read_text(encoding="utf-8").splitlines():
        if heading := re.fullmatch(r"\[(\w+)\] ?(.*)", line):
            awaited, about = Awaited(heading[1]), heading[2]
        elif line and not line.startswith("#"):
            meaning, utterance = line.split(": ", 1)
            yield Row(language, awaited, about, utterance, meaning)


ROWS = [row for language in ("de", "en") for row in _rows(language)]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.language}-{row.awaited}-{row.utterance}")
def test_an_utterance_means_what_the_table_says(row: Row) -> None:
    assert _meaning(row.utterance, row) == row.meaning


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.language}-{row.awaited}-{row.utterance}")
def test_case_and_punctuation_and_spelled_out_umlauts_make_no_difference(row: Row) -> None:
    spelled = row.utterance.translate({ord("ä"): "ae", ord("ö"): "oe", ord("ü"): "ue", ord("ß"): "ss"})
    assert _meaning(f" {row.utterance.upper()} !", row) == row.meaning
    assert _meaning(f"... {spelled} ...", row) == row.meaning


@pytest.mark.parametrize("language", ["de", "en"])
def test_each_language_has_its_table(language: str) -> None:
    rows = [row for row in ROWS if row.language == language]
    assert len({(row.awaited, row.about, row.utterance) for row in rows}) == len(rows) >= 300
    assert {row.meaning for row in rows} >= {str(intent) for intent in Intent}


@given(text=st.text(), language=st.sampled_from(["de", "en"]), awaited=st.sampled_from(Awaited), about=st.text())
def test_whatever_is_said_is_understood_or_not_but_never_fails(
    text: str, language: str, awaited: Awaited, about: str
) -> None:
    assert understand(text, language, awaited, about) in {*Intent, None}
    assert isinstance(number_in(text, language, about), str | None)


@pytest.mark.parametrize(("language", "filler"), [("de", "Ähm, also"), ("en", "Well, um")])
def test_erm_says_nothing(language: str, filler: str) -> None:
    assert not says_something(filler, language)
    assert says_something(f"{filler} Montag", language)


def test_when_all_is_made_ready_the_first_turn_is_quick() -> None:
    make_ready()
    begun = process_time()
    for row in ROWS[:100]:
        _meaning(row.utterance, row)
    assert process_time() - begun < 0.5


def test_the_tables_cover_the_languages_that_klara_speaks() -> None:
    assert {row.language for row in ROWS} == languages()


def _meaning(utterance: str, row: Row) -> str:
    intent = understand(utterance, row.language, row.awaited, row.about)
    number = number_in(utterance, row.language, row.about) if row.awaited is Awaited.NUMBER else None
    return intent or number or "-"
