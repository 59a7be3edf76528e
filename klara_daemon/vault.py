"""Secrets at rest: encrypted with the first of several keys, opened with any, and bound to the place they belong to."""

from __future__ import annotations

import json
from collections.abc import Sequence

from cryptography.fernet import Fernet, InvalidToken, MultiFernet

from klara_daemon.errors import KlaraError


class BadKeys(KlaraError):
    """There is no key, or one that is none."""

    exit_status = 78


class CannotOpen(KlaraError):
    """A sealed secret cannot be read here: its key is missing, it was altered, or it was moved from another row."""


def new_key() -> str:
    """A fresh random key for `KLARA_SECRET_KEYS`."""
    return Fernet.generate_key().decode()


class Vault:
    """Seals texts and opens them again. Nothing of a key or a secret is in its representation or its errors.

    Fernet authenticates what is encrypted but knows no place, so table, column and row are encrypted along with the
    text and compared on opening: a secret that is copied to another company opens for nobody.
    """

    def __init__(self, keys: Sequence[str]) -> None:
        try:
            self._fernet = MultiFernet([Fernet(key) for key in keys])
        except ValueError:
            raise BadKeys(
                "KLARA_SECRET_KEYS holds no usable key.",
                means="Secrets can neither be stored nor read.",
                remedy="Set it to one or more keys, separated by commas; `klara-daemon secrets new-key` makes one.",
            ) from None

    def __repr__(self) -> str:
        return "Vault(...)"

    def seal(self, plain: str, *, table: str, column: str, row: int) -> str:
        """Encrypt a text for this place, with the first key."""
        return self._fernet.encrypt(json.dumps([table, column, row, plain]).encode()).decode()

    def open(self, sealed: str, *, table: str, column: str, row: int) -> str:
        """Decrypt what was sealed for this place. Raises `CannotOpen`."""
        try:
            bound = json.loads(self._fernet.decrypt(sealed.encode()))
        except (InvalidToken, ValueError):
            raise self._cannot_open(
                table, column, row, "It was sealed with a key that is not in KLARA_SECRET_KEYS, or was altered since."
            ) from None
        match bound:
            case [*place, str(plain)] if place == [table, column, row]:
                return plain
            case _:
                raise self._cannot_open(table, column, row, "It was sealed for another place and copied here.")

    def rotate(self, sealed: str, *, table: str, column: str, row: int) -> str:
        """Seal it anew, with the first key. Raises `CannotOpen`."""
        return self.seal(self.open(sealed, table=table, column=column, row=row), table=table, column=column, row=row)

    @staticmethod
    def _cannot_open(table: str, column: str, row: int, means: str) -> CannotOpen:
        return CannotOpen(
            f"The secret {column} of row {row} in {table} cannot be opened.",
            means=means,
            remedy="Put the key that sealed it back into KLARA_SECRET_KEYS, or store the secret again"
            " (`klara-daemon company add`, `klara-daemon company secret`).",
        )
