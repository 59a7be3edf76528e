"""Who may be speaking until when: how the relay knows that a sentence has been played, or that nobody answers."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import assert_never

from klara_daemon.telephony.relay_frames import (
    Frame,
    Interrupt,
    KeyPress,
    LineError,
    Notice,
    Prompt,
    Setup,
    Speaking,
    Unknown,
)


@dataclass(frozen=True, slots=True)
class Timing:
    """How long things take, in seconds. `longest_s` is what is left of the call's longest duration."""

    silence_s: float = 8
    longest_s: float = 900
    farewell_s: float = 30
    character_s: float = 0.075
    voice_starts_s: float = 1
    voice_overruns_s: float = 5
    utterance_s: float = 90
    setup_s: float = 10
    turn_s: float = 15
    send_s: float = 5
    close_s: float = 5

    def speaking_s(self, text: str) -> float:
        """How long it takes to speak this; rather too long, so that nobody is cut off."""
        return self.voice_starts_s + len(text) * self.character_s

    def with_fast_voice(self, *, silence_s: float, character_s: float = 0) -> Timing:
        """For lines on which nobody has to wait for a voice: demo and tests."""
        return replace(self, silence_s=silence_s, character_s=character_s, voice_starts_s=0, voice_overruns_s=silence_s)


class Floor:
    """Who may be speaking until when; all instants in seconds of one monotonic clock. Pure."""

    def __init__(self, timing: Timing, now: float) -> None:
        self._timing = timing
        self._played_at = now
        self._sound_at = now
        self._voice_on = False

    @property
    def played_at(self) -> float:
        """When what we said is played: our estimate, or somewhat later where the provider says that we still speak."""
        return self._played_at + (self._timing.voice_overruns_s if self._voice_on else 0)

    @property
    def silent_at(self) -> float:
        """When it will have been silent for as long as we wait for an answer."""
        return max(self.played_at, self._sound_at) + self._timing.silence_s

    def say(self, text: str, now: float) -> None:
        """We begin to say this, after what we are still saying."""
        self._played_at = max(self._played_at, now) + self._timing.speaking_s(text)

    def wait_again(self, now: float) -> None:
        """The silence was noticed; the next one counts from here."""
        self._sound_at = now

    def take(self, frame: Frame, now: float) -> None:
        """What a frame says about who speaks."""
        match frame:
            case Interrupt():
                self._played_at, self._voice_on, self._sound_at = now, False, now
            case Prompt(last=True) | KeyPress():
                self._sound_at = now
            case Prompt():
                self._sound_at = max(self._sound_at, now)
            case Speaking(us=True, on=on):
                self._voice_on = on
                self._played_at = max(self._played_at, now)
            case Speaking(on=on):
                self._sound_at = now + self._timing.utterance_s if on else now
            case Setup() | LineError() | Notice() | Unknown():
                pass
            case _:
                assert_never(frame)
