"""The candidates of a journey: each behaves differently on the telephone, and each has to end as the product says."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import Final

from klara_daemon.demo.telephone.people import (
    Answers,
    Behaviour,
    Busy,
    HangsUpAfter,
    NoAnswer,
    NotInService,
    Replies,
    Reply,
    Voicemail,
)
from klara_daemon.domain.dispositions import Disposition, Outcome

FIRST_QUESTION: Final = "Wie viele Jahre"
SECOND_QUESTION: Final = "Ab wann"


_COMES_TO: Final[dict[type[Behaviour], frozenset[Disposition]]] = {
    Answers: frozenset({Disposition.INTERVIEWED}),
    HangsUpAfter: frozenset({Disposition.HUNG_UP, Disposition.PARTLY_INTERVIEWED}),
    NoAnswer: frozenset({Disposition.NO_ANSWER}),
    Busy: frozenset({Disposition.BUSY}),
    # without the verdict of machine detection, which may be lost, it is somebody who says nothing of use
    Voicemail: frozenset({Disposition.VOICEMAIL, Disposition.NO_ANSWER}),
    NotInService: frozenset({Disposition.INVALID_NUMBER}),
}


@dataclass(frozen=True, slots=True)
class Person:
    """Takes calls as given, in order, later ones as the last. `calls` is how many it takes when nothing breaks.

    `says` are the answers that have to stand in the note.
    """

    name: str
    number: str
    takes_calls: tuple[Behaviour, ...]
    outcome: Outcome
    calls: int
    says: tuple[str, ...] = ()

    @property
    def can_end_a_call_as(self) -> frozenset[Disposition]:
        """What their own doing may come to in any call, early or late: whatever else counts was not theirs."""
        return frozenset().union(*(_COMES_TO[type(behaviour)] for behaviour in self.takes_calls))


def answering(years: str, start: str) -> Replies:
    """Replies to what is asked, in whichever order, however often."""

    def reply(heard: str) -> Reply:
        if SECOND_QUESTION in heard:
            return start
        if FIRST_QUESTION in heard:
            return years
        return "Ja, am Apparat." if "spreche ich" in heard else "Ja, das passt gut."

    return reply


def noting(asked: asyncio.Event, behaviour: Behaviour) -> Behaviour:
    """The same behaviour; when the first question is put to the person, `asked` is set."""
    if not isinstance(behaviour, Answers | HangsUpAfter):
        return behaviour
    replies = behaviour.replies
    assert callable(replies)

    def reply(heard: str) -> Reply:
        if FIRST_QUESTION in heard:
            asked.set()
        return replies(heard)

    return replace(behaviour, replies=reply)


ERIKA: Final = Person(
    name="Erika Antwortet",
    number="+4915123456701",
    takes_calls=(Answers(answering("Sieben Jahre.", "Ab dem ersten Oktober.")),),
    outcome=Outcome.COMPLETED,
    calls=1,
    says=("Sieben Jahre.", "Ab dem ersten Oktober."),
)
NOT_THERE_AT_FIRST: Final = Person(
    name="Nguyễn Văn Später",
    number="+4915123456702",
    takes_calls=(NoAnswer(), Answers(answering("Drei Jahre.", "Nächsten Monat."))),
    outcome=Outcome.COMPLETED,
    calls=2,
    says=("Drei Jahre.", "Nächsten Monat."),
)
HANGS_UP_HALF_WAY: Final = Person(
    name="Siobhán Legt-Auf",
    number="+4915123456705",
    takes_calls=(
        HangsUpAfter(3, answering("Einundzwanzig Jahre.", "Ab Januar.")),
        Answers(answering("Einundzwanzig Jahre.", "Ab Januar.")),
    ),
    outcome=Outcome.COMPLETED,
    calls=2,
    says=("Einundzwanzig Jahre.", "Ab Januar."),
)
PEOPLE: Final = (
    ERIKA,
    NOT_THERE_AT_FIRST,
    Person(
        name="Łukasz Besetzt",
        number="+4915123456703",
        takes_calls=(Busy(), Answers(answering("Zwölf.", "Sofort."))),
        outcome=Outcome.COMPLETED,
        calls=2,
        says=("Zwölf.", "Sofort."),
    ),
    Person(
        name="Aylin Mailbox",
        number="+4915123456704",
        takes_calls=(Voicemail(), Answers(answering("Zweieinhalb Jahre.", "In zwei Wochen."))),
        outcome=Outcome.COMPLETED,
        calls=2,
        says=("Zweieinhalb Jahre.", "In zwei Wochen."),
    ),
    HANGS_UP_HALF_WAY,
    Person(
        name="Kai Kein-Anschluss",
        number="+4915123456706",
        takes_calls=(NotInService(),),
        outcome=Outcome.UNCALLABLE,
        calls=1,
    ),
)
