"""Two companies, three jobs, few telephone numbers: small enough that everybody meets everybody."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from tests.actors.scene import CALLING_PART, COMPANY, COMPANY_PART, QUESTIONS

OTHER_COMPANY: Final = 89565
COMPANIES: Final = (COMPANY, OTHER_COMPANY)
CALLERS: Final = {COMPANY: "+4952112345670", OTHER_COMPANY: "+4952112345680"}
# Mobiles in Germany, New York, Auckland, and one that may be in many places; then what is no number to call.
NUMBERS: Final = (
    "+4915123456701", "+4915123456702", "+4915123456703", "+4915123456704", "+12125550123", "+6493001234",
    "+61412345678",
)  # fmt: skip
NO_NUMBERS: Final = ("n/a", "", "0900 1234567")
_COLUMNS: Final = (
    ("Beworben", "apply"),
    ("Telefoninterview", "phone_screen"),
    ("Gespräch vor Ort", "interview"),
    ("Eingestellt", "hire"),
)


@dataclass(frozen=True, slots=True)
class Job:
    """An offer with one stage that Klara may watch."""

    company_id: int
    offer_id: int

    @property
    def stages(self) -> list[tuple[int, str, str]]:
        """The pipeline from left to right, as the small Recruitee takes it."""
        return [(self.offer_id * 10 + nth, *column) for nth, column in enumerate(_COLUMNS)]

    @property
    def applied(self) -> int:
        """The stage before the call."""
        return self.offer_id * 10

    @property
    def call(self) -> int:
        """The stage in which Klara phones."""
        return self.offer_id * 10 + 1

    @property
    def interview(self) -> int:
        """The stage after the call."""
        return self.offer_id * 10 + 2

    @property
    def hired(self) -> int:
        """The last stage."""
        return self.offer_id * 10 + 3


CARE: Final = Job(COMPANY, 1181300)
NIGHT: Final = Job(COMPANY, 1181301)
KITCHEN: Final = Job(OTHER_COMPANY, 1181302)
JOBS: Final = (CARE, NIGHT, KITCHEN)


def document(company_id: int) -> dict[str, Any]:
    """What an operator applies once."""
    return {
        "company": {**COMPANY_PART, "recruitee_company_id": company_id, "caller_number": CALLERS[company_id]},
        "calling": CALLING_PART,
        "question_sets": {"care": {"language": "de", "questions": QUESTIONS}},
        "watched_stages": [
            {"offer_id": job.offer_id, "stage_id": job.call, "mode": "interview", "question_set": "care"}
            for job in JOBS
            if job.company_id == company_id
        ],
    }
