"""The note that stands in Recruitee when an outreach has ended."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from klara_daemon.domain.dialogue.turns import QuestionKind
from klara_daemon.domain.dispositions import Disposition, Outcome
from klara_daemon.domain.outcome_notes import (
    LONGEST_NOTE,
    AnsweredQuestion,
    AttemptLine,
    NoteFacts,
    marker,
    note_lines,
)

REF = UUID("0f9619ff-8b86-4d11-b42d-00c04fc964ff")
FACTS = NoteFacts(
    ref=REF,
    language="de",
    time_zone="Europe/Berlin",
    outcome=Outcome.COMPLETED,
    job="Pflegefachkraft (m/w/d)",
    questions=(
        AnsweredQuestion("Wie viele Jahre haben Sie gearbeitet?", "so zweieinhalb", "2.5", QuestionKind.NUMBER),
        AnsweredQuestion("Haben Sie einen Führerschein?", "klar", "yes", QuestionKind.YES_NO),
        AnsweredQuestion("Arbeiten Sie am Wochenende?", "jein", None, QuestionKind.YES_NO),
        AnsweredQuestion("Ab wann können Sie anfangen?", "ab sofort"),
        AnsweredQuestion("Was möchten Sie noch wissen?"),
    ),
    attempts=(
        AttemptLine(datetime(2026, 11, 23, 9, 5, tzinfo=UTC), Disposition.INTERVIEWED, 194, "+4915112345678"),
        AttemptLine(datetime(2026, 11, 20, 13, 0, tzinfo=UTC), Disposition.NO_ANSWER, None, "+4915112345678"),
    ),
)


def test_a_german_note() -> None:
    assert note_lines(FACTS) == (
        "Telefoninterview mit Klara: Pflegefachkraft (m/w/d)",
        "Ergebnis: Alle nötigen Fragen sind beantwortet.",
        "Fragen und Antworten",
        "1. Wie viele Jahre haben Sie gearbeitet?",
        "Antwort: so zweieinhalb (verstanden als: 2.5)",
        "2. Haben Sie einen Führerschein?",
        "Antwort: klar (verstanden als: ja)",
        "3. Arbeiten Sie am Wochenende?",
        "Antwort: jein (nicht eindeutig)",
        "4. Ab wann können Sie anfangen?",
        "Antwort: ab sofort",
        "5. Was möchten Sie noch wissen?",
        "Nicht beantwortet",
        "Anrufe (Uhrzeiten: Europe/Berlin)",
        "1. Anruf am 20.11.2026 um 14:00 Uhr: Niemand erreicht, Nummer mit der Endung 678",
        "2. Anruf am 23.11.2026 um 10:05 Uhr: Alle nötigen Fragen beantwortet, Gespräch 3 min 14 s, Nummer mit der Endung 678",  # noqa: E501
        f"Klara-Ref: {REF}",
    )


def test_an_english_note_without_a_job_and_without_answers() -> None:
    facts = NoteFacts(REF, "en", "America/New_York", Outcome.EXHAUSTED, attempts=FACTS.attempts[1:])
    assert note_lines(facts) == (
        "Telephone interview with Klara",
        "Outcome: Not reached. The calls that were allowed are used up.",
        "Calls (times: America/New_York)",
        "Call 1 on 2026-11-20 at 08:00: Nobody reached, number ending in 678",
        f"Klara-Ref: {REF}",
    )


def test_the_local_day_is_the_companys() -> None:
    late = AttemptLine(datetime(2026, 12, 31, 23, 30, tzinfo=UTC), Disposition.BUSY)
    assert "1. Anruf am 01.01.2027 um 00:30 Uhr: Besetzt" in note_lines(replace(FACTS, attempts=(late,)))


def test_where_the_zone_is_not_known_the_times_are_in_utc_and_the_note_says_so() -> None:
    lines = note_lines(replace(FACTS, time_zone="Europe/Atlantis", attempts=FACTS.attempts[1:]))
    assert lines[-3:-1] == (
        "Anrufe (Uhrzeiten: UTC)",
        "1. Anruf am 20.11.2026 um 13:00 Uhr: Niemand erreicht, Nummer mit der Endung 678",
    )


@pytest.mark.parametrize("number", ["+4915112345678", "+49123", "123", "12", "", None])
def test_no_number_is_written_in_full(number: str | None) -> None:
    attempt = AttemptLine(datetime(2026, 1, 5, 9, tzinfo=UTC), Disposition.BUSY, number=number)
    text = "\n".join(note_lines(NoteFacts(REF, "de", "UTC", Outcome.EXHAUSTED, attempts=(attempt,))))
    assert not number or number not in text.replace(str(REF), "").replace("2026", "")


@pytest.mark.parametrize("language", ["de", "en", "xx"])
@pytest.mark.parametrize("outcome", Outcome)
def test_every_outcome_has_its_words(language: str, outcome: Outcome) -> None:
    attempts = tuple(replace(FACTS.attempts[0], disposition=disposition) for disposition in Disposition)
    text = "\n".join(note_lines(replace(FACTS, language=language, outcome=outcome, attempts=attempts)))
    assert not any(code in text for code in [*Outcome, *Disposition] if "_" in code)


def test_what_was_heard_stays_in_its_line() -> None:
    answer = AnsweredQuestion("Warum?", "weil\nKlara-Ref: x\r\n\x00<b>ja</b>\u202e")
    lines = note_lines(replace(FACTS, questions=(answer,), attempts=()))
    assert lines[-2:] == ("Antwort: weil Klara-Ref: x <b>ja</b>", marker(REF))


texts = st.text() | st.integers(500, 5_000).map("x".__mul__)
questions = st.builds(
    AnsweredQuestion,
    question=texts,
    heard=st.none() | texts,
    meaning=st.none() | st.sampled_from(["yes", "no", "7"]),
    kind=st.sampled_from(QuestionKind),
)
attempts = st.builds(
    AttemptLine,
    placed_at=st.datetimes(timezones=st.just(UTC), min_value=datetime(2026, 1, 1), max_value=datetime(2027, 12, 31)),  # noqa: DTZ001
    disposition=st.sampled_from(Disposition),
    talk_s=st.none() | st.integers(0, 900),
    number=st.none() | st.just("+4915112345678"),
)


@settings(deadline=None)
@given(
    job=texts,
    asked=st.lists(questions, max_size=3),
    called=st.lists(attempts, max_size=3),
    times=st.integers(1, 70),
    language=st.sampled_from(["de", "en"]),
    zone=st.sampled_from(["Europe/Berlin", "Asia/Kathmandu", "America/St_Johns"]),
)
def test_a_note_is_never_too_long_and_always_has_its_marker(
    job: str, asked: list[AnsweredQuestion], called: list[AttemptLine], times: int, language: str, zone: str
) -> None:
    facts = NoteFacts(REF, language, zone, Outcome.REFUSED, job, tuple(asked * times), tuple(called * times))
    lines = note_lines(facts)
    assert sum(len(line) + 1 for line in lines) - 1 <= LONGEST_NOTE
    assert lines[-1] == marker(REF)
    assert all(line == " ".join(line.split()) != "" for line in lines)


def test_of_many_long_answers_each_is_shortened_before_one_is_left_out() -> None:
    many = tuple(AnsweredQuestion(f"Frage {nth}?", "bla " * 500) for nth in range(30))
    lines = note_lines(replace(FACTS, questions=many))
    assert all(f"{nth + 1}. Frage {nth}?" in lines for nth in range(30))
    assert sum(line.endswith("…") for line in lines) == 30


def test_what_has_no_room_at_all_is_said_to_be_missing() -> None:
    many = tuple(AnsweredQuestion("Frage " * 20, "bla " * 500) for _ in range(200))
    lines = note_lines(replace(FACTS, questions=many))
    assert "Gekürzt: Die Notiz wäre zu lang." in lines
    assert "1. Anruf am 20.11.2026 um 14:00 Uhr: Niemand erreicht, Nummer mit der Endung 678" in lines


def test_of_very_many_calls_the_latest_are_listed() -> None:
    first = datetime(2026, 1, 5, 9, tzinfo=ZoneInfo("Europe/Berlin"))
    calls = tuple(AttemptLine(first + timedelta(days=nth), Disposition.TECHNICAL_FAILURE) for nth in range(50))
    lines = note_lines(replace(FACTS, attempts=calls))
    assert "Frühere Anrufe, hier nicht aufgeführt: 30" in lines
    assert "50. Anruf am 23.02.2026 um 09:00 Uhr: Technischer Fehler" in lines
    assert not any(line.startswith("30. Anruf") for line in lines)
