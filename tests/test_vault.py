"""The vault: what is sealed opens in its own place only, with any of the keys, and is shown by nothing."""

from __future__ import annotations

import json

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.vault import BadKeys, CannotOpen, Vault, new_key

OLD, NEW, FOREIGN = new_key(), new_key(), new_key()
SECRET = "recruitee-token-äöü"


def sealed_by(*keys: str) -> str:
    return Vault(keys).seal(SECRET, table="company_secrets", column="recruitee_token", row=1)


def opened_by(
    sealed: str, *keys: str, table: str = "company_secrets", column: str = "recruitee_token", row: int = 1
) -> str:
    return Vault(keys).open(sealed, table=table, column=column, row=row)


def test_what_is_sealed_opens_in_its_place_and_is_not_readable() -> None:
    sealed = sealed_by(NEW)

    assert SECRET not in sealed
    assert opened_by(sealed, NEW) == SECRET


@given(st.text())
def test_any_text_comes_back(plain: str) -> None:
    vault = Vault([NEW])

    assert vault.open(vault.seal(plain, table="t", column="c", row=1), table="t", column="c", row=1) == plain


@pytest.mark.parametrize("place", [{"table": "companies"}, {"column": "webhook_secret"}, {"row": 2}])
def test_what_is_copied_elsewhere_does_not_open(place: dict[str, object]) -> None:
    sealed = sealed_by(NEW)

    with pytest.raises(CannotOpen, match="cannot be opened") as refused:
        opened_by(sealed, NEW, **place)  # type: ignore[arg-type]

    assert "sealed for another place" in refused.value.render()


@pytest.mark.parametrize(
    "content", [b"plain", b'"text"', b"[]", json.dumps(["company_secrets", "recruitee_token", 1]).encode()]
)
def test_what_the_key_opens_but_the_vault_never_sealed_is_refused(content: bytes) -> None:
    with pytest.raises(CannotOpen):
        opened_by(Fernet(NEW).encrypt(content).decode(), NEW)


@pytest.mark.parametrize("sealed", ["", "gAAAA", "ungültig", sealed_by(NEW)[:-4], sealed_by(NEW).swapcase()])
def test_what_was_altered_does_not_open(sealed: str) -> None:
    with pytest.raises(CannotOpen):
        opened_by(sealed, NEW)


def test_every_key_opens_and_the_first_seals() -> None:
    assert opened_by(sealed_by(OLD), NEW, OLD) == SECRET
    assert opened_by(sealed_by(NEW, OLD), NEW) == SECRET


def test_without_its_key_nothing_opens_and_no_secret_is_told() -> None:
    with pytest.raises(CannotOpen) as refused:
        opened_by(sealed_by(OLD), NEW, FOREIGN)

    told = refused.value.render()
    assert "recruitee_token of row 1 in company_secrets" in told
    assert "KLARA_SECRET_KEYS" in told
    assert not any(secret in told for secret in (SECRET, OLD, NEW, FOREIGN))
    assert refused.value.__cause__ is None


def test_rotation_makes_the_old_key_needless() -> None:
    place = {"table": "company_secrets", "column": "recruitee_token"}

    rotated = Vault([NEW, OLD]).rotate(sealed_by(OLD), **place, row=1)

    assert opened_by(rotated, NEW) == SECRET


def test_rotation_does_not_carry_a_secret_to_another_row() -> None:
    with pytest.raises(CannotOpen):
        Vault([NEW, OLD]).rotate(sealed_by(OLD), table="company_secrets", column="recruitee_token", row=2)


@pytest.mark.parametrize("keys", [[], [""], ["too short"], [NEW, "not a key"]])
def test_keys_that_are_none_are_refused_without_showing_them(keys: list[str]) -> None:
    with pytest.raises(BadKeys) as refused:
        Vault(keys)

    assert "secrets new-key" in refused.value.render()
    assert not any(key in refused.value.render() for key in keys if key)


def test_no_key_is_in_what_a_vault_shows() -> None:
    assert repr(Vault([OLD, NEW])) == "Vault(...)"
    assert OLD not in f"{Vault([OLD])!s}"
