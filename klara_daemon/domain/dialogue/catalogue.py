"""The catalogues: one file a language, with all that is said, understood and written in it. Package data, read once."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

_TEXTS = resources.files("klara_daemon.domain.dialogue") / "texts"
_SPARE_LANGUAGE = "en"


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a catalogue. `wording` names it for good, as in `de/opening@1`; `text` has `{places}` to fill."""

    wording: str
    text: str


@dataclass(frozen=True, slots=True)
class NoteWords:
    """The words of the note that is written to Recruitee."""

    sentences: Mapping[str, str]
    outcomes: Mapping[str, str]
    dispositions: Mapping[str, str]
    meanings: Mapping[str, str]

    def says(self, key: str, **filling: object) -> str:
        """The sentence of this key, filled."""
        return self.sentences[key].format(**filling)


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One language: the sentences that are said, the phrases that are understood, number words, the note's words."""

    language: str
    said: Mapping[str, Sentence]
    understood: Mapping[str, Mapping[str, list[str]]]
    fillers: tuple[str, ...]
    numbers: Mapping[str, Any]
    note: NoteWords


@cache
def languages() -> frozenset[str]:
    """The languages that Klara speaks, by their two letters."""
    return frozenset(file.name.removesuffix(".toml") for file in _TEXTS.iterdir() if file.name.endswith(".toml"))


def catalogue(language: str) -> Catalogue:
    """The catalogue of a language; `de-AT` is `de`, and one that Klara does not speak is English."""
    spoken = language.replace("_", "-").split("-", maxsplit=1)[0].lower()
    return _read(spoken if spoken in languages() else _SPARE_LANGUAGE)


@cache
def _read(language: str) -> Catalogue:
    document = tomllib.loads((_TEXTS / f"{language}.toml").read_text(encoding="utf-8"))
    said = {
        key: Sentence(f"{language}/{key}@{sentence['version']}", sentence["text"])
        for key, sentence in document["said"].items()
    }
    understood = dict(document["understood"])
    fillers = tuple(understood.pop("fillers"))
    return Catalogue(language, said, understood, fillers, document["numbers"], NoteWords(**document["note"]))
