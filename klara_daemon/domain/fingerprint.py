"""Tells whether a plan was made with the settings that hold now."""

from __future__ import annotations

import hashlib
from dataclasses import astuple

from klara_daemon.domain.calling_hours import CallingRules


def fingerprint(rules: CallingRules | None) -> str:
    """A short text that changes when anything in the rules does; empty for a company that has none."""
    if rules is None:
        return ""
    settled = [sorted(value) if isinstance(value, frozenset) else value for value in astuple(rules)]
    return hashlib.sha256(repr(settled).encode()).hexdigest()[:16]
