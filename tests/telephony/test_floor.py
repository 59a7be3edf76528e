"""Who may be speaking until when."""

from __future__ import annotations

import pytest

from klara_daemon.telephony.floor import Floor, Timing
from klara_daemon.telephony.relay_frames import Interrupt, KeyPress, Notice, Prompt, Speaking, Unknown

TIMING = Timing(silence_s=8, character_s=0.1, voice_starts_s=1, voice_overruns_s=5, utterance_s=60)
TEN = "x" * 10  # two seconds to speak


@pytest.fixture
def floor() -> Floor:
    return Floor(TIMING, now=100)


def test_silence_counts_from_the_beginning_when_nothing_is_said(floor: Floor) -> None:
    assert floor.silent_at == 108


def test_silence_counts_from_when_what_was_said_has_been_played(floor: Floor) -> None:
    floor.say(TEN, now=100)
    assert (floor.played_at, floor.silent_at) == (102, 110)


def test_sentences_are_played_one_after_another(floor: Floor) -> None:
    floor.say(TEN, now=100)
    floor.say(TEN, now=101)
    floor.say(TEN, now=150)
    assert floor.played_at == 152


def test_an_interruption_ends_what_was_being_said(floor: Floor) -> None:
    floor.say(TEN * 10, now=100)
    floor.take(Speaking(us=True, on=True), now=100)
    floor.take(Interrupt(), now=103)
    assert (floor.played_at, floor.silent_at) == (103, 111)


def test_the_provider_may_say_that_we_still_speak(floor: Floor) -> None:
    floor.say(TEN, now=100)
    floor.take(Speaking(us=True, on=True), now=100.5)
    assert floor.played_at == 107
    floor.take(Speaking(us=True, on=False), now=104)
    assert floor.played_at == 104


def test_the_provider_falling_quiet_early_does_not_cut_off_a_second_sentence(floor: Floor) -> None:
    floor.say(TEN, now=100)
    floor.say(TEN, now=100)
    floor.take(Speaking(us=True, on=True), now=100)
    floor.take(Speaking(us=True, on=False), now=101)
    assert floor.played_at == 104


def test_a_long_answer_is_no_silence(floor: Floor) -> None:
    floor.take(Speaking(us=False, on=True), now=101)
    assert floor.silent_at == 169
    floor.take(Prompt("Also ich habe", last=False), now=107)
    assert floor.silent_at == 169
    floor.take(Speaking(us=False, on=False), now=130)
    assert floor.silent_at == 138
    floor.take(Prompt("Also ich habe sieben Jahre", last=True), now=132)
    assert floor.silent_at == 140


def test_partial_prompts_alone_are_signs_of_life(floor: Floor) -> None:
    floor.take(Prompt("Also", last=False), now=105)
    assert floor.silent_at == 113


def test_a_finished_answer_ends_the_speaking_whose_end_was_never_told(floor: Floor) -> None:
    floor.take(Speaking(us=False, on=True), now=101)
    floor.take(Prompt("Ja.", last=True), now=103)
    assert floor.silent_at == 111


def test_a_key_is_a_sign_of_life(floor: Floor) -> None:
    floor.take(KeyPress("1"), now=104)
    assert floor.silent_at == 112


@pytest.mark.parametrize("frame", [Notice(), Unknown("x")])
def test_other_frames_do_not_hold_up_the_silence(floor: Floor, frame: Notice | Unknown) -> None:
    floor.take(frame, now=104)
    assert floor.silent_at == 108


def test_the_next_silence_counts_anew(floor: Floor) -> None:
    floor.wait_again(now=108)
    assert floor.silent_at == 116


def test_a_fast_voice_takes_no_time() -> None:
    assert Timing().with_fast_voice(silence_s=1).speaking_s("x" * 500) == 0
