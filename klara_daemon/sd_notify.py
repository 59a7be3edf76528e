"""Tells systemd how the service is: `READY=1`, `WATCHDOG=1`, `STOPPING=1` (man 3 sd_notify)."""

from __future__ import annotations

import os
import socket


def notify(state: str) -> bool:
    """Send a state to the service manager; True once it has it, or where there is none.

    Never waits and never fails: a service does not end because its manager is being restarted.
    """
    address = os.environ.get("NOTIFY_SOCKET", "")
    if not address:
        return True
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as line:
            line.setblocking(False)
            line.sendto(state.encode(), "\0" + address[1:] if address.startswith("@") else address)
    except OSError:
        return False
    return True


def watchdog_s() -> float | None:
    """How often at least systemd wants a sign of life, in seconds; None when it wants none."""
    micros = os.environ.get("WATCHDOG_USEC", "")
    return int(micros) / 1_000_000 if micros.isdigit() and int(micros) > 0 else None
