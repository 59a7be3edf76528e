"""The candidates of the demo: each behaves differently, and each shows how their story has to end."""

from __future__ import annotations

from dataclasses import dataclass

from klara_daemon.demo.telephone.people import (
    Answers,
    Behaviour,
    Busy,
    HangsUpAfter,
    NoAnswer,
    NotInService,
    Voicemail,
)
from klara_daemon.domain.dispositions import Outcome


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody who is moved into the watched stage; `takes_calls` in order. It must end as `outcome`, after `calls`."""

    name: str
    phone: str
    number: str
    takes_calls: tuple[Behaviour, ...]
    outcome: Outcome
    calls: int


def _answering(years: str, start: str) -> Answers:
    return Answers(("Ja, am Apparat.", "Ja, das passt gut.", years, start))


PEOPLE = (
    Person(
        name="Erika Mustermann",
        phone="0151 23456701",
        number="+4915123456701",
        takes_calls=(_answering("Sieben Jahre.", "Ab dem ersten Oktober."),),
        outcome=Outcome.COMPLETED,
        calls=1,
    ),
    Person(
        name="Nguyễn Văn Minh",
        phone="+49 151 23456702",
        number="+4915123456702",
        takes_calls=(NoAnswer(), _answering("Drei Jahre und ein bisschen.", "Nächsten Monat.")),
        outcome=Outcome.COMPLETED,
        calls=2,
    ),
    Person(
        name="Łukasz Żółkiewski",
        phone="0049-151-23456703",
        number="+4915123456703",
        takes_calls=(Busy(), _answering("Zwölf.", "Sofort.")),
        outcome=Outcome.COMPLETED,
        calls=2,
    ),
    Person(
        name="Aylin Öztürk",
        phone="(0151) 2345 6704",
        number="+4915123456704",
        takes_calls=(Voicemail(), _answering("Zweieinhalb Jahre.", "In zwei Wochen.")),
        outcome=Outcome.COMPLETED,
        calls=2,
    ),
    Person(
        name="Siobhán O'Brien",
        phone="+4915123456705",
        number="+4915123456705",
        takes_calls=(
            HangsUpAfter(3, ("Ja.", "Ja, kurz.", "Einundzwanzig Jahre.")),
            Answers(("Ja, am Apparat.", "Ja.", "Ab Januar.")),
        ),
        outcome=Outcome.COMPLETED,
        calls=2,
    ),
    Person(
        name="Kai Kein-Anschluss",
        phone="0151 23456706",
        number="+4915123456706",
        takes_calls=(NotInService(),),
        outcome=Outcome.UNCALLABLE,
        calls=0,  # the network refuses to dial such a number
    ),
    Person(
        name="Anna Ablehnend",
        phone="0151 23456707",
        number="+4915123456707",
        takes_calls=(Answers(("Ja, am Apparat.", "Nein danke, ich habe kein Interesse mehr.")),),
        outcome=Outcome.REFUSED,
        calls=1,
    ),
    Person(
        name="Ole Nie-Da",
        phone="0151 23456708",
        number="+4915123456708",
        takes_calls=(NoAnswer(),),
        outcome=Outcome.EXHAUSTED,
        calls=3,
    ),
)
