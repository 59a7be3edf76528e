"""Which documents a file holds: one over many lines, or one a line, also where some of them are bad."""

from __future__ import annotations

import pytest

from klara_daemon.domain.json_lines import Written, documents

A, B = b'{"company": 1}', b'{"company": 2}'
PRETTY = b'{\n  "company":\n    {"zone": 1},\n  "attempts": [\n    {"at": 1}\n  ]\n}\n'


@pytest.mark.parametrize(
    "content", [A, A + b"\n", b"\n\n" + A + b"\r\n", PRETTY, b"[\n" + A + b",\n" + B + b"\n]", b"7"]
)
def test_one_value_is_one_document_over_however_many_lines(content: bytes) -> None:
    assert documents(content) == (Written(None, content),)


@pytest.mark.parametrize("content", [b"", b"\n", b" \r\n\t\n", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"])
def test_a_blank_file_holds_none(content: bytes) -> None:
    assert documents(content) == ()


@pytest.mark.parametrize("ends", [b"", b"\n", b"\n\n \n"])
def test_several_documents_stand_on_a_line_each(ends: bytes) -> None:
    assert documents(A + b"\n" + B + ends) == (Written(1, A), Written(2, B))


def test_blank_lines_and_returns_do_no_harm_and_lines_keep_their_numbers() -> None:
    assert documents(b"\n" + A + b"\r\n\n" + B) == (Written(2, A + b"\r"), Written(4, B))


@pytest.mark.parametrize("bad", [b"{", b"\xff", b"[" * 100_000, b'{"company": ', b"}", b"nonsense"])
def test_bad_lines_are_lines_all_the_same(bad: bytes) -> None:
    assert documents(bad + b"\n" + A) == (Written(1, bad), Written(2, A))
    assert documents(A + b"\n" + bad) == (Written(1, A), Written(2, bad))


@pytest.mark.parametrize("line", [b"7", b"{}", b"null"])
def test_lines_of_other_json_are_lines(line: bytes) -> None:
    assert documents(line + b"\n" + line) == (Written(1, line), Written(2, line))


@pytest.mark.parametrize("content", [PRETTY[:-2], PRETTY.replace(b"[\n", b"[,\n"), b"{\n{\n", b"\xff\n\xfe", b"a\nb"])
def test_one_bad_document_over_many_lines_stays_one(content: bytes) -> None:
    assert documents(content) == (Written(None, content),)


def test_a_byte_order_mark_does_no_harm() -> None:
    assert documents(b"\xef\xbb\xbf" + A) == (Written(None, A),)


def test_what_looks_like_the_end_of_a_line_within_a_text_is_none() -> None:
    content = '{"company": "a\u2028b\x85c"}'.encode()

    assert documents(content + b"\n" + A) == (Written(1, content), Written(2, A))
