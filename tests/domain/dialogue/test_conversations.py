"""Whole conversations, as they are written down in `conversations/`."""

from __future__ import annotations

import re
from itertools import zip_longest

import pytest

from klara_daemon.domain.dialogue.machine import begin, came_to, from_json, step, to_json
from klara_daemon.domain.dialogue.turns import Connected
from tests.domain.dialogue.calls import HANGS_UP, Conversation, conversations, heard, written

WRITTEN = [*conversations("de"), *conversations("en")]


@pytest.mark.parametrize("conversation", WRITTEN, ids=lambda one: f"{one.language}: {one.title}")
def test_a_conversation_goes_as_it_is_written(conversation: Conversation) -> None:
    played = _played(conversation)
    assert _abridged(played, conversation.lines) == conversation.lines
    assert played[-1][1].startswith(("end: ", "came to: ")), "a conversation is written to its end"


def _played(conversation: Conversation) -> list[tuple[str, str]]:
    script = conversation.script
    state, actions = step(script, begin(script), Connected())
    played = [written(action) for action in actions]
    for what in (what for who, what in conversation.lines if who == "C"):
        played.append(("C", what))
        if what == HANGS_UP:
            return [*played, ("=", f"came to: {came_to(state)}")]
        state, actions = step(script, from_json(to_json(state)), heard(what))
        played += map(written, actions)
    return played


def _abridged(played: list[tuple[str, str]], lines: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """What was played, with … where the written line has it and the rest is the same."""
    pairs = zip_longest(played, lines)
    return [line if line and said and _is(said, line) else said for said, line in pairs if said]


def _is(said: tuple[str, str], line: tuple[str, str]) -> bool:
    pattern = ".*".join(re.escape(part) for part in line[1].split("…"))
    return said[0] == line[0] and re.fullmatch(pattern, said[1]) is not None
