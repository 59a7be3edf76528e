"""Hypothesis does not look at the clock here: the first turn of a process reads and prepares the catalogues."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("unhurried", deadline=None)  # the machine may be busy with other things
settings.load_profile("unhurried")
