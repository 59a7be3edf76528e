"""An error tells a person what happened, what it means, what to do, and how to find it in the log."""

from __future__ import annotations

import re

from klara_daemon.errors import KlaraError, new_reference
from klara_daemon.redaction import redact


def test_an_error_renders_for_people_and_ends_with_its_reference() -> None:
    error = KlaraError("The token was refused.", means="Calling pauses.", remedy="Store a new one.")
    *said, last = error.render().splitlines()
    assert said == ["The token was refused.", "Calling pauses.", "Store a new one."]
    assert re.fullmatch(rf"\(\d{{4}}-\d\d-\d\d \d\d:\d\d:\d\d UTC, reference {error.reference}\)", last)
    assert str(error) == "The token was refused."


def test_what_was_not_said_leaves_no_empty_line() -> None:
    assert len(KlaraError("It failed.").render().splitlines()) == 2


def test_references_differ_and_survive_redaction() -> None:
    references = [new_reference() for _ in range(1000)]
    assert len(set(references)) > 990
    assert redact({"reference": references}) == {"reference": references}
    assert redact({"reason": references}) == {"reason": references}


def test_each_kind_of_error_has_a_status_other_than_success() -> None:
    assert KlaraError("It failed.").exit_status == 1
