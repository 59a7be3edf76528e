"""Yes and no in their many spoken forms: "ja klar", "nein danke, kein Problem, passt", "yeah no"."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache

from klara_daemon.domain.dialogue.catalogue import catalogue
from klara_daemon.domain.dialogue.phrases import Phrases


@dataclass(frozen=True, slots=True)
class _Mark:
    """One stretch of the words that speaks for yes or for no; None where it says that neither is certain."""

    begin: int
    end: int
    yes: bool | None
    particle: bool = False
    easy: bool = False


class YesNo:
    """How one language says yes and no. "No problem" and its like are `easy`: they agree, in words that deny."""

    def __init__(self, language: str) -> None:
        understood = catalogue(language).understood
        yes, no = understood["yes"], understood["no"]
        self._fillers = Phrases(catalogue(language).fillers)
        self._alone = {True: Phrases(yes["alone"]), False: Phrases(no["alone"])}
        self._particles = {True: Phrases(yes["particles"]), False: Phrases(no["particles"])}
        self._phrases = {True: Phrases(yes["phrases"]), False: Phrases(no["phrases"])}
        self._easy = Phrases(yes["easy"])
        self._unsure = Phrases(understood["unsure"]["phrases"])

    def agrees(self, words: str) -> bool:
        """Whether the words say that it is no trouble, whatever else they say."""
        return any(mark.easy for mark in self._marks(words, ""))

    def read(self, words: str, about: str = "") -> bool | None:
        """Yes, no, or None when it is neither or both. To a question `about` a problem, "no problem" is a no.

        A "yes" or "no" that leads decides over what follows; of several in a row the last one does ("yeah no").
        """
        bare = self._fillers.trimmed(words) or words
        for yes, alone in self._alone.items():
            if alone.whole(bare) or alone.whole(words):
                return yes
        marks = self._marks(bare, about)
        if not marks or any(mark.yes is None for mark in marks):
            return None
        leading = _leading(marks)
        if leading:
            verdict = leading[-1].yes
            return None if any(mark.easy and mark.yes != verdict for mark in marks) else verdict
        return marks[0].yes if len({mark.yes for mark in marks}) == 1 else None

    def confirms(self, words: str) -> bool | None:
        """As `read`, but a yes has to lead, or to be all that is said."""
        answer, bare = self.read(words), self._fillers.trimmed(words) or words
        if not answer or self._alone[True].whole(bare) or self._alone[True].whole(words):
            return answer
        marks = self._marks(bare, "")
        all_that_is_said = sum(mark.end - mark.begin for mark in marks) > len(bare)
        return True if _leading(marks) or all_that_is_said else None

    def _marks(self, words: str, about: str) -> list[_Mark]:
        """The marks from first to last; where two overlap, the one that begins first and is longest."""
        found = sorted(self._candidates(words, set(about.split())), key=lambda mark: (mark.begin, -mark.end))
        marks: list[_Mark] = []
        for mark in found:
            if not marks or mark.begin >= marks[-1].end:
                marks.append(mark)
        return marks

    def _candidates(self, words: str, about: set[str]) -> Iterator[_Mark]:
        for span in self._unsure.spans(words):
            yield _Mark(*span, yes=None)
        for begin, end in self._easy.spans(words):
            denied = words[begin:end].rsplit(maxsplit=1)[-1]
            yield _Mark(begin, end, yes=denied not in about, easy=True)
        for yes in (True, False):
            yield from (_Mark(*span, yes=yes, particle=True) for span in self._particles[yes].spans(words))
            yield from (_Mark(*span, yes=yes) for span in self._phrases[yes].spans(words))


def _leading(marks: list[_Mark]) -> list[_Mark]:
    """The particles with which the words begin, one right after the other."""
    leading: list[_Mark] = []
    for mark in marks:
        if not mark.particle or mark.begin != (leading[-1].end if leading else 0):
            break
        leading.append(mark)
    return leading


@cache
def yes_no(language: str) -> YesNo:
    """The yes and no of a language, made ready once."""
    return YesNo(language)
