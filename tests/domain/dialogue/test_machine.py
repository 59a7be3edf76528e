"""What holds for every conversation, whatever is heard in it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.domain.dialogue.machine import MOST_STALLED, StateUnreadable, begin, came_to, from_json, step, to_json
from klara_daemon.domain.dialogue.turns import (
    Action,
    Connected,
    End,
    Heard,
    KeepAnswer,
    Key,
    OptOut,
    Phase,
    Question,
    QuestionKind,
    Say,
    Script,
    Silence,
    Speech,
    State,
    TimeUp,
)
from klara_daemon.domain.dispositions import Disposition
from tests.domain.dialogue.calls import usual_call
from tests.domain.dialogue.test_understanding import ROWS

SECRET_JOB = "Zitronenfalter"
ASKED = {"question", "question_first", "question_next", "question_last"}
SAID_OFTEN = [
    "Ja",
    "Nein",
    "yes",
    "no",
    "7",
    "drei Jahre",
    "Wie bitte?",
    "Moment",
    "weiter",
    "Moment, ich hole sie",
    "",
]

utterances = st.one_of(st.sampled_from(SAID_OFTEN), st.sampled_from([row.utterance for row in ROWS]), st.text())
heards: st.SearchStrategy[Heard] = st.one_of(
    utterances.map(Speech),
    utterances.map(Speech),
    st.sampled_from("0123456789*#A").map(Key),
    st.just(Silence()),
    st.just(Connected()),
)
keys = st.sampled_from([f"q{nth}" for nth in range(8)])
questions = st.lists(
    st.builds(
        Question,
        key=keys,
        text=st.text(max_size=20).map(lambda text: f"Frage {text}"),
        kind=st.sampled_from(QuestionKind),
        required=st.booleans(),
    ),
    max_size=5,
    unique_by=lambda question: question.key,
)
scripts = st.builds(
    Script,
    language=st.sampled_from(["de", "en", "de-AT", "xx"]),
    company=st.just("Beispiel GmbH"),
    candidate=st.one_of(st.text(max_size=20), st.sampled_from(["Anna Weber", "Ng", "O'Brien", "Łukasz", "", "<b>"])),
    job=st.just(SECRET_JOB),
    questions=questions.map(tuple),
    answered=st.frozensets(keys, max_size=3),
)
calls = st.lists(heards, max_size=40).map(lambda heard: [Connected(), *heard])


Turn = tuple[State, Heard, State, tuple[Action, ...]]


def _turns(script: Script, call: Iterable[Heard]) -> list[Turn]:
    state, turns = begin(script), list[Turn]()
    for heard in call:
        after, actions = step(script, state, heard)
        turns.append((state, heard, after, actions))
        state = after
    return turns


def _actions(turns: list[Turn]) -> Iterator[Action]:
    return (action for *_, actions in turns for action in actions)


def _said(turns: list[Turn]) -> list[Say]:
    return [action for action in _actions(turns) if isinstance(action, Say)]


@given(scripts, calls)
def test_a_conversation_ends_at_most_once_and_nothing_follows(script: Script, call: list[Heard]) -> None:
    turns = _turns(script, call)
    actions, last = list(_actions(turns)), turns[-1][2]
    ends = [action for action in actions if isinstance(action, End)]
    assert len(ends) <= 1
    assert not ends or actions[-1] is ends[0]
    assert last.disposition == (ends[0].disposition if ends else None)
    assert not ends or came_to(last) is ends[0].disposition


@given(scripts, calls)
def test_a_call_in_which_something_was_said_has_come_to_something(script: Script, call: list[Heard]) -> None:
    assert all(came_to(after) is not None for _, _, after, _ in _turns(script, call))


@given(scripts, calls)
def test_the_job_is_not_named_before_the_person_has_confirmed(script: Script, call: list[Heard]) -> None:
    for before, _, after, actions in _turns(script, call):
        if not after.person_confirmed:
            assert not any(SECRET_JOB in action.text for action in actions if isinstance(action, Say))
            assert not any(isinstance(action, KeepAnswer) for action in actions)
        assert after.person_confirmed or not before.person_confirmed, "who has confirmed has confirmed"


@given(scripts, st.lists(heards, min_size=1, max_size=6))
def test_what_goes_round_in_circles_ends(script: Script, circle: list[Heard]) -> None:
    typed_digits = 10
    bound = (len(script.questions) + 3) * (MOST_STALLED + typed_digits)
    turns = _turns(script, [Connected(), *islice(cycle(circle), bound)])
    assert turns[-1][2].disposition is not None


@given(scripts, calls)
def test_each_question_is_answered_once_and_not_asked_again(script: Script, call: list[Heard]) -> None:
    settled = set(script.answered)
    for _, _, after, actions in _turns(script, call):
        for action in actions:
            if isinstance(action, KeepAnswer):
                assert action.key in {question.key for question in script.questions} - settled
                settled.add(action.key)
            elif isinstance(action, Say) and _key(action) in ASKED:
                left = [question.key for question in script.questions if question.key not in settled]
                assert after.question == left[0], "the questions are asked in order"
        assert {*script.answered, *after.answered} == settled


@given(scripts, calls)
def test_interviewed_is_who_answered_all_required_questions(script: Script, call: list[Heard]) -> None:
    last = _turns(script, call)[-1][2]
    required = {question.key for question in script.questions if question.required}
    settled = {*script.answered, *last.answered}
    if came_to(last) is Disposition.INTERVIEWED:
        assert last.person_confirmed
        assert required <= settled
    if came_to(last) is Disposition.PARTLY_INTERVIEWED:
        assert last.answered
        assert not required <= settled


@given(scripts, st.lists(st.one_of(heards, st.just(TimeUp())), max_size=20))
def test_a_stored_state_goes_on_in_the_same_way(script: Script, call: list[Heard]) -> None:
    for before, heard, after, actions in _turns(script, call):
        stored = to_json(before)
        assert from_json(stored) == before
        assert step(script, from_json(stored), heard) == (after, actions)
        assert len(stored) < 600


@given(scripts, calls)
def test_all_that_is_said_can_be_spoken(script: Script, call: list[Heard]) -> None:
    for action in _said(_turns(script, call)):
        assert action.text == " ".join(action.text.split()) != ""
        assert action.text.replace("\u200c", "").replace("\u200d", "").isprintable()
        assert not set("<>") & set(action.text)
        assert action.interruptible is ("opening" not in _key(action))


@given(scripts, st.lists(st.one_of(heards, st.just(TimeUp())), min_size=1, max_size=10))
def test_the_first_thing_said_is_the_first_sentence(script: Script, call: list[Heard]) -> None:
    said = _said(_turns(script, call))
    assert said
    assert _key(said[0]).startswith("opening") or call[0] == TimeUp()
    assert "Beispiel GmbH" in said[0].text or call[0] == TimeUp()


@given(st.text(), st.sampled_from(["de", "en"]))
def test_an_answer_is_kept_as_it_was_heard_fit_to_be_stored(text: str, language: str) -> None:
    state = State(phase=Phase.ASKING, question="start", person_confirmed=True, answered=("experience", "licence"))
    _, actions = step(usual_call(language), state, Speech(f"Montag {text}" * 50))
    for action in actions:
        if isinstance(action, KeepAnswer):
            assert action.heard.startswith("Montag")
            assert len(action.heard) <= 2_000
            assert "\x00" not in action.heard
            assert action.heard.encode()


@pytest.mark.parametrize(
    "text", ["x" * 10**6, "ja " * 10**5, "\ud800", "\x00", "\u202eja", "{name}", "{", "%s", "💥" * 5000]
)
@pytest.mark.parametrize("phase", Phase)
def test_odd_speech_never_fails(text: str, phase: Phase) -> None:
    state = State(phase=phase, question="start", person_confirmed=phase in {Phase.GOOD_TIME, Phase.ASKING})
    after, actions = step(usual_call("de"), state, Speech(text))
    assert actions
    assert from_json(to_json(after)) == after


def test_a_call_with_a_hundred_questions_comes_to_its_end() -> None:
    script = replace(usual_call("de"), questions=tuple(Question(f"q{nth}", f"Frage {nth}?") for nth in range(100)))
    turns = _turns(script, [Connected(), Speech("Ja"), Speech("Ja"), *[Speech("Das ist so")] * 100])
    kept = [action.key for action in _actions(turns) if isinstance(action, KeepAnswer)]
    assert kept == [f"q{nth}" for nth in range(100)]
    assert turns[-1][2].disposition is Disposition.INTERVIEWED


def test_opting_out_comes_before_all_else_that_is_done() -> None:
    *_, (_, _, _, actions) = _turns(usual_call("en"), [Connected(), Key("9")])
    assert [type(action) for action in actions] == [OptOut, Say, End]


def test_a_nine_typed_as_a_number_is_a_number() -> None:
    *_, (_, _, _, actions) = _turns(usual_call("en"), [Connected(), Key("1"), Key("1"), Key("9"), Silence()])
    assert actions[0] == KeepAnswer("experience", "9", "9")


def test_before_the_first_sentence_the_conversation_has_come_to_nothing() -> None:
    assert came_to(begin(usual_call("de"))) is None


def test_a_question_that_has_gone_from_the_script_is_not_waited_for() -> None:
    state = State(phase=Phase.ASKING, question="gone", person_confirmed=True, person_spoke=True)
    _, actions = step(usual_call("de"), state, Speech("sieben"))
    assert actions[0] == KeepAnswer("experience", "sieben", "7")


def test_a_call_without_open_questions_says_thank_you() -> None:
    script = usual_call("de", answered="experience licence start")
    *_, (_, _, after, actions) = _turns(script, [Connected(), Speech("Ja")])
    assert [type(action) for action in actions] == [Say, End]
    assert after.disposition is Disposition.INTERVIEWED
    asking = State(phase=Phase.ASKING, question="gone", person_confirmed=True)
    assert step(script, asking, Speech("sieben"))[0].disposition is Disposition.INTERVIEWED


def test_unknown_fields_of_a_stored_state_are_left_out() -> None:
    stored = {**json.loads(to_json(begin(usual_call("de")))), "mood": "sunny"}
    assert from_json(json.dumps(stored)) == begin(usual_call("de"))


@pytest.mark.parametrize(
    ("stored", "says"),
    [
        ('{"version": 2}', "of version 2: this program reads version 1"),
        ("{}", "of version None"),
        ("[]", "of version None"),
        ("null", "of version None"),
        ("", "cannot be read"),
        ('{"version": 1, "phase": "dancing"}', "cannot be read"),
        ("[" * 100_000, "cannot be read"),
    ],
)
def test_a_state_that_cannot_be_gone_on_from_is_refused_clearly(stored: str, says: str) -> None:
    with pytest.raises(StateUnreadable, match=says):
        from_json(stored)


def _key(said: Say) -> str:
    return said.wording.split("/")[1].split("@")[0]
