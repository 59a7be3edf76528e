"""A Recruitee in small: its wire format with its traps, its webhooks, and a page to look at. For tests and the demo."""

from klara_daemon.demo.recruitee.accounts import Move
from klara_daemon.demo.recruitee.server import SmallRecruitee

__all__ = ["Move", "SmallRecruitee"]
