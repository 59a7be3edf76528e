"""How one attempt ended: each row of the product page's table, and what may make two of them look alike."""

from __future__ import annotations

import pytest

from klara_daemon.domain.dispositions import (
    UNCOUNTED,
    CallFacts,
    Disposition,
    disposition_of,
    is_reached,
    needs_to_know_who_left,
)
from klara_daemon.telephony.provider import CallStatus

D = Disposition


def facts(**known: object) -> CallFacts:
    """What is known of one call."""
    return CallFacts(**known)  # type: ignore[arg-type]


def answered(**known: object) -> CallFacts:
    """What is known of one call that was answered, and that the person ended."""
    usual = {"status": "completed", "answered_by": "human", "sip_code": 200, "rang": True, "person_left": True}
    return facts(**(usual | known))


def cut_off(**known: object) -> CallFacts:
    """What is known of one call that was answered, and of which nobody said that the person ended it."""
    return answered(**({"person_left": False} | known))


ROWS = [
    ("all required questions answered", answered(conversation=D.INTERVIEWED, answers=2), D.INTERVIEWED),
    ("appointment agreed", answered(conversation=D.APPOINTMENT_BOOKED), D.APPOINTMENT_BOOKED),
    ("answered some questions, then hung up", answered(so_far=D.PARTLY_INTERVIEWED, answers=1), D.PARTLY_INTERVIEWED),
    ("answered some questions, then fell silent", answered(conversation=D.PARTLY_INTERVIEWED), D.PARTLY_INTERVIEWED),
    ("hung up before the first answer", answered(person_spoke=True), D.HUNG_UP),
    ("hung up in the first sentences", answered(person_spoke=True, so_far=D.HUNG_UP), D.HUNG_UP),
    ("said goodbye before the first answer", cut_off(person_spoke=True, conversation=D.HUNG_UP), D.HUNG_UP),
    ("gave the last answer and hung up", answered(so_far=D.INTERVIEWED, answers=2), D.INTERVIEWED),
    ("call me later", answered(conversation=D.CALLBACK_REQUESTED, answers=1), D.CALLBACK_REQUESTED),
    ("a spoken no", answered(conversation=D.DECLINED), D.DECLINED),
    ("never call me again", answered(conversation=D.OPTED_OUT, answers=1), D.OPTED_OUT),
    ("I want a person", answered(conversation=D.HUMAN_REQUESTED), D.HUMAN_REQUESTED),
    ("not this person's number", answered(conversation=D.WRONG_PERSON), D.WRONG_PERSON),
    ("machine", answered(answered_by="machine_start"), D.VOICEMAIL),
    ("a mailbox whose greeting was heard", answered(answered_by="machine_end_beep", person_spoke=True), D.VOICEMAIL),
    ("a mailbox, found out late", answered(answered_by="machine_start", conversation=D.NO_ANSWER), D.VOICEMAIL),
    ("fax", answered(answered_by="fax"), D.VOICEMAIL),
    ("the dialogue met a call screening", answered(conversation=D.VOICEMAIL), D.VOICEMAIL),
    ("rang out", facts(status="no-answer", sip_code=487, rang=True), D.NO_ANSWER),
    ("rang out, no code", facts(status="no-answer", rang=True), D.NO_ANSWER),
    ("switched off", facts(status="failed", sip_code=480), D.NO_ANSWER),
    ("rejected by the callee", facts(status="failed", sip_code=603, rang=True), D.NO_ANSWER),
    ("rejected, which looks busy", facts(status="busy", sip_code=603, rang=True), D.NO_ANSWER),
    ("answered, nobody ever spoke", answered(), D.NO_ANSWER),
    ("answered by who knows what, silence", answered(answered_by="unknown"), D.NO_ANSWER),
    ("somebody else, no time agreed", answered(conversation=D.NO_ANSWER, person_spoke=True), D.NO_ANSWER),
    ("busy", facts(status="busy", sip_code=486), D.BUSY),
    ("busy everywhere", facts(status="failed", sip_code=600), D.BUSY),
    ("not in service", facts(status="failed", sip_code=404), D.INVALID_NUMBER),
    ("not a number, said at the dial", facts(rejected=True, invalid_number=True), D.INVALID_NUMBER),
    ("not a number, said later", facts(status="failed", invalid_number=True), D.INVALID_NUMBER),
    ("the dial was refused", facts(rejected=True, error_code="21210"), D.TECHNICAL_FAILURE),
    ("the line failed", facts(status="failed", sip_code=503), D.TECHNICAL_FAILURE),
    ("failed without a code", facts(status="failed"), D.TECHNICAL_FAILURE),
    ("our address could not be reached", answered(error_code="11200"), D.TECHNICAL_FAILURE),
    ("our socket broke before the first answer", answered(error_code="64102", person_spoke=True), D.TECHNICAL_FAILURE),
    ("a broken line, taken for a hang-up", answered(conversation=D.HUNG_UP, error_code="64102"), D.TECHNICAL_FAILURE),
    (
        "goodbye after an answer, on a line that failed",
        cut_off(conversation=D.PARTLY_INTERVIEWED, error_code="64105"),
        D.TECHNICAL_FAILURE,
    ),
    ("our process was killed before the first answer", cut_off(so_far=D.HUNG_UP), D.TECHNICAL_FAILURE),
    ("our process was killed after an answer", cut_off(so_far=D.PARTLY_INTERVIEWED, answers=1), D.TECHNICAL_FAILURE),
    ("our process was killed before anybody spoke", cut_off(so_far=D.NO_ANSWER), D.TECHNICAL_FAILURE),
    ("our process was killed before its line stood", cut_off(), D.TECHNICAL_FAILURE),
    ("our process was killed after the last answer", cut_off(so_far=D.INTERVIEWED, answers=2), D.INTERVIEWED),
    (
        "our process was killed, then the call failed",
        cut_off(so_far=D.HUNG_UP, status="failed", sip_code=480),
        D.TECHNICAL_FAILURE,
    ),
    ("our line broke, then they hung up", answered(so_far=D.HUNG_UP, error_code="line_lost"), D.TECHNICAL_FAILURE),
    (
        "our line broke after an answer",
        answered(so_far=D.PARTLY_INTERVIEWED, answers=1, error_code="drained"),
        D.TECHNICAL_FAILURE,
    ),
    ("a mailbox that we hung up on", cut_off(answered_by="machine_start", so_far=D.HUNG_UP), D.VOICEMAIL),
    ("no last word was ever said", facts(), D.TECHNICAL_FAILURE),
    ("a word that nobody knows", facts(status="teleported"), D.TECHNICAL_FAILURE),
    ("settled as never placed", facts(placed=False), D.NOT_PLACED),
    ("cancelled in the queue", facts(status="canceled"), D.NOT_PLACED),
    ("cancelled in the queue, no callback", facts(cancelled=True), D.NOT_PLACED),
    ("cancelled by us while it rang", facts(status="canceled", cancelled=True, rang=True), D.CANCELLED),
    ("cancelled while it rang, no callback", facts(cancelled=True, rang=True), D.CANCELLED),
    ("cancelled too late: it was busy", facts(status="busy", cancelled=True, rang=True), D.BUSY),
    ("cancelled too late: somebody spoke", answered(cancelled=True, person_spoke=True), D.HUNG_UP),
]


@pytest.mark.parametrize(("known", "disposition"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_each_call_belongs_to_one_row(known: CallFacts, disposition: Disposition) -> None:
    assert disposition_of(known) is disposition


def test_every_disposition_has_a_row() -> None:
    assert {row[2] for row in ROWS} == set(Disposition)


@pytest.mark.parametrize("status", [status for status in CallStatus if status.is_final])
def test_each_final_word_of_the_phone_company_is_understood(status: CallStatus) -> None:
    assert disposition_of(CallFacts(status=status, sip_code=486, person_left=True)) is not D.TECHNICAL_FAILURE


def test_what_is_nobodys_doing_does_not_count() -> None:
    assert {D.INVALID_NUMBER, D.TECHNICAL_FAILURE, D.NOT_PLACED} == UNCOUNTED
    assert not D.NOT_PLACED.counts
    assert D.CANCELLED.counts


def test_only_who_spoke_with_us_was_reached() -> None:
    unreached = {D.WRONG_PERSON, D.VOICEMAIL, D.NO_ANSWER, D.BUSY, D.CANCELLED} | UNCOUNTED
    assert {disposition for disposition in Disposition if not is_reached(disposition)} == unreached


@pytest.mark.parametrize("so_far", [None, D.NO_ANSWER, D.HUNG_UP, D.PARTLY_INTERVIEWED])
def test_who_ended_a_talk_has_to_be_known_only_while_it_is_not(so_far: Disposition | None) -> None:
    assert needs_to_know_who_left(cut_off(so_far=so_far))
    assert not needs_to_know_who_left(answered(so_far=so_far))
    assert not needs_to_know_who_left(cut_off(so_far=so_far, error_code="failed"))


@pytest.mark.parametrize(
    "known",
    [
        cut_off(conversation=D.DECLINED),
        cut_off(conversation=D.HUNG_UP),
        cut_off(so_far=D.INTERVIEWED, answers=2),
        cut_off(so_far=D.HUNG_UP, answered_by="machine_start"),
        cut_off(conversed=False),
        facts(status="busy"),
    ],
)
def test_who_ended_it_makes_no_difference_to_what_is_certain(known: CallFacts) -> None:
    assert not needs_to_know_who_left(known)
