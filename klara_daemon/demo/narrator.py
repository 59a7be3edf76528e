"""Tells what happens in the demo, line by line, in words that a recruiter understands."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from textwrap import fill
from typing import Any

from klara_daemon.demo.world import BERLIN, World
from klara_daemon.domain.telling import day_of, tell
from klara_daemon.store import timeline
from klara_daemon.store.timeline import Line

LATE_COMMITS = 200
NARROWEST_LINE, WIDEST_LINE = 80, 110
QUIET_LINES = frozenset({"call_claimed", "call_rang", "dial_postponed", "outreach_opened", "stage_left"})


class Narrator:
    """Prints each new line of everybody's timeline once."""

    def __init__(self, world: World, say: Callable[[str], None]) -> None:
        self._world = world
        self._say = say
        self._told: set[int] = set()
        self._met: set[int] = set()
        self._day = ""
        terminal = shutil.get_terminal_size((WIDEST_LINE, 0)).columns
        self._width = max(NARROWEST_LINE, min(terminal, WIDEST_LINE))
        self._name_width = max(len(person.name) for person in world.candidates.values())

    @property
    def has_met_everybody(self) -> bool:
        """Whether Klara knows of everybody by now; polling finds those whose webhook was lost."""
        return self._met == self._world.candidates.keys()

    async def tell_news(self) -> None:
        """Tell what has happened since the last time. Lines may be committed out of order: look back a little."""
        async with self._world.database.connection() as conn:
            lines = await timeline.after(conn, max(self._told, default=0) - LATE_COMMITS, 1000)
        for line in lines:
            if line.id not in self._told:
                self._told.add(line.id)
                self._met.add(line.candidate_id)
                if line.event not in QUIET_LINES:
                    self._tell(line)

    def _tell(self, line: Line) -> None:
        at = line.at.astimezone(BERLIN)
        if day_of(at) != self._day:
            self._day = day_of(at)
            self._say(f"\n{self._day}")
        name = self._world.candidates[line.candidate_id].name
        lead = f"  {at:%H:%M}  {name:<{self._name_width}}  "
        told = tell(line.event, line.details | self._names(line), BERLIN, line.rule) + self._quote(line)
        self._say(fill(told, self._width, initial_indent=lead, subsequent_indent=" " * len(lead)))

    def _names(self, line: Line) -> dict[str, Any]:
        """The names of stages, which a timeline holds as ids."""
        if line.event != "stage_entered":
            return {}
        move = next(move for move in reversed(self._world.recruitee.moves) if move.candidate_id == line.candidate_id)
        name = self._world.name_of_stage
        return {"stage": name(move.to_stage_id), "from_stage": name(move.from_stage_id)}

    def _quote(self, line: Line) -> str:
        """What the note says of the outcome: its second line."""
        if line.event != "note_written":
            return ""
        _title, outcome, *_rest = self._world.recruitee.notes_of(line.candidate_id)[-1].splitlines()
        return f": “{outcome}”"
