"""Candidates are carried through by one process per role, undisturbed."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from tests.journey.journey import journey
from tests.journey.verdict import judge


async def test_everybody_is_carried_through_by_one_process_per_role(
    database_url: str, amqp_url: str, tmp_path: Path
) -> None:
    async with journey(database_url, amqp_url, tmp_path) as under_test:
        await under_test.begin()
        await under_test.go()
        evidence = await under_test.evidence()
        verdict = judge(evidence)
        assert verdict.is_clean, str(verdict)
        calls = Counter(attempt.candidate_id for attempt in evidence.attempts)
        assert calls == {candidate_id: person.calls for candidate_id, person in evidence.people.items()}
