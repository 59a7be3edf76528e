"""Telephone numbers: from what somebody typed to E.164, where they may be, and how they are shown."""

from __future__ import annotations

from functools import lru_cache

import phonenumbers
from phonenumbers import timezone

from klara_daemon.domain.local_time import is_known_zone


@lru_cache(maxsize=16384)
def time_zones(e164: str) -> tuple[str, ...]:
    """The zones in which a number may be, as `phonenumbers` knows them; empty where it does not."""
    try:
        number = phonenumbers.parse(e164)
    except phonenumbers.NumberParseException:
        return ()
    return tuple(zone for zone in timezone.time_zones_for_number(number) if is_known_zone(zone))
