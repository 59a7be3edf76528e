"""Text from outside, made fit to be spoken."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.domain.dialogue.speakable import heard, job_title, person_name, spoken


@pytest.mark.parametrize(
    ("given_name", "name"),
    [
        ("Ng", "Ng"),
        ("O'Brien", "O'Brien"),
        ("Łukasz Żółć", "Łukasz Żółć"),
        ("Jean-Luc de la Croix", "Jean-Luc de la Croix"),
        ("  Anna \t\n Weber ", "Anna Weber"),
        ("<b>Anna</b> Weber", "Anna Weber"),
        ("Anna\u202e\x00Weber", "Anna Weber"),
        ("Anna 🌻 Weber", "Anna Weber"),
        ("{name}", "name"),
        ("محمد علي", "محمد علي"),
        ("李小龍", "李小龍"),
        ("Anna Weber 0151 12345678", "Anna Weber"),
        ("", ""),
        ("   ", ""),
        ("n/a", ""),
        ("N.A.", ""),
        ("-", ""),
        ("12345", ""),
        ("<script>", ""),
    ],
)
def test_a_name_is_said_without_what_is_no_name(given_name: str, name: str) -> None:
    assert person_name(given_name) == name


@pytest.mark.parametrize(
    ("title", "said"),
    [
        ("Pflegefachkraft (m/w/d)", "Pflegefachkraft"),
        ("Pflegefachkraft (w|m|d) in Teilzeit", "Pflegefachkraft in Teilzeit"),
        ("Koch [M/W/D]", "Koch"),
        ("Nurse (f/m/x)", "Nurse"),
        ("Nurse (all genders)", "Nurse"),
        ("Fachkraft (Nachtdienst)", "Fachkraft Nachtdienst"),
        ("<i>Koch</i>", "Koch"),
        ("", ""),
        ("(m/w/d)", ""),
    ],
)
def test_a_job_is_said_without_its_brackets(title: str, said: str) -> None:
    assert job_title(title) == said


@given(st.text())
def test_nothing_unspeakable_is_left(text: str) -> None:
    for made in (heard(text), spoken(text), job_title(text), person_name(text)):
        assert made == " ".join(made.split())
        assert made.replace("\u200c", "").replace("\u200d", "").isprintable()
        assert made.encode().decode() == made
    assert not set("<>") & set(spoken(text) + person_name(text))
    assert not set("()[]{}<>") & set(job_title(text))


def test_there_is_an_end_to_everything() -> None:
    endless = "Anna " * 1_000_000
    assert len(heard(endless)) <= 2_000
    assert len(spoken(endless)) <= 1_000
    assert len(person_name(endless)) <= 80
