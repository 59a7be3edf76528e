"""Plain words and the small language of phrases."""

from __future__ import annotations

from time import process_time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.domain.dialogue.phrases import Phrases, plain


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Grüß Gott!", "gruess gott"),
        ("GRÜSS GOTT", "gruess gott"),
        ("gru\u0308ß gott", "gruess gott"),
        ("I don't, she’s", "i dont shes"),
        ("twenty-one", "twenty one"),
        ("Łukasz Żółć", "lukasz zolc"),
        ("café", "cafe"),
        ("", ""),
        ("... !", ""),
    ],
)
def test_plain_words(text: str, words: str) -> None:
    assert plain(text) == words


@given(st.text())
def test_plain_words_stay_as_they_are(text: str) -> None:
    assert plain(plain(text)) == plain(text)


@pytest.mark.parametrize(
    ("phrase", "said", "is_in_it"),
    [
        ("kein problem", "nein kein problem", True),
        ("kein problem", "nein kein problemchen", False),
        ("problem", "keinproblem", False),
        ("ruf* (mich|uns) an", "rufen uns an", True),
        ("ruf* (mich|uns) an", "berufen uns an", False),
        ("ruf* sie? an", "ruft an", True),
        ("(call me|ring us) back", "please ring us back", True),
        ("(call me|ring us) back", "please ring me back", False),
        ("nie (wieder)? an", "nie an", True),
        ("rufen … an", "rufen sie mich bitte nie an", True),
        ("rufen … an", "rufen sie mich bitte nie wieder an", False),
        ("für", "fuer", True),
    ],
)
def test_a_phrase_is_found_among_whole_words(phrase: str, said: str, is_in_it: bool) -> None:
    assert Phrases([phrase]).within(said) is is_in_it


def test_the_whole_is_one_phrase_or_several_in_a_row() -> None:
    phrases = Phrases(["ja", "ja klar", "gern"])
    assert phrases.whole("ja klar gern")
    assert not phrases.whole("ja klar doch")
    assert not phrases.whole("")


def test_a_phrase_said_over_and_over_is_looked_through_at_once() -> None:
    phrases = Phrases(["nein", "nein nein", "nein (nein)? (noch)? nein", "(leider)? nein"])
    begun = process_time()
    assert not phrases.whole("nein " * 300 + "doch")
    assert phrases.trimmed("doch " + "nein " * 300 + "doch") == "doch " + "nein " * 300 + "doch"
    assert process_time() - begun < 1


def test_only_begin_and_end_are_trimmed() -> None:
    assert Phrases(["also", "bitte"]).trimmed("also also ja also nein bitte") == "ja also nein"


@pytest.mark.parametrize("phrase", ["", "ja?", "(ja|nein)?", "…", "ja? (klar)?"])
def test_a_phrase_that_needs_no_word_is_refused(phrase: str) -> None:
    with pytest.raises(ValueError, match="need no word"):
        Phrases([phrase])
