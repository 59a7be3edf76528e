"""How long to wait before asking a vendor again."""

from __future__ import annotations

FIRST_S = 5.0
LONGEST_S = 900.0


def back_off_s(tries: int) -> float:
    """Seconds to wait after `tries` earlier failures: 5, 10, 20, ... up to a quarter of an hour."""
    return min(LONGEST_S, FIRST_S * 2.0 ** min(tries, 20))
