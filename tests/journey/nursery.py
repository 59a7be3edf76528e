"""What a journey's processes are forked from: it has read the code and made ready what takes long, and nothing else."""

from __future__ import annotations

from klara_daemon.domain.dialogue.understanding import make_ready
from tests.journey import daemon_process

__all__ = ["daemon_process"]

make_ready()
