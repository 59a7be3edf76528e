"""Installs Debian's `rabbitmq-server` where nothing else is to be had, without letting it start a node of its own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.servers.interfaces import Unavailable

_POLICY = Path("/usr/sbin/policy-rc.d")
_INSTALL_WITHIN_S = 900.0


def may_install() -> bool:
    """Whether this is Debian or one of its children, and we are root."""
    return os.geteuid() == 0 and Path("/etc/debian_version").exists() and shutil.which("apt-get") is not None


def install_rabbitmq(*, policy: Path = _POLICY) -> None:
    """Install the package. `Unavailable` with apt-get's last line when that fails.

    `policy` is the script that Debian asks before it starts a service.
    """
    with _no_service_starts(policy):
        _apt_get("update")
        _apt_get("install", "--yes", "--no-install-recommends", "rabbitmq-server")


@contextmanager
def _no_service_starts(policy: Path) -> Iterator[None]:
    if policy.exists():  # somebody else's has its say, and stays
        yield
        return
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    try:
        yield
    finally:
        policy.unlink()


def _apt_get(*arguments: str) -> None:
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C.UTF-8"}
    try:
        done = subprocess.run(
            ["apt-get", "-qq", *arguments],
            check=False,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            timeout=_INSTALL_WITHIN_S,
        )
    except subprocess.TimeoutExpired:
        raise Unavailable(f"apt-get {arguments[0]} was not done after {_INSTALL_WITHIN_S:.0f} s") from None
    if done.returncode:
        raise Unavailable(f"apt-get {arguments[0]} failed: {(done.stdout.strip() or 'silently').splitlines()[-1]}")
