"""A small Recruitee with one offer, and a client that waits for nothing longer than it must."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime

import aiohttp
import pytest
import stamina
from hypothesis import settings

from klara_daemon.demo.recruitee import SmallRecruitee
from klara_daemon.recruitee.client import Limits, RecruiteeClient
from klara_daemon.recruitee.protocol import Access

settings.register_profile("unhurried", deadline=None)  # the machine may be busy with other things
settings.load_profile("unhurried")

COMPANY, OFFER = 89564, 1181300
APPLIED, CALL, INTERVIEW, HIRED = 8063175, 8063176, 8063177, 8063179
STAGES = [
    (APPLIED, "Applied", "apply"),
    (CALL, "Qualification Call", "phone_screen"),
    (INTERVIEW, "Interview", "interview"),
    (HIRED, "Hired", "hire"),
]
ACCESS = Access(COMPANY, "token-of-89564")
PATIENCE = Limits(deadline_s=0.5, connect_s=0.5, first_wait_s=0.001, per_second=1000.0, burst=1000)


@pytest.fixture(autouse=True)
def _quiet_retries() -> None:
    stamina.instrumentation.set_on_retry_hooks([])


@pytest.fixture
async def small() -> AsyncIterator[SmallRecruitee]:
    recruitee = SmallRecruitee(lambda: datetime(2026, 10, 20, 9, 12, 33, 46300, tzinfo=UTC))
    recruitee.add_company(COMPANY, "Example GmbH", ACCESS.token)
    recruitee.add_offer(COMPANY, OFFER, "Pflegefachkraft (m/w/d)", STAGES)
    await recruitee.start()
    yield recruitee
    await recruitee.stop()


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def client(small: SmallRecruitee, session: aiohttp.ClientSession) -> RecruiteeClient:
    return RecruiteeClient(session, small.url, PATIENCE)
