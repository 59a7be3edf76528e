"""Nobody's data in what is written down; ids survive."""

from __future__ import annotations

import json
import string
import time
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from enum import StrEnum
from uuid import UUID, uuid4

import phonenumbers
import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.redaction import EMAIL, HIDDEN, NUMBER, SECRET, redact, redact_text

SPELLINGS = [
    "+4915112345678",
    "+49 151 12345678",
    "+49 (0) 151 / 123 456 78",
    "0049 151 12345678",
    "0151-12345678",
    "0151/12345678",
    "(0521) 123-4567",
    "0521 1 23 45 67",
    "030.1234567",
    "+1 (555) 010-4477",
    "555-010-4477x12",
    "5550104477",
    "tel:+4915112345678",
    "whatsapp:+4915112345678",
    "sip:+4915112345678@pstn.example",
    "?To=%2B4915112345678&x=1",
    "\u202a+49 151 12345678\u202c",
    "+49\u00a0151\u00a012345678",
    "+49\u2011151\u201112345678",
    "＋4915112345678",
    "+٤٩١٥١١٢٣٤٥٦٧٨",
    "06 12 34 56 78",
    "12.34.56.78",
    "+45 12 34 56 78",
]


@pytest.mark.parametrize("spelling", SPELLINGS)
@pytest.mark.parametrize(
    "around", ["{}", "Kein Anschluss unter {}.", "a={}, b", "['{}']", "<{}>", "Nummer {}\nbesetzt"]
)
def test_a_telephone_number_is_hidden_however_it_is_spelled(spelling: str, around: str) -> None:
    written = redact_text(around.format(spelling))
    assert NUMBER in written or HIDDEN in written or EMAIL in written
    assert sum(letter.isdigit() for letter in written) <= len("12")


COUNTRIES = st.sampled_from(["DE", "AT", "CH", "FR", "GB", "US", "DK", "PL", "TR", "ES", "IT", "NL", "IN", "BR"])
FORMATS = st.sampled_from(
    [
        phonenumbers.PhoneNumberFormat.E164,
        phonenumbers.PhoneNumberFormat.INTERNATIONAL,
        phonenumbers.PhoneNumberFormat.NATIONAL,
        phonenumbers.PhoneNumberFormat.RFC3966,
    ]
)


@given(COUNTRIES, FORMATS, st.sampled_from(["", "candidate ", "(", "→ "]), st.sampled_from(["", ".", ")", " besetzt"]))
def test_every_countrys_example_numbers_are_hidden(country: str, style: int, before: str, after: str) -> None:
    for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
        number = phonenumbers.example_number_for_type(country, kind)
        assert number is not None
        written = redact_text(f"{before}{phonenumbers.format_number(number, style)}{after}")
        assert not any(letter.isdigit() for letter in written), written


IDS_IN_TEXT = [
    "018f4e7a-12f3-7cc0-9b1a-123456789012",
    "12345678-1234-1234-1234-123456789012",
    "candidate_id=64537342",
    "{'placement_id': 1234567890}",
    '{"id":64537342,"stage_id":8063176}',
    "https://api.recruitee.com/c/89564/candidates/64537342?include=placements",
    "CA1234567890abcdef1234567890abcdef",
    "AC12345678901234567890123456789012",
    "2026-11-23T19:00:00.123456+00:00",
    "2026-11-23 19:00:00.123456",
    "at 19:00:00.123456",
    "2026-11-23",
    "took 12.3456789 s",
    "0.1234567",
    "connect to ('127.0.0.1', 54321)",
    "10.244.100.100:5672",
    "<Task at 0x7f12345678901>",
    "reference e12345678",
    "klara.call-scheduler.call_ended",
    "per_day: 2, maximum: 4",
]


@pytest.mark.parametrize("text", IDS_IN_TEXT)
def test_ids_instants_and_durations_survive_in_a_text(text: str) -> None:
    assert redact_text(text) == text


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("candidate_id", 64537342),
        ("company_id", 89564),
        ("offer_id", "1181300"),
        ("placement_ids", [123456789, 987654321]),
        ("twilio_account_sid", "AC12345678901234567890123456789012"),
        ("call_ref", "CA12345678901234567890123456789012"),
        ("message_id", uuid4().hex),
        ("reference", "e12345678"),
        ("attempt_number", 3),
        ("body_bytes", 7_340_032),
        ("started_at", 1_795_000_000),
        ("wait_s", 86_400_000),
        ("person_spoke", True),
        ("secret", None),
        ("queue", "klara.dialer.dial_due"),
        ("rows", 64),
        ("took", 0.0123456789),
    ],
)
def test_ids_counts_and_measures_survive_under_their_keys(key: str, value: object) -> None:
    assert redact({key: value}) == {key: value}


@pytest.mark.parametrize("key", ["candidate_id", "ref", "message_id"])
@pytest.mark.parametrize("number", ["+4915112345678", "015112345678", "4915112345678"])
def test_an_id_key_does_not_carry_a_number_out(key: str, number: str) -> None:
    assert redact({key: number}) == {key: NUMBER}


# fmt: off
HIDING_KEYS = [
    "name", "candidate_name", "firstName", "FirstName", "first-name", "NAME", "person", "candidate", "phone",
    "phone_number", "phoneNumber", "number", "numbers", "to_number", "caller", "email", "e_mail", "mailAddress",
    "answer", "answers", "heard", "text", "body", "raw_body", "note", "payload", "transcript", "token",
    "access_token", "auth_token", "secret", "secret_keys", "signature", "X-Twilio-Signature", "Authorization",
    "authorization", "password", "cookie", "dsn",
]
# fmt: on


@pytest.mark.parametrize("key", HIDING_KEYS)
@pytest.mark.parametrize("value", ["Petra", "", 7, 1.5, ["Petra"], {"of": "Petra"}, b"Petra", date(1990, 1, 2)])
def test_a_telling_key_hides_whatever_it_holds_at_any_depth(key: str, value: object) -> None:
    assert redact({key: value}) == {key: HIDDEN}
    assert redact({"webhook": [{"candidate_id": 7, key: value}]}) == {"webhook": [{"candidate_id": 7, key: HIDDEN}]}


@pytest.mark.parametrize(
    "text",
    [
        "{'name': 'Müller, Petra'}",
        '{"name": "Petra \\"Pe\\" Müller"}',
        'b\'{"name":"Petra Müller"}\'',
        '\'{\\"name\\": \\"Petra Müller\\"}\'',
        "Candidate(id=64537342, name='Petra Müller', phones=('Petra',))",
        "cannot read: name=Petra Müller",
        "answers: {'a': {'b': 'Petra'}}",
        "Name: Petra Müller\nnext line",
        "GET /x?first_name=Petra&page=2",
        "DETAIL:  Key (company_id, name)=(89564, Petra) already exists.",
        "DETAIL:  Failing row contains (1, Petra,\n Müller).",
        'invalid input syntax for type integer: "Petra"',
        "1 validation error for Hook\nage\n  bad [type=int, input_value='Petra, input_type', input_type=str]",
        "invalid literal for int() with base 10: 'Petra'",
        "could not convert string to float: 'Petra'",
        "mail to petra.mueller+x@example.co.uk",
        "Petra@müller.example",
        "Authorization: Basic UGV0cmE6cGFzcw==",
    ],
)
def test_a_person_is_hidden_in_the_middle_of_a_text(text: str) -> None:
    written = redact_text(text)
    for part in ("Petra", "petra", "Müller", "müller", "UGV0"):
        assert part not in written


def test_what_is_not_personal_stays_readable() -> None:
    assert redact_text("Key (company_id, offer_id)=(89564, 1181300) already exists.") == (
        "Key (company_id, offer_id)=(89564, 1181300) already exists."
    )
    assert redact_text("{'name': 'Petra', 'candidate_id': 64537342}") == "{'name': [hidden], 'candidate_id': 64537342}"
    assert redact_text("name=token=x, stage=8") == "name=[hidden], stage=8"
    assert redact_text("connection to amqp://klara:pa@ss:w@rabbit:5672/klara lost") == (
        f"connection to amqp://{SECRET}@rabbit:5672/klara lost"
    )
    assert redact_text("NotNullViolationError: null value in column") == "NotNullViolationError: null value in column"


@pytest.mark.parametrize("around", ["{}", "got {}!", "'{}'", "key {}, then", "x:{}", "({})"])
@pytest.mark.parametrize(
    "secret",
    [
        Fernet.generate_key().decode(),
        Fernet(Fernet.generate_key()).encrypt(b"a token").decode(),
        "0123456789abcdef0123456789abcdef",
        "VlNVMkt6VzN4Q0hMOFJ2eDk3d0RJc0o2U3l5cG5iVzB5",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
    ],
)
def test_a_token_is_hidden_wherever_it_stands(secret: str, around: str) -> None:
    assert redact_text(around.format(secret)) == around.format(SECRET)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "Basic", "BEARER"])
def test_an_authorization_header_is_hidden_without_its_name(scheme: str) -> None:
    assert "abcDEF123" not in redact_text(f"sent {scheme} abcDEF123._~+/-== to Recruitee")


@pytest.mark.parametrize(
    "url", ["postgresql://klara:{}@db/klara", "amqps://klara:{}@rabbit:5671/klara", "https://a:{}@h/"]
)
@pytest.mark.parametrize("password", ["hunter2", "p@ss/w0rd", "p%40ss", "a:b", "ä"])
def test_a_urls_password_is_hidden_even_when_it_was_not_escaped(url: str, password: str) -> None:
    assert password not in redact_text(f"cannot connect to {url.format(password)}")


class Colour(StrEnum):
    RED = "red"


@dataclass(frozen=True)
class Person:
    """Like the candidates of the protocol: an ordinary representation with everything in it."""

    id: int
    name: str
    phones: tuple[str, ...]


def test_every_kind_of_value_becomes_what_json_knows() -> None:
    identity = UUID("12345678-1234-1234-1234-123456789012")
    given = {
        "message_id": identity,
        "due_at": datetime(2026, 11, 23, 19, 0, tzinfo=UTC),
        "closed_on": date(2026, 12, 24),
        "pause": timedelta(minutes=3),
        "colour": Colour.RED,
        "raw": b"+4915112345678",
        "price": Decimal("1.5"),
        "ratio": float("nan"),
        "known": frozenset({1}),
        "failure": ValueError("ring +4915112345678"),
        "found": Person(64537342, "Petra", ("+4915112345678",)),
        7: "seven",
    }
    assert redact(given) == {
        "message_id": str(identity),
        "due_at": "2026-11-23T19:00:00+00:00",
        "closed_on": "2026-12-24",
        "pause": 180.0,
        "colour": "red",
        "raw": "[14 bytes]",
        "price": "Decimal('1.5')",
        "ratio": "nan",
        "known": [1],
        "failure": f"ValueError: ring {NUMBER}",
        "found": "Person(id=64537342, name=[hidden], phones=[hidden])",
        "7": "seven",
    }
    json.dumps(redact(given), allow_nan=False)


def test_a_number_used_as_a_key_is_hidden_too() -> None:
    assert redact({"+4915112345678": 1}) == {NUMBER: 1}


def test_a_number_that_came_as_a_number_is_hidden() -> None:
    assert redact({"dialled": 4915112345678}) == {"dialled": NUMBER}


def test_a_nest_without_end_is_cut() -> None:
    nest: dict[str, object] = {}
    nest["inner"] = nest
    assert HIDDEN in json.dumps(redact(nest))


def test_a_vendors_long_answer_is_cut() -> None:
    assert redact_text("x " * 10_000).endswith("... (20000 characters)")


@given(st.text(alphabet=string.printable + "äß+٤@", max_size=300))
def test_what_was_redacted_once_holds_nothing_more_to_redact(text: str) -> None:
    once = redact_text(text)
    assert redact_text(redact_text(once)) == redact_text(once)


@pytest.mark.parametrize(
    "letter", ["a", "1", "1 ", "a-", "@", "a@", "'", "\\", "(", "name=", "=", "+", "https://", "a."]
)
def test_no_text_takes_long(letter: str) -> None:
    started = time.perf_counter()
    redact_text(letter * 20_000)
    assert time.perf_counter() - started < 0.5
