"""Recruitee's recorded answers, and such as lack something."""

from __future__ import annotations

import json
import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from klara_daemon.recruitee.answers import (
    NOTE_LIMIT,
    html_body,
    paragraphs,
    parse_admin,
    parse_candidate,
    parse_candidates,
    parse_note,
    parse_notes,
    parse_offer,
    parse_pipeline_template,
    parse_placement,
    parse_stage_placements,
)
from klara_daemon.recruitee.protocol import Admin, Candidate, Note, Offer, Placement, Stage, Unavailable

Json = dict[str, object]

# recorded: rejected after having been hired
PLACEMENT: Json = {
    "id": 48791516,
    "candidate_id": 46044144,
    "offer_id": 1181300,
    "stage_id": 8063179,
    "position": 1,
    "language": None,
    "disqualify_kind": "admin",
    "disqualify_reason": "Wrong skill set",
    "hired_at": "2023-01-04T11:22:49.178555Z",
    "hired_by_id": 316045,
    "hired_in_this_placement": False,
    "hired_in_other_placement": False,
    "created_at": "2022-12-19T13:28:15.341931Z",
    "updated_at": "2023-01-04T11:22:49.181484Z",
}
QUALIFIED: Json = {"id": 1, "candidate_id": 46044144, "offer_id": 2, "stage_id": 3, "language": "de", "hired_at": None}
CANDIDATE: Json = {
    "id": 46044144,
    "name": "Wilma R.",
    "emails": ["w@example.com"],
    "phones": ["+15555555555", "06…", "n/a"],
    "source": "career_site",
    "placements": [PLACEMENT, QUALIFIED],
    "created_at": "2022-12-19T13:28:15.341931Z",
}
STAGE: Json = {"id": 8063176, "name": "Qualification Call", "category": "phone_screen", "group": None, "position": 1}
TEMPLATE: Json = {
    "id": 5012,
    "stages": [
        {"id": 8063170, "name": "Hired", "category": "hire", "position": 5},
        {"id": 8063175, "name": "Applied", "category": "apply", "position": -1, "locked": True},
        STAGE,
    ],
}
STAGES = (
    Stage(8063175, "Applied", "apply", -1),
    Stage(8063176, "Qualification Call", "phone_screen", 1),
    Stage(8063170, "Hired", "hire", 5),
)
OFFER: Json = {
    "id": 1181300,
    "title": "Pflegefachkraft (m/w/d)",
    "kind": "job",
    "status": "published",
    "lang_code": "de",
    "pipeline_template_id": 5012,
    "pipeline_template": TEMPLATE,
}


def _raw(**document: object) -> bytes:
    return json.dumps(document).encode()


def test_the_team_member_is_read() -> None:
    admin = {"id": 316045, "company_id": 89564, "first_name": "Klara", "last_name": "Bot", "email": "k@example.com"}
    assert parse_admin(_raw(admin=admin)) == Admin(316045, 89564, "Klara Bot")
    assert parse_admin(_raw(admin={"id": 1, "company_id": 2})).name == ""


def test_a_candidate_is_read() -> None:
    assert parse_candidate(_raw(candidate=CANDIDATE)) == Candidate(
        id=46044144,
        name="Wilma R.",
        phones=("+15555555555", "06…", "n/a"),
        placements=(
            Placement(48791516, 46044144, 1181300, 8063179, disqualified=True, hired=True),
            Placement(1, 46044144, 2, 3, disqualified=False, hired=False, language="de"),
        ),
    )


@pytest.mark.parametrize("phones", [None, [], "+49", {"a": 1}, [None, "", 5]])
def test_a_candidate_without_a_readable_phone_has_none(phones: object) -> None:
    assert parse_candidate(_raw(candidate={**CANDIDATE, "phones": phones, "name": None})).phones == ()


def test_a_deleted_candidate_is_told_from_others_even_without_placements() -> None:
    gone = {"id": 5, "name": "", "deleted_at": "2026-10-20T09:12:33.046300Z"}
    assert parse_candidate(_raw(candidate=gone)) == Candidate(5, "", (), (), deleted=True)


@pytest.mark.parametrize(
    ("change", "disqualified"),
    [
        ({}, False),
        ({"disqualified_at": None, "disqualify_kind": None, "disqualify_reason": None}, False),
        ({"disqualified_at": "2026-10-20T09:12:33.046300Z"}, True),
        ({"disqualify_kind": "candidate"}, True),
        ({"disqualify_reason": "Wrong skill set"}, True),
    ],
)
def test_any_trace_of_a_disqualification_counts(change: Json, disqualified: bool) -> None:
    assert parse_placement(_raw(placement={**QUALIFIED, **change})).disqualified is disqualified


@pytest.mark.parametrize(
    "change",
    [
        {"hired_at": "2023-01-04T11:22:49.178555Z"},
        {"hired_in_this_placement": True},
        {"hired_in_other_placement": True},
    ],
)
def test_any_trace_of_a_hire_counts(change: Json) -> None:
    assert parse_placement(_raw(placement={**QUALIFIED, **change})).hired


def test_who_stands_in_a_hired_stage_is_hired() -> None:
    hired_stage = {"type": "Stage", "id": 3, "category": "hire"}
    assert parse_placement(_raw(placement=QUALIFIED, references=[hired_stage])).hired


def test_references_of_another_type_with_the_same_id_mean_nothing() -> None:
    references = [{"type": "Offer", "id": 3, "category": "hire"}, {"type": "Stage", "id": 2, "category": "hire"}]
    assert not parse_placement(_raw(placement=QUALIFIED, references=references)).hired


def test_a_placement_without_a_stage_stands_nowhere() -> None:
    assert parse_placement(_raw(placement={**QUALIFIED, "stage_id": None})).stage_id is None


def test_an_offer_is_read_with_its_stages_by_position() -> None:
    expected = Offer(1181300, "Pflegefachkraft (m/w/d)", "published", "de", STAGES, pipeline_template_id=5012)
    assert parse_offer(_raw(offer=OFFER)) == expected


def test_an_offer_may_come_without_its_template() -> None:
    bare = {key: value for key, value in OFFER.items() if key != "pipeline_template"}
    assert parse_offer(_raw(offer=bare)) == Offer(1181300, "Pflegefachkraft (m/w/d)", "published", "de", (), 5012)
    by_template = {**OFFER, "pipeline_template": {"id": 77}, "pipeline_template_id": None}
    assert parse_offer(_raw(offer=by_template)).pipeline_template_id == 77
    assert parse_offer(_raw(offer={"id": 1})) == Offer(1, "", "", None, ())


def test_a_template_is_read_by_position() -> None:
    assert parse_pipeline_template(_raw(pipeline_template=TEMPLATE)) == STAGES


GROUPED: Json = {
    "id": 48791511,
    "candidate_id": 46044140,
    "candidate": {"id": 46044140, "name": "Erika Muster"},
    "disqualified_at": None,
    "disqualify_reason": None,
    "hired_at": None,
    "ratings": {},
}


def _grouped(**group: object) -> bytes:
    return _raw(stages=[{**STAGE, "placements_count": 1, "placements": [GROUPED], **group}])


def test_the_placements_of_a_stage_are_read() -> None:
    found = parse_stage_placements(_grouped(), 1181300, 8063176)
    assert found is not None
    assert found.placements == (Placement(48791511, 46044140, 1181300, 8063176, disqualified=False, hired=False),)
    assert found.complete


def test_only_the_group_of_the_stage_is_taken() -> None:
    assert parse_stage_placements(_grouped(), 1181300, 8063177) is None


@pytest.mark.parametrize("other", [{"offer_id": 5}, {"stage_id": 5}])
def test_a_placement_that_says_it_stands_elsewhere_is_left_out(other: Json) -> None:
    found = parse_stage_placements(_grouped(placements=[{**GROUPED, **other}]), 1181300, 8063176)
    assert found is not None
    assert found.placements == ()


@pytest.mark.parametrize(("count", "complete"), [(0, True), (1, True), (2, False), (None, False), ("1", False)])
def test_a_list_is_complete_when_it_holds_what_was_counted(count: object, complete: bool) -> None:
    found = parse_stage_placements(_grouped(placements_count=count), 1181300, 8063176)
    assert found is not None
    assert found.complete is complete


def test_who_is_listed_below_a_hired_stage_is_hired() -> None:
    found = parse_stage_placements(_grouped(category="hire"), 1181300, 8063176)
    assert found is not None
    assert [placement.hired for placement in found.placements] == [True]


# --- notes


@pytest.mark.parametrize(
    ("note", "words"),
    [
        ({"body": "Zeile 1\nZeile 2", "body_html": None}, "Zeile 1\nZeile 2"),
        ({"body": "x", "body_html": "<p>Zeile&nbsp;1 &lt;b&gt;</p><p>Zeile 2</p>"}, "Zeile\xa01 <b>\nZeile 2"),
        ({"body": "a < b &amp; c > d<br>e<BR />f"}, "a < b & c > d\ne\nf"),
        ({"body_json": paragraphs(["Zeile 1", "", "Zeile 2"])}, "Zeile 1\nZeile 2"),
        ({"body": None}, ""),
    ],
)
def test_a_notes_text_is_read_out_of_any_markup(note: Json, words: str) -> None:
    assert parse_note(_raw(note={"id": 7, "candidate_id": 5, **note})) == Note(7, words, 5)


def test_notes_are_read() -> None:
    assert parse_notes(_raw(notes=[{"id": 7, "body": "a"}, {"id": 8}])) == (Note(7, "a"), Note(8, ""))


def test_a_note_has_a_paragraph_for_each_line_and_no_empty_text() -> None:
    content = [
        {"type": "paragraph", "content": [{"type": "text", "text": "Zeile 1 <b>"}]},
        {"type": "paragraph"},
        {"type": "paragraph", "content": [{"type": "text", "text": "Zeile 2"}]},
    ]
    assert paragraphs(["Zeile 1 <b>", "", "Zeile 2"]) == {"doc": {"type": "doc", "content": content}}
    assert paragraphs(["Zeile 1 <b>\r\n\nZeile 2"]) == {"doc": {"type": "doc", "content": content}}


def test_a_note_is_without_what_postgres_refuses() -> None:
    assert html_body(["a\x00b"]) == "ab"


def test_a_note_as_html_is_escaped() -> None:
    assert (
        html_body(['<script>"x"</script>', "ü & שלום"]) == "&lt;script&gt;&quot;x&quot;&lt;/script&gt;<br>ü &amp; שלום"
    )


@given(
    st.lists(st.text(max_size=NOTE_LIMIT + 10), max_size=5), st.from_regex(r"Klara-Ref: [0-9a-f]{32}", fullmatch=True)
)
def test_a_note_fits_and_its_last_line_is_whole(lines: list[str], mark: str) -> None:
    read = parse_note(_raw(note={"id": 1, "body_json": paragraphs([*lines, mark])})).text.split("\n")
    assert read[-1] == mark
    assert len("\n".join(read)) <= NOTE_LIMIT


@given(st.lists(st.text(max_size=50), max_size=20))
def test_a_note_that_fits_is_not_cut(lines: list[str]) -> None:
    plain = re.sub(r"<br>", "\n", html_body([*lines, "mark"]))
    assert plain.count("\n") == sum(len(line.splitlines()) or 1 for line in lines)
    assert "…" not in plain or any("…" in line for line in lines)


def test_no_lines_make_an_empty_note() -> None:
    assert html_body([]) == ""
    assert paragraphs([]) == {"doc": {"type": "doc", "content": [{"type": "paragraph"}]}}


# --- answers that changed, or were cut off

PARSERS: list[Callable[[bytes], object]] = [
    parse_admin,
    parse_candidate,
    parse_candidates,
    parse_placement,
    lambda raw: parse_stage_placements(raw, 1181300, 8063176),
    parse_offer,
    parse_pipeline_template,
    parse_note,
    parse_notes,
]
RECORDED: Json = {
    "admin": {"id": 316045, "company_id": 89564},
    "candidate": CANDIDATE,
    "candidates": [CANDIDATE],
    "placement": PLACEMENT,
    "stages": [{**STAGE, "placements_count": 1, "placements": [GROUPED]}],
    "offer": OFFER,
    "pipeline_template": TEMPLATE,
    "note": {"id": 7, "candidate_id": 5, "body": "a"},
    "notes": [{"id": 7, "candidate_id": 5, "body": "a"}],
    "references": [{"type": "Stage", "id": 8063179, "category": "hire"}],
}


@pytest.mark.parametrize("parse", PARSERS)
def test_all_parsers_read_the_recorded_answer(parse: Callable[[bytes], object]) -> None:
    assert parse(_raw(**RECORDED)) is not None


@pytest.mark.parametrize("parse", PARSERS)
@pytest.mark.parametrize("raw", [b"", b"<html>", b"{}", b"[]", b"null", b'{"candidate": {"id": 46044'])
def test_an_answer_without_what_it_must_have_is_to_be_asked_again(parse: Callable[[bytes], object], raw: bytes) -> None:
    with pytest.raises(Unavailable):
        parse(raw)


@pytest.mark.parametrize(
    "raw",
    [
        _raw(candidate={**CANDIDATE, "placements": None}),
        _raw(candidate={key: value for key, value in CANDIDATE.items() if key != "placements"}),
        _raw(candidate={**CANDIDATE, "placements": [{**QUALIFIED, "offer_id": None}]}),
        _raw(candidate={**CANDIDATE, "placements": ["x"]}),
        _raw(candidate={**CANDIDATE, "id": 0}),
    ],
)
def test_a_candidate_whose_placements_cannot_be_read_is_not_taken_for_one_without(raw: bytes) -> None:
    with pytest.raises(Unavailable):
        parse_candidate(raw)


def test_a_stage_without_a_position_is_not_guessed() -> None:
    with pytest.raises(Unavailable):
        parse_pipeline_template(_raw(pipeline_template={"stages": [{"id": 1, "name": "a", "position": None}]}))


@given(st.data())
def test_any_change_to_an_answer_is_read_or_to_be_asked_again(data: st.DataObject) -> None:
    document = json.loads(_raw(**RECORDED))
    node, key = data.draw(st.sampled_from(list(_places(document))))
    node[key] = data.draw(
        st.none() | st.booleans() | st.integers() | st.text() | st.just([]) | st.just({}) | st.just([0])
    )
    for parse in PARSERS:
        try:
            parse(json.dumps(document).encode())
        except Unavailable:
            continue


def _places(node: object) -> list[tuple[dict[object, object], object]]:
    """Each place in a document at which something can be replaced."""
    keys = list(node) if isinstance(node, dict) else list(range(len(node))) if isinstance(node, list) else []
    return [place for key in keys for place in [(node, key), *_places(node[key])]]  # type: ignore[index,misc]
