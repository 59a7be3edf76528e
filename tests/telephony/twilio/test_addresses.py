"""Addresses and signatures, with the official package as the independent oracle."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from multidict import MultiDict
from twilio.request_validator import RequestValidator

from klara_daemon.telephony.twilio.addresses import (
    ANSWER_PATH,
    RELAY_PATH,
    address,
    is_signed,
    requested_address,
    signature,
    socket_address,
)

TOKEN = "12345"
TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
FORMS = st.lists(st.tuples(TEXT, TEXT), max_size=8)
PATHS = st.from_regex(r"/[a-zA-Z0-9/_.%~-]{0,20}(\?[a-zA-Z0-9=&%+.-]{1,20})?", fullmatch=True)
ORIGINS = st.sampled_from(
    ["https://klara.example", "https://klara.example:443", "https://klara.example:8443", "http://klara.example:80"]
)


def test_the_vendors_own_example_is_signed_as_the_vendor_signs_it() -> None:
    form = {
        "CallSid": "CA1234567890ABCDE",
        "Digits": "1234",
        "From": "+14158675309",
        "To": "+18005551212",
        "Caller": "+14158675309",
    }
    url = "https://mycompany.com/myapp.php?foo=1&bar=2"
    assert signature(TOKEN, url, form.items()) == "RSOYDt4T1cUTdK1PDd93/VVr8B8="


@given(url=st.builds(str.__add__, ORIGINS, PATHS), form=FORMS)
def test_signatures_are_those_of_the_official_package(url: str, form: list[tuple[str, str]]) -> None:
    assert signature(TOKEN, url, form) == RequestValidator(TOKEN).compute_signature(url, MultiDict(form))


@given(origin=ORIGINS, signed_for=ORIGINS, path=PATHS, form=FORMS)
def test_what_the_official_package_accepts_is_accepted_and_nothing_else(
    origin: str, signed_for: str, path: str, form: list[tuple[str, str]]
) -> None:
    header = RequestValidator(TOKEN).compute_signature(signed_for + path, MultiDict(form))
    accepted = RequestValidator(TOKEN).validate(origin + path, MultiDict(form), header)
    assert is_signed(TOKEN, origin + path, form, header) == accepted


@given(form=FORMS.filter(bool), position=st.integers(0, 7))
def test_a_changed_field_is_noticed(form: list[tuple[str, str]], position: int) -> None:
    header = signature(TOKEN, "https://klara.example/x", form)
    name, value = form[position % len(form)]
    changed = [pair for pair in form if pair != (name, value)] + [(name, value + "!")]
    assert not is_signed(TOKEN, "https://klara.example/x", changed, header)


@pytest.mark.parametrize("header", [None, "", "x", "ümläut", "\udcff", "RSOYDt4T1cUTdK1PDd93/VVr8B8"])
def test_no_header_and_odd_headers_are_refused(header: str | None) -> None:
    assert not is_signed(TOKEN, "https://klara.example/x", (), header)


def test_another_token_is_refused() -> None:
    header = signature("another", "https://klara.example/x")
    assert not is_signed(TOKEN, "https://klara.example/x", (), header)


def test_a_path_of_bytes_that_are_no_text_is_refused_without_a_fuss() -> None:
    assert not is_signed(TOKEN, "https://klara.example/\udcff", (), "x")


@pytest.mark.parametrize("url", ["wss://klara.example/r?attempt=1", "wss://klara.example:443/r?attempt=1"])
def test_the_handshake_of_a_websocket_is_signed_over_its_address_alone(url: str) -> None:
    header = RequestValidator(TOKEN).compute_signature("wss://klara.example/r?attempt=1", {})
    assert is_signed(TOKEN, url, (), header)


@pytest.mark.parametrize("public_url", ["https://klara.example/with/path", "https://klara.example/with/path/"])
def test_the_public_address_may_have_a_path(public_url: str) -> None:
    assert address(public_url, ANSWER_PATH, attempt="a-1") == (
        "https://klara.example/with/path/telephony/twilio/answer?attempt=a-1"
    )
    raw_path = "/telephony/twilio/answer?attempt=a-1"
    assert requested_address(public_url, raw_path) == address(public_url, ANSWER_PATH, attempt="a-1")


def test_a_websocket_has_the_scheme_that_belongs_to_it() -> None:
    assert socket_address(address("https://k.example", RELAY_PATH)) == "wss://k.example/telephony/twilio/relay"
    assert socket_address("http://127.0.0.1:8080/r?a=http://b") == "ws://127.0.0.1:8080/r?a=http://b"
