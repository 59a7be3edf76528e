"""Candidates are carried through by separate processes, undisturbed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from klara_daemon.flow import Role
from tests.journey.candidates import FIRST_QUESTION, HANGS_UP_HALF_WAY
from tests.journey.journey import journey
from tests.journey.verdict import judge


@pytest.mark.parametrize("times", [1, 2])
async def test_everybody_is_carried_through_by_processes_of_one_role_each(
    times: int, database_url: str, amqp_url: str, tmp_path: Path
) -> None:
    async with journey(
        database_url, amqp_url, tmp_path, *([role] for role in Role for _ in range(times))
    ) as under_test:
        await under_test.begin()
        await under_test.go()
        evidence = await under_test.evidence()
        verdict = judge(evidence)
        assert verdict.is_clean, str(verdict)
        calls = Counter(attempt.candidate_id for attempt in evidence.attempts)
        assert calls == {candidate_id: person.calls for candidate_id, person in evidence.people.items()}
        first, second = under_test.town.telephone.calls_to(HANGS_UP_HALF_WAY.number)
        assert FIRST_QUESTION in str(first.said("klara"))
        assert FIRST_QUESTION not in str(second.said("klara")), "it was answered, and must not be asked again"
