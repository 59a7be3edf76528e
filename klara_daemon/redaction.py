"""Takes people out of what is written down: numbers, names, addresses, answers, tokens, passwords.

By key first (`name=...` is hidden whatever it holds), then by pattern, in nested values and in texts. Ids survive, for
without them a log is of no use. Where the two wishes meet the person wins: a bare number of telephone length is hidden
in a text, and kept under `candidate_id`. A name in the middle of a sentence cannot be told from other words, so no
sentence of ours holds one.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping
from datetime import date, time, timedelta
from functools import lru_cache
from uuid import UUID

HIDDEN = "[hidden]"
NUMBER = "[number]"
EMAIL = "[email]"
SECRET = "[secret]"  # noqa: S105
LONGEST_TEXT = 4000
DEEPEST = 12

# fmt: off
_HIDDEN_WORDS = frozenset({
    "candidate", "firstname", "fullname", "lastname", "name", "names", "person", "surname", "username",
    "callee", "caller", "mobile", "number", "numbers", "phone", "phonenumber", "phones", "tel", "telephone",
    "email", "mail",
    "answer", "answers", "heard", "said", "speech", "spoken", "transcript", "utterance",
    "body", "comment", "content", "note", "notes", "payload", "text", "texts",
    "auth", "authorization", "cookie", "credential", "credentials", "dsn", "passphrase", "passwd", "password", "pwd",
    "secret", "secrets", "signature", "token", "tokens",
})
# fmt: on
_ID_WORDS = frozenset({"id", "ids", "ref", "reference", "sid"})
_MEASURE_WORDS = frozenset({"at", "bytes", "count", "lineno", "ms", "pid", "port", "s", "seconds", "size", "status"})
_COUNTING_KEYS = frozenset({"attempt_number"})

_KEY_WORDS = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_PLAIN_ID = re.compile(r"[1-9]\d{0,9}|(?=\w*[A-Za-z])\w{1,34}", re.ASCII)
_UUID = r"\b[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}\b"

# What most values are, so that they need not be searched: one word without digits, a UUID, an instant
_HARMLESS = re.compile(rf"[A-Za-z_][A-Za-z_.-]{{0,31}}|{_UUID}|\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{{6}}Z", re.ASCII)
_USER_INFO = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*://)[^\s\"'<>]*@")
_CREDENTIALS = re.compile(r"\b((?i:bearer|basic)) +(?=\S*[0-9A-Z=])[\w.~+/=-]{6,}")
_TOKEN = re.compile(
    r"""
    \bgAAAAA[\w-]{20,}=*                                # Fernet token
    | (?<![\w-])[\w-]{43}=(?!\w)                        # Fernet key
    | \beyJ[\w-]+\.[\w-]+\.[\w-]*                       # JSON web token
    | (?<![A-Za-z0-9])[0-9a-fA-F]{32}(?![A-Za-z0-9])    # Twilio auth token
    | (?<!\w)(?=\w*\d)(?=\w*[A-Za-z])\w{40,}=*          # what else is long and random
    """,
    re.ASCII | re.VERBOSE,
)
_MAIL_LETTER = r"[^\s@<>()\[\]\"'`,;:=]"
_EMAIL = re.compile(rf"{_MAIL_LETTER}{{1,64}}@{_MAIL_LETTER}{{1,250}}\.[^\W\d_]{{2,63}}")
_KEY = re.compile(r"(\\?[\"']?)\b(?P<key>[A-Za-z_][\w-]{0,63})\1\s*[:=]\s*")
_VALUE = re.compile(
    r"""
    [bru]?"(?:[^"\\]|\\.)*" | [bru]?'(?:[^'\\]|\\.)*'
    | \[[^\[\](){}]*\] | \([^\[\](){}]*\) | \{[^\[\](){}]*\} | [\[({].*
    | [^\s,;)}\]&][^,;)}\]&\n]*
    """,
    re.VERBOSE,
)
# The words of Postgres, pydantic and Python around a value that somebody typed
_QUOTED_ROW = re.compile(r"(Failing row contains ).*", re.DOTALL)
_QUOTED_COLUMNS = re.compile(r"(Key \((?P<columns>[^)]*)\)=)\(.*\)")
_QUOTED_INPUT = re.compile(
    r"(input_value=).*?(?=, input_type=|$)|(invalid literal for |could not convert |invalid input syntax for )[^\n]*",
    re.DOTALL,
)

_GAP = r"[^\S\r\n]|[.\-/()·\u2010-\u2015\u2212\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069]"
_TELEPHONE = re.compile(
    rf"""
    (?P<kept>
        {_UUID}
      | (?<!\d)(?:19|20)\d\d-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])(?!\d)
        (?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?(?:[+-]\d\d:?\d\d)?)?                 # date, instant
      | (?<!\d)\d\d:\d\d:\d\d(?:[.,]\d+)?                                           # time of day
      | (?<![\w.])(?:10|127|169\.254|172\.(?:1[6-9]|2\d|3[01])|192\.168)(?:\.\d{{1,3}}){{2,3}}(?![\w.])  # private IPv4
      | (?<![\w.])(?:0\.\d+|[1-9]\d{{0,5}}\.\d+(?=\ ?(?:s|ms|sec|seconds|min)\b))(?![\d.])               # duration
      | \b\w*(?i:id|ids)\\?["']?\s*[:=]\s*\\?["']?[1-9]\d{{0,9}}(?!\d)              # candidate_id=64537342
      | \(\w+_id(?:,\ \w+_id)*\)=\([1-9]\d{{0,9}}(?:,\ [1-9]\d{{0,9}})*\)             # Key (offer_id)=(1181300)
      | /(?:c|candidates|companies|jobs|notes|offers|placements|recruitee|stages)/[1-9]\d{{0,9}}(?!\d)
    )
    | (?:[+\uff0b]|%2[Bb])(?:{_GAP}){{0,3}}\d(?:(?:{_GAP}){{0,4}}\d){{5,}}
    | (?<![A-Za-z0-9])\d(?:(?:{_GAP}){{0,4}}\d){{6,}}(?=[xX]\d|(?i:ext)|[^A-Za-z0-9]|$)
    """,
    re.VERBOSE,
)


def redact(value: object, key: str = "") -> object:
    """Return the value as it may be written down under this key, made of nothing but what JSON knows."""
    return _redact(value, key, 0)


def redact_text(text: str) -> str:
    """Return the text without numbers, addresses and secrets, and without what stands behind a key like `name=`."""
    if _HARMLESS.fullmatch(text):
        return text
    if len(text) > LONGEST_TEXT:
        text = f"{text[:LONGEST_TEXT]}... ({len(text)} characters)"
    text = _without_values(text)
    text = _QUOTED_ROW.sub(rf"\1{HIDDEN}", text)
    text = _QUOTED_INPUT.sub(lambda found: f"{found[1] or found[2]}{HIDDEN}", text)
    text = _QUOTED_COLUMNS.sub(_without_columns, text)
    text = _USER_INFO.sub(rf"\1{SECRET}@", text)
    text = _CREDENTIALS.sub(rf"\1 {SECRET}", text)
    text = _TOKEN.sub(SECRET, text)
    text = _EMAIL.sub(EMAIL, text)
    return _TELEPHONE.sub(lambda found: found["kept"] or NUMBER, text)


def _redact(value: object, key: str, depth: int) -> object:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _redact_number(value, key)
    if _hides(key):
        return HIDDEN
    if isinstance(value, str):
        return str(value) if _names_id(key) and _PLAIN_ID.fullmatch(value) else redact_text(value)
    if isinstance(value, Mapping | Collection) and not isinstance(value, bytes | bytearray | memoryview):
        return _redact_nested(value, key, depth + 1) if depth < DEEPEST else HIDDEN
    return _redact_single(value)


def _redact_nested(value: Collection[object], key: str, depth: int) -> object:
    if isinstance(value, Mapping):
        return {redact_text(str(inner)): _redact(held, str(inner), depth) for inner, held in value.items()}
    return [_redact(held, key, depth) for held in value]


def _redact_single(value: object) -> object:
    match value:
        case date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes() | bytearray() | memoryview():
            return f"[{len(value)} bytes]"
        case UUID():
            return str(value)
        case BaseException():
            return redact_text(f"{type(value).__name__}: {value}")
        case _:
            return redact_text(repr(value))


def _redact_number(value: float, key: str) -> object:
    last = _words(key)[-1:]
    if key in _COUNTING_KEYS or not (_ID_WORDS | _MEASURE_WORDS).isdisjoint(last):
        return value
    if _hides(key):
        return HIDDEN
    if isinstance(value, int):
        return value if abs(value) < 1_000_000 else NUMBER
    return value if math.isfinite(value) else str(value)


@lru_cache(maxsize=1024)
def _words(key: str) -> list[str]:
    return [word.lower() for word in _KEY_WORDS.findall(key)]


def _names_id(key: str) -> bool:
    return not _ID_WORDS.isdisjoint(_words(key)[-1:])


def _hides(key: str) -> bool:
    return not _names_id(key) and not _HIDDEN_WORDS.isdisjoint(_words(key))


def _without_values(text: str) -> str:
    parts: list[str] = []
    done = 0
    for key in _KEY.finditer(text):
        if key.start() >= done and _hides(key["key"]) and (value := _VALUE.match(text, key.end())):
            parts += text[done : key.end()], HIDDEN
            done = value.end()
    return "".join(parts) + text[done:]


def _without_columns(key: re.Match[str]) -> str:
    hidden = any(_hides(column.strip()) for column in key["columns"].split(","))
    return f"{key[1]}({HIDDEN})" if hidden else key[0]
