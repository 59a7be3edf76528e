"""Telephone numbers as people write them."""

from __future__ import annotations

import re

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.domain.phone_numbers import NoNumber, Reading, callable_numbers, masked, read_text, time_zones

MOBILE = "+4915112345678"


@pytest.mark.parametrize(
    "text",
    [
        "+4915112345678", "0151 12345678", "0151/12345678", "0151 - 123 456 78", "+49 (0) 151 12345678",
        "(0151) 123-45678", "004915112345678", "4915112345678", "49 151 12345678", "15112345678", "0151.1234.5678",
        "tel:+49-151-12345678", "0151 12345678 ext. 12", "+4915112345678;ext=3", "01511\u00a02345678",
        "\u202a+4915112345678\u202c", "٠١٥١١٢٣٤٥٦٧٨", "００４９１５１１２３４５６７８", "ab 18 Uhr 0151 12345678",
        "0151 12345678 (Büro)", "הטלפון שלי: 0151 12345678", " 0151 12345678\n", "0151 12345678, 0151 12345678",
    ],
)  # fmt: skip
def test_a_number_is_found_however_it_is_written(text: str) -> None:
    assert read_text(text, "DE") == Reading((MOBILE,))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", NoNumber.EMPTY),
        (" \n", NoNumber.EMPTY),
        ("n/a", NoNumber.NOT_A_NUMBER),
        ("keine", NoNumber.NOT_A_NUMBER),
        ("-", NoNumber.NOT_A_NUMBER),
        ("+", NoNumber.NOT_A_NUMBER),
        ("\x00", NoNumber.NOT_A_NUMBER),
        ("110", NoNumber.TOO_SHORT),
        ("112", NoNumber.TOO_SHORT),
        ("0049", NoNumber.TOO_SHORT),
        ("0" * 40, NoNumber.TOO_LONG),
        ("9" * 10_000, NoNumber.TOO_LONG),
        ("116117", NoNumber.NOT_ASSIGNED),
        ("118 33", NoNumber.NOT_ASSIGNED),
        ("0900 5123456", NoNumber.NOT_CALLED),
        ("0180 5123456", NoNumber.NOT_CALLED),
        ("0137 7123456", NoNumber.NOT_CALLED),
        ("0700 12345678", NoNumber.NOT_CALLED),
        ("0800 1234567", NoNumber.NOT_CALLED),
        ("0164 1234567", NoNumber.NOT_CALLED),
        ("+44 7012 345678", NoNumber.NOT_CALLED),
    ],
)
def test_what_cannot_be_called_says_why(text: str, reason: NoNumber) -> None:
    assert read_text(text, "DE") == Reading((), reason)


def test_letters_are_never_read_as_keys() -> None:
    assert read_text("0521 12345 abends", "DE") == Reading(("+4952112345",))
    assert read_text("1-800-FLOWERS", "DE").numbers == ()


def test_digits_that_lost_their_plus_ring_no_stranger() -> None:
    # Read as a national number, this would be somebody in Leer (0491).
    assert read_text("491511234", "DE").numbers == ()
    assert read_text("9123456789", "IN") == Reading(("+919123456789",))
    assert read_text("34612345678", "ES") == Reading(("+34612345678",))


def test_national_numbers_are_those_of_the_companys_country() -> None:
    assert read_text("415 555 2671", "US") == Reading(("+14155552671",))
    assert read_text("0664 1234567", "AT") == Reading(("+436641234567",))
    assert read_text("06 12345678", "NL") == Reading(("+31612345678",))
    assert read_text("0151 12345678", "XX").numbers == ()
    assert read_text("+49 151 12345678", "XX") == Reading((MOBILE,))


def test_several_numbers_keep_their_order_and_each_stands_once() -> None:
    texts = ["n/a", "0151 12345678 oder 0521 1234567", "+49 151 12345678", "", "0900 5123456", "+43 664 1234567"]
    assert callable_numbers(texts, "DE") == (MOBILE, "+495211234567", "+436641234567")
    assert callable_numbers([], "DE") == ()


@given(st.text(max_size=300), st.sampled_from(["DE", "US", "IN", "IT", "XX", ""]))
def test_whatever_is_written_gives_callable_numbers_or_a_reason(text: str, country: str) -> None:
    reading = read_text(text, country)
    assert (reading.reason is None) == bool(reading.numbers)
    for number in reading.numbers:
        assert phonenumbers.is_valid_number(phonenumbers.parse(number))


@pytest.mark.parametrize(
    ("number", "zones"),
    [
        (MOBILE, ("Europe/Berlin",)),
        ("+97714123456", ("Asia/Katmandu",)),
        ("+34612345678", ("Atlantic/Canary", "Europe/Madrid")),
        ("+881612345678", ()),
        ("n/a", ()),
        ("", ()),
    ],
)
def test_the_zones_of_a_number_are_known_ones(number: str, zones: tuple[str, ...]) -> None:
    assert time_zones(number) == zones


@pytest.mark.parametrize(
    ("number", "shown"),
    [
        ("+4915112345678", "+49151…678"),
        ("+14155552671", "+141…671"),
        ("+493012345", "+493…5"),
        ("+4930123", "+49…"),
        ("+49", "+…"),
        ("0151 12345678", "…"),
        ("Anna Weiß", "…"),
        ("", "…"),
    ],
)
def test_a_masked_number_shows_where_it_is_from_and_how_it_ends(number: str, shown: str) -> None:
    assert masked(number) == shown


@given(st.from_regex(r"\+[1-9][0-9]{0,14}", fullmatch=True))
def test_a_masked_number_cannot_be_told_from_at_least_ten_thousand_others(number: str) -> None:
    shown = re.sub(r"\D", "", masked(number))
    assert len(number) - 1 - len(shown) >= min(5, len(number) - 1)
