"""`klara-daemon company` and `secrets`: tokens are checked, everything is stored encrypted, nothing is shown."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import asyncpg
import pytest

from klara_daemon.demo.recruitee import SmallRecruitee
from klara_daemon.store import companies
from klara_daemon.store.companies import CompanySecrets
from klara_daemon.vault import Vault, new_key
from tests.commands.command_line import give

COMPANY = 89564
TOKEN = "t0ken-of-89564"
SECRET = "s3cret-of-the-webhook"
KEY, OLD_KEY = new_key(), new_key()


@pytest.fixture
async def recruitee() -> AsyncIterator[SmallRecruitee]:
    small = SmallRecruitee(lambda: datetime(2026, 11, 23, 8, 0, tzinfo=UTC))
    small.add_company(COMPANY, "Example GmbH", TOKEN)
    small.add_company(7, "Another GmbH", "token-of-7")
    await small.start()
    yield small
    await small.stop()


@pytest.fixture
def environment(database_url: str, recruitee: SmallRecruitee) -> dict[str, str]:
    return {"KLARA_DATABASE_URL": database_url, "KLARA_SECRET_KEYS": KEY, "KLARA_RECRUITEE_API_URL": recruitee.url}


async def stored(database_url: str, company_id: int = COMPANY, *keys: str) -> CompanySecrets:
    conn = await asyncpg.connect(database_url)
    found = await companies.secrets(conn, Vault(keys or [KEY]), company_id)
    await conn.close()
    return found


async def test_a_token_that_recruitee_takes_is_stored(
    environment: dict[str, str], database_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "token"
    file.write_text(f"  {TOKEN}\r\n", "utf-8")

    ended = await give("company", "add", "--company", str(COMPANY), "--token-file", str(file), environment=environment)

    assert ended.status == 0, ended.told
    assert "Stored the token of company 89564" in ended.printed
    assert TOKEN not in ended.printed + ended.told
    assert (await stored(database_url)).token == TOKEN


async def test_a_token_may_come_from_standard_input(environment: dict[str, str], database_url: str) -> None:
    words = ("company", "add", "--company", str(COMPANY), "--token-file", "-")

    assert (await give(*words, environment=environment, typed=TOKEN + "\n")).status == 0
    assert (await stored(database_url)).token == TOKEN


@pytest.mark.parametrize(
    ("company", "token"), [(str(COMPANY), "wrong-token"), ("7", TOKEN), (str(COMPANY), "token-of-7"), ("12", TOKEN)]
)
async def test_a_token_that_recruitee_refuses_is_not_stored(
    environment: dict[str, str], database_url: str, company: str, token: str
) -> None:
    ended = await give(
        "company", "add", "--company", company, "--token-file", "-", environment=environment, typed=token
    )

    assert ended.status == 2
    assert f"Recruitee does not take this token for company {company}" in ended.told
    assert "The token was not stored." in ended.told
    assert token not in ended.told
    assert (await stored(database_url, int(company))).token is None


async def test_when_recruitee_is_away_the_token_is_not_stored(environment: dict[str, str], database_url: str) -> None:
    away = environment | {"KLARA_RECRUITEE_API_URL": "http://127.0.0.1:1"}

    ended = await give("company", "add", "--company", str(COMPANY), "--token-file", "-", environment=away, typed=TOKEN)

    assert ended.status == 1
    assert "Recruitee did not say whether the token is good" in ended.told
    assert (await stored(database_url)).token is None


@pytest.mark.parametrize("typed", [b"", b" \n", b"two words", b"two\nlines", b"t\xf6ken", b"\0", b"x" * 5000])
async def test_what_can_be_no_token_is_refused_before_anything_is_asked(
    environment: dict[str, str], recruitee: SmallRecruitee, typed: bytes
) -> None:
    ended = await give(
        "company", "add", "--company", str(COMPANY), "--token-file", "-", environment=environment, typed=typed
    )

    assert ended.status == 2
    assert "The file does not hold a token" in ended.told
    assert recruitee.asked == []


@pytest.mark.parametrize("keys", ["", "not-a-key"])
async def test_without_a_key_nothing_is_asked_or_stored(
    environment: dict[str, str], recruitee: SmallRecruitee, keys: str
) -> None:
    ended = await give(
        "company",
        "add",
        "--company",
        str(COMPANY),
        "--token-file",
        "-",
        environment=environment | {"KLARA_SECRET_KEYS": keys},
        typed=TOKEN,
    )

    assert ended.status not in (0, None)
    assert "KLARA_SECRET_KEYS" in ended.told
    assert "not-a-key" not in ended.told
    assert recruitee.asked == []


async def test_the_webhook_secret_is_stored_in_either_order(environment: dict[str, str], database_url: str) -> None:
    secret = ("company", "secret", "--company", str(COMPANY), "--secret-file", "-")
    add = ("company", "add", "--company", str(COMPANY), "--token-file", "-")

    first = await give(*secret, environment=environment, typed=SECRET)
    await give(*add, environment=environment, typed=TOKEN)
    again = await give(*secret, environment=environment, typed=f"new-{SECRET}\n")

    found = await stored(database_url)
    assert (first.status, again.status) == (0, 0)
    assert SECRET not in first.printed + first.told + again.printed + again.told
    assert (found.token, found.webhook_secret) == (TOKEN, f"new-{SECRET}")


@pytest.mark.parametrize("company", ["0", "-1", "acme", "1000000000000"])
async def test_what_is_no_company_id_is_refused(environment: dict[str, str], company: str) -> None:
    ended = await give(
        "company", "secret", "--company", company, "--secret-file", "-", environment=environment, typed=SECRET
    )

    assert ended.status == 2


async def test_keys_are_changed_by_adding_one_in_front_and_rotating(
    environment: dict[str, str], database_url: str
) -> None:
    add = ("company", "add", "--company", str(COMPANY), "--token-file", "-")
    await give(*add, environment=environment | {"KLARA_SECRET_KEYS": OLD_KEY}, typed=TOKEN)
    fresh = (await give("secrets", "new-key", environment={})).printed.strip()

    both = environment | {"KLARA_SECRET_KEYS": f"{fresh},{OLD_KEY}"}
    rotated = await give("secrets", "rotate", environment=both)

    assert rotated.status == 0
    assert "Encrypted 1 secret " in rotated.printed
    assert (await stored(database_url, COMPANY, fresh)).token == TOKEN


async def test_rotating_without_the_old_key_says_so_and_changes_nothing(
    environment: dict[str, str], database_url: str
) -> None:
    add = ("company", "add", "--company", str(COMPANY), "--token-file", "-")
    await give(*add, environment=environment | {"KLARA_SECRET_KEYS": OLD_KEY}, typed=TOKEN)

    ended = await give("secrets", "rotate", environment=environment)

    assert ended.status == 1
    assert "recruitee_token of row 89564" in ended.told
    assert OLD_KEY not in ended.told
    assert (await stored(database_url, COMPANY, OLD_KEY)).token == TOKEN


async def test_every_new_key_is_another() -> None:
    keys = {(await give("secrets", "new-key", environment={})).printed for _ in range(3)}

    assert len(keys) == 3
    assert all(Vault([key.strip()]) for key in keys)
