"""Text from outside made fit to be spoken or stored: no control characters, no markup, no end of it."""

from __future__ import annotations

import re
import unicodedata

HEARD_LIMIT = 2_000
NAME_LIMIT = 80
TEXT_LIMIT = 1_000

_JOINERS = "\u200c\u200d"
_MARKUP = re.compile(r"<[^<>]{0,200}>")
_GENDER_MARK = re.compile(r"[(\[]\s*(?:[mwdfxi*]|all genders|gn)(?:\s*[/|,]\s*[mwdfxi*])*\s*[)\]]", re.IGNORECASE)
_NOBODY = frozenset({"n/a", "n.a.", "k.a.", "unknown", "unbekannt"})
_NAME_MARKS = frozenset("'’-., ")


def heard(text: str) -> str:
    """What somebody said, fit to be stored: at most 2,000 characters, without control characters."""
    return one_line(text[:HEARD_LIMIT])


def spoken(text: str) -> str:
    """A recruiter's text fit to be spoken."""
    return one_line(_MARKUP.sub(" ", text[:TEXT_LIMIT]).replace("<", " ").replace(">", " "))


def job_title(title: str) -> str:
    """A job's title as one would say it: without "(m/w/d)" and without brackets."""
    without_mark = _GENDER_MARK.sub(" ", spoken(title))
    return " ".join(re.sub(r"[()\[\]{}]", " ", without_mark).split())


def person_name(name: str) -> str:
    """A person's name as one would say it; empty when there is no letter in it."""
    letters = "".join(char if _belongs_to_a_name(char) else " " for char in spoken(name))
    words = " ".join(letters.split())[:NAME_LIMIT].strip()
    nobody = name.strip().casefold() in _NOBODY or not any(char.isalpha() for char in words)
    return "" if nobody else words


def _belongs_to_a_name(char: str) -> bool:
    return char in _NAME_MARKS or char in _JOINERS or unicodedata.category(char)[0] in "LM"


def one_line(text: str) -> str:
    """The text in one line, without control characters."""
    printable = (char if unicodedata.category(char)[0] != "C" or char in _JOINERS else " " for char in text)
    return " ".join("".join(printable).split())
