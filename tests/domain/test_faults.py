"""The paths by which faults are named."""

from __future__ import annotations

import pytest

from klara_daemon.domain.faults import Fault, path_of, repeated_names


@pytest.mark.parametrize(
    ("place", "path"),
    [
        ((), "document"),
        (("calling", "windows", 1, "to"), "calling.windows[1].to"),
        ((0, "name"), "[0].name"),
        (("question_sets", "führerschein-b", "language"), "question_sets.führerschein-b.language"),
        (("hosts", "Anna B.", "[key]"), 'hosts["Anna B."]'),
        (("hosts", 'a"b', "name"), 'hosts["a\\"b"].name'),
        (("hosts", "", "name"), 'hosts[""].name'),
    ],
)
def test_a_path_reads_as_a_person_would_write_it(place: tuple[str | int, ...], path: str) -> None:
    assert path_of(place) == path


def test_a_name_of_any_length_makes_a_short_path() -> None:
    assert len(path_of(("x " * 1000,))) < 100


def test_repeated_names_are_found_at_any_depth() -> None:
    text = '{"a": 1, "b": [{"c": 1}, {"c": 1, "d": 2, "c": 3, "c": 4}], "a": {}}'

    assert repeated_names(text) == (
        Fault("b[1].c", "stands in its object twice"),
        Fault("b[1].c", "stands in its object twice"),
        Fault("a", "stands in its object twice"),
    )
    assert repeated_names('{"a": [], "b": {"a": null}}') == ()
