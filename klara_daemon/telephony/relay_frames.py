"""The frames of a spoken call, pure: the JSON of Twilio's ConversationRelay; Telnyx speaks nearly the same.

Sources: Twilio's "ConversationRelay: WebSocket messages"; the shape of `info` frames was seen in code only.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

FRAME_LIMIT: Final = 64 * 1024
"""Longest frame in bytes that is read; for `WebSocketResponse(max_msg_size=...)`."""
UTTERANCE_LIMIT: Final = 8_000
"""Longest utterance in characters; what comes after is cut off."""
LINE_DIGITS: Final = 6
GREETED: Final = "greeted"
"""Custom parameter of the setup frame: the first sentence was spoken by the provider before the socket stood."""
LINE: Final = "line"
"""Custom parameter of the setup frame: how often the call's line had been taken up again when this one was made."""

# Frames from the provider


@dataclass(frozen=True, slots=True)
class Setup:
    """The first frame: which call this is. `parameters` are those of our own TwiML."""

    session_id: str
    ref: str
    from_number: str = ""
    to: str = ""
    direction: str = ""
    parameters: Mapping[str, str] = field(default_factory=dict)

    @property
    def greeted(self) -> bool:
        """Whether the conversation's first sentence was spoken by the provider already."""
        return self.parameters.get(GREETED) == "yes"

    @property
    def line(self) -> int:
        """Which of the call's lines this is, from 0: how often it had been taken up again."""
        number = self.parameters.get(LINE, "")
        return int(number) if number.isdecimal() and len(number) <= LINE_DIGITS else 0


@dataclass(frozen=True, slots=True)
class Prompt:
    """What somebody said. Until `last`, each prompt repeats the utterance so far."""

    text: str
    last: bool


@dataclass(frozen=True, slots=True)
class KeyPress:
    """A key was pressed."""

    digit: str


@dataclass(frozen=True, slots=True)
class Interrupt:
    """Somebody spoke or pressed a key while we spoke; the rest of what we said is not played."""


@dataclass(frozen=True, slots=True)
class Speaking:
    """One side begins (`on`) or stops to speak; `us` is our side."""

    us: bool
    on: bool


@dataclass(frozen=True, slots=True)
class LineError:
    """The provider complains; what it quotes of our frame (a name, a question) is left out."""

    description: str


@dataclass(frozen=True, slots=True)
class Notice:
    """A frame that is well-formed and of no interest."""


@dataclass(frozen=True, slots=True)
class Unknown:
    """A frame that cannot be read, and why; the reason repeats nothing of it."""

    reason: str


Frame = Setup | Prompt | KeyPress | Interrupt | Speaking | LineError | Notice | Unknown


def decode(text: str) -> Frame:
    """Read one text frame. Never raises: what cannot be read is `Unknown`."""
    if len(text) > FRAME_LIMIT:
        return Unknown("longer than a frame may be")
    try:
        frame = json.loads(text)
    except (ValueError, RecursionError):
        return Unknown("not JSON")
    if not isinstance(frame, dict):
        return Unknown("not an object")
    kind = frame.get("type")
    if not isinstance(kind, str) or kind not in _READERS:
        return Unknown("of no known type")
    return _READERS[kind](frame) or Unknown(f"a {kind} frame without what belongs to it")


Fields = Mapping[str, object]


def _setup(frame: Fields) -> Frame | None:
    words = {name: value for name, value in frame.items() if isinstance(value, str)}
    if not words.get("sessionId") or not words.get("callSid"):
        return None
    given = frame.get("customParameters")
    return Setup(
        session_id=words["sessionId"],
        ref=words["callSid"],
        from_number=words.get("from", ""),
        to=words.get("to", ""),
        direction=words.get("direction", ""),
        parameters={n: v for n, v in given.items() if isinstance(v, str)} if isinstance(given, dict) else {},
    )


def _prompt(frame: Fields) -> Frame | None:
    said = frame.get("voicePrompt")
    if not isinstance(said, str):
        return None
    return Prompt(said[:UTTERANCE_LIMIT].strip(), last=frame.get("last", True) is not False)


def _key_press(frame: Fields) -> Frame | None:
    digit = frame.get("digit")
    return KeyPress(digit) if isinstance(digit, str) and len(digit) == 1 and digit in "0123456789*#" else None


def _info(frame: Fields) -> Frame:
    match frame:
        case {"name": "agentSpeaking" | "clientSpeaking" as who, "value": "on" | "off" as value}:
            return Speaking(us=who == "agentSpeaking", on=value == "on")
        case _:
            return Notice()


_READERS: Final[Mapping[str, Callable[[Fields], Frame | None]]] = {
    "setup": _setup,
    "prompt": _prompt,
    "dtmf": _key_press,
    "interrupt": lambda _: Interrupt(),
    "info": _info,
    "error": lambda frame: LineError(str(frame.get("description", "")).partition("{")[0].strip()[:500]),
}


# Frames to the provider


def text_frame(text: str, *, interruptible: bool = True, lang: str | None = None) -> str:
    """Speak this, a whole talk cycle; in another language than the session's with `lang` (BCP 47)."""
    frame = {"type": "text", "token": text, "last": True, "interruptible": interruptible}
    return json.dumps(frame | ({"lang": lang} if lang else {}), ensure_ascii=False)


def language_frame(lang: str) -> str:
    """Speak and listen in another language (BCP 47) from now on."""
    return json.dumps({"type": "language", "ttsLanguage": lang, "transcriptionLanguage": lang})


def end_frame(handoff: Mapping[str, str]) -> str:
    """Give the call back to the provider, which repeats the handoff (a string on the wire) to `<Connect action>`."""
    return json.dumps({"type": "end", "handoffData": json.dumps(dict(handoff))})
