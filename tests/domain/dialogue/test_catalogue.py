"""The catalogues: the same in every language, speakable, and used."""

from __future__ import annotations

import re
from collections.abc import Mapping
from string import Formatter
from typing import Any

import pytest

from klara_daemon.domain.dialogue.catalogue import catalogue, languages
from klara_daemon.domain.dialogue.machine import begin, step
from klara_daemon.domain.dialogue.turns import Connected, Say
from klara_daemon.domain.dialogue.understanding import Intent
from klara_daemon.domain.dispositions import Disposition, Outcome
from tests.domain.dialogue.calls import HANGS_UP, conversations, heard

ALL = sorted(languages())
YES_NO = {Intent.YES, Intent.NO}
LEVELS = {"clear", "whole", "alone", "early", "unless"}
SAID_BY_THE_LINE = {"inbound_neutral", "voicemail_neutral"}


def test_german_and_english_are_spoken() -> None:
    assert {"de", "en"} <= languages()


@pytest.mark.parametrize("language", ALL)
def test_every_language_has_the_same_keys(language: str) -> None:
    assert _shape(catalogue(language)) == _shape(catalogue("en"))


@pytest.mark.parametrize("language", ALL)
def test_every_sentence_has_the_same_places_to_fill(language: str) -> None:
    for key, sentence in catalogue(language).said.items():
        assert _places(sentence.text) == _places(catalogue("en").said[key].text), key
        assert _places(sentence.text) <= {"name", "company", "job", "question"}
    for key, text in catalogue(language).note.sentences.items():
        assert _places(text) == _places(catalogue("en").note.sentences[key]), key


@pytest.mark.parametrize("language", ALL)
def test_a_sentence_with_a_name_or_a_job_has_one_that_does_without(language: str) -> None:
    said = catalogue(language).said
    for key, sentence in said.items():
        for place in {"name", "job"} & _places(sentence.text):
            assert place not in _places(said[f"{key}_without_{place}"].text)


@pytest.mark.parametrize("language", ALL)
def test_every_sentence_can_be_spoken(language: str) -> None:
    for key, sentence in catalogue(language).said.items():
        words = re.sub(r"\{\w+\}", "", sentence.text)
        assert re.fullmatch(r"[^\W\d_]*([ ,.?!'-]|[^\W\d_])*", words), f"{key}: letters and plain punctuation only"
        assert not re.search(r"\b\w\.\w\.", words), f"{key}: no abbreviations"
        assert sentence.text.strip() == sentence.text


@pytest.mark.parametrize("language", ALL)
def test_a_wording_names_language_key_and_version(language: str) -> None:
    for key, sentence in catalogue(language).said.items():
        assert re.fullmatch(rf"{language}/{key}@[1-9]\d*", sentence.wording)


@pytest.mark.parametrize("language", ALL)
def test_nobody_but_the_candidate_hears_of_an_application(language: str) -> None:
    told = {
        "good_time",
        "good_time_again",
        "good_time_resumed",
        "good_time_unclear",
        "about",
        "interviewed",
        "declined",
    }
    for key, sentence in catalogue(language).said.items():
        if not any(key.startswith(one) for one in told) and "{question}" not in sentence.text:
            assert not re.search(r"\{job\}|bewerb|stelle\b|applica|position|interview", sentence.text, re.IGNORECASE), (
                key
            )


@pytest.mark.parametrize("language", ALL)
def test_the_neutral_sentences_tell_nothing(language: str) -> None:
    assert _places(catalogue(language).said["inbound_neutral"].text) == set()
    assert _places(catalogue(language).said["voicemail_neutral"].text) <= {"company"}


@pytest.mark.parametrize("language", ALL)
def test_the_note_has_words_for_every_outcome(language: str) -> None:
    note = catalogue(language).note
    assert set(note.outcomes) == set(Outcome)
    assert set(note.dispositions) == set(Disposition)
    assert set(note.meanings) == {"yes", "no"}


@pytest.mark.parametrize("language", ALL)
def test_there_are_phrases_for_every_intent(language: str) -> None:
    understood = catalogue(language).understood
    assert set(understood) == {*Intent, "unsure", "self"}
    for intent in set(Intent) - YES_NO:
        assert set(understood[intent]) <= LEVELS, intent
        assert any(understood[intent].values()), intent


def test_every_sentence_is_said_in_some_written_conversation() -> None:
    spoken = {wording.split("/")[1].split("@")[0] for language in ("de", "en") for wording in _wordings(language)}
    assert set(catalogue("en").said) - spoken == SAID_BY_THE_LINE


@pytest.mark.parametrize(
    ("given", "spoken"), [("de-AT", "de"), ("EN_gb", "en"), ("xx", "en"), ("", "en"), ("../de", "en")]
)
def test_a_language_that_is_not_spoken_is_answered_in_english(given: str, spoken: str) -> None:
    assert catalogue(given).language == spoken


def _shape(part: Any) -> Any:
    """The keys of a catalogue, down to the tables of phrases; number words differ from language to language."""
    return {
        "said": set(part.said),
        "understood": {one: set(table) for one, table in part.understood.items() if one not in set(Intent) - YES_NO},
        "numbers": set(part.numbers),
        "units": set(part.numbers["units"]),
        "note": {
            table: set(_table(part.note, table)) for table in ("sentences", "outcomes", "dispositions", "meanings")
        },
    }


def _table(note: object, name: str) -> Mapping[str, str]:
    table: Mapping[str, str] = getattr(note, name)
    return table


def _places(text: str) -> set[str]:
    return {name for _, name, *_ in Formatter().parse(text) if name is not None}


def _wordings(language: str) -> set[str]:
    said = set()
    for conversation in conversations(language):
        script = conversation.script
        state, actions = step(script, begin(script), Connected())
        for what in [what for who, what in conversation.lines if who == "C" and what != HANGS_UP]:
            said |= {action.wording for action in actions if isinstance(action, Say)}
            state, actions = step(script, state, heard(what))
        said |= {action.wording for action in actions if isinstance(action, Say)}
    return said
