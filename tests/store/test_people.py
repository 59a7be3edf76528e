"""A person is found by each of their numbers, however a recruiter has typed it."""

from __future__ import annotations

import pytest

from klara_daemon.store import people
from tests.actors.scene import COMPANY, Scene

MOBILE = "+4915112345678"


async def known(scene: Scene, candidate_id: int, *phones: str, company_id: int = COMPANY) -> None:
    await scene.execute(
        "INSERT INTO candidates (company_id, candidate_id, name, phones) VALUES ($1, $2, 'E', $3)",
        company_id,
        candidate_id,
        list(phones),
    )


async def found(scene: Scene, *numbers: str, country: str = "DE") -> list[int]:
    async with scene.database.connection() as conn:
        return await people.candidates_with(conn, COMPANY, numbers, country)


@pytest.mark.parametrize(
    "text",
    [
        "+4915112345678", "0151 12345678", "(0151) 123-45678", "0151 - 123 456 78", "4915112345678", "15112345678",
        "0151.1234.5678", "0151 12345678 ext. 12", "01511\u00a02345678", "٠١٥١١٢٣٤٥٦٧٨",
        "００４９１５１１２３４５６７８", "ab 18 Uhr 0151 12345678", "0151 12345678 (Büro)",
        "0521 12345, 0151 12345678",
    ],
)  # fmt: skip
async def test_a_number_is_recognised_however_it_was_typed(scene: Scene, text: str) -> None:
    await known(scene, 1, "n/a", text)
    assert await found(scene, MOBILE) == [1]
    async with scene.database.connection() as conn:
        assert MOBILE in await people.numbers_of(conn, COMPANY, 1, "DE")


@pytest.mark.parametrize("text", ["0152 12345678", "0151 1234567", "+43 151 12345678", "345678", "", "keine"])
async def test_another_number_is_another_person(scene: Scene, text: str) -> None:
    await known(scene, 1, text)
    assert await found(scene, MOBILE) == []


async def test_all_who_have_any_of_the_numbers_are_found_in_this_company_alone(scene: Scene) -> None:
    await known(scene, 1, "0151 12345678")
    await known(scene, 2, "0521 12345", "+49 151 12345678")
    await known(scene, 3, "0521 12345")
    await known(scene, 4)
    await known(scene, 5, "0151 12345678", company_id=7)

    assert await found(scene, MOBILE) == [1, 2]
    assert await found(scene, MOBILE, "+4952112345") == [1, 2, 3]
    assert await found(scene) == []


async def test_national_numbers_are_those_of_the_country(scene: Scene) -> None:
    await known(scene, 1, "0664 1234567")
    assert await found(scene, "+436641234567", country="AT") == [1]
    assert await found(scene, "+436641234567", country="DE") == []


async def test_of_somebody_who_was_never_read_no_number_is_known(scene: Scene) -> None:
    async with scene.database.connection() as conn:
        assert await people.numbers_of(conn, COMPANY, 1, "DE") == ()
