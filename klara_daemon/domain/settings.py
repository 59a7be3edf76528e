"""The settings of one company as one document: what may stand in it, and what is meant where it is silent."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainValidator,
    StrictBool,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
)

from klara_daemon.domain.call_settings import CallingPart
from klara_daemon.domain.dialogue.turns import QuestionKind
from klara_daemon.domain.faults import Fault, Misplaced, across, faults_of, repeated_names, wrong
from klara_daemon.domain.settings_values import (
    CompanyId,
    Country,
    Key,
    Language,
    Name,
    Part,
    PhoneNumber,
    QuestionText,
    RecruiteeId,
    Subdivision,
    TimeZone,
    objects,
    some,
)

LONGEST_DOCUMENT = 4 * 1024 * 1024


class BadSettings(ValueError):
    """A settings document cannot be used; `faults` names everything that is wrong with it."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        super().__init__("; ".join(map(str, faults)))
        self.faults = tuple(faults)


class Mode(StrEnum):
    """In which role Klara calls."""

    INTERVIEW = "interview"
    RECRUITER = "recruiter"


class Target(StrEnum):
    """Where a placement is moved: the next stage by position, nowhere, or into one stage by its id."""

    NEXT = "next"
    NONE = "none"
    STAGE = "stage"


class MoveWhen(StrEnum):
    """Which outcome moves a placement; `REACHED`: also who was reached and did not finish, after the last attempt."""

    COMPLETED = "completed"
    REACHED = "reached"


class CompanyPart(Part):
    """Who calls, from where, and whose clock and calendar hold."""

    recruitee_company_id: CompanyId
    name: Name
    time_zone: TimeZone
    country: Country
    subdivision: Subdivision | None = None
    language: Language
    caller_number: PhoneNumber


def _built_kind(given: object) -> object:
    if given in ("date", "choice"):
        raise wrong(f"questions of the kind {given} are not built yet: use text, yes_no or number")
    return given


class QuestionPart(Part):
    """One Application Question, in the recruiter's own words."""

    key: Key
    text: QuestionText
    kind: Annotated[QuestionKind, BeforeValidator(_built_kind)] = QuestionKind.TEXT
    required: StrictBool = True


def _repeated_keys(given: Any) -> Iterator[Misplaced]:
    seen: list[object] = []
    for place, entry in objects(given):
        if (key := entry.get("key")) in seen:
            yield (place, "key"), "is the key of an earlier question already"
        seen.append(key)


class QuestionSetPart(Part):
    """Questions in the order in which they are asked, and the language of the calls in which they are."""

    language: Language
    questions: Annotated[tuple[QuestionPart, ...], Field(max_length=100), AfterValidator(some), across(_repeated_keys)]


class HostPart(Part):
    """A team member for whom recruiter mode will book."""

    name: Name
    recruitee_admin_id: RecruiteeId | None = None
    language: Language | None = None


def _built_mode(given: object) -> object:
    if given == Mode.RECRUITER:
        raise wrong("recruiter mode is not built yet: use interview")
    return given


def _target(given: object) -> object:
    if given in (Target.NEXT, Target.NONE) or (type(given) is int and 0 < given < 2**63):
        return given
    raise wrong('must be "next", "none" or the id of a stage')


class WatchedStagePart(Part):
    """A stage whose entry starts calling, and what follows the call."""

    offer_id: RecruiteeId
    stage_id: RecruiteeId
    mode: Annotated[Mode, BeforeValidator(_built_mode)]
    target: Annotated[int | Literal["next", "none"], PlainValidator(_target)] = Field(
        default_factory=lambda part: "none" if part.get("mode") == Mode.RECRUITER else "next"
    )
    move_when: MoveWhen = MoveWhen.COMPLETED
    question_set: Key | None = Field(default=None, validate_default=True)
    host: Key | None = None
    call_those_already_there: StrictBool = False

    @field_validator("target")
    @classmethod
    def _is_another_stage(cls, target: int | str, info: ValidationInfo) -> int | str:
        if target == info.data.get("stage_id"):
            raise wrong("must be another stage than the watched one")
        return target

    @field_validator("question_set")
    @classmethod
    def _is_named_for_interview(cls, question_set: str | None, info: ValidationInfo) -> str | None:
        if question_set is None and info.data.get("mode") == Mode.INTERVIEW:
            raise wrong("is missing: interview mode asks the questions of a set")
        return question_set

    @field_validator("host")
    @classmethod
    def _is_for_recruiter_mode(cls, host: str | None, info: ValidationInfo) -> str | None:
        if host is not None and info.data.get("mode") == Mode.INTERVIEW:
            raise wrong("must be absent: only recruiter mode has a host")
        return host


def _watched_twice(given: Any) -> Iterator[Misplaced]:
    first: dict[tuple[int, int], int] = {}
    for place, entry in objects(given):
        match entry:
            case {"offer_id": int(offer_id), "stage_id": int(stage_id)}:
                if (earlier := first.setdefault((offer_id, stage_id), place)) != place:
                    yield (place, "stage_id"), f"is watched already by watched_stages[{earlier}]"
            case _:
                pass


class SettingsDocument(Part):
    """All settings of one company. Secrets are not in it."""

    company: CompanyPart
    calling: CallingPart
    question_sets: Annotated[dict[Key, QuestionSetPart], Field(max_length=200)] = Field(default_factory=dict)
    hosts: Annotated[dict[Key, HostPart], Field(max_length=1000)] = Field(default_factory=dict)
    watched_stages: Annotated[tuple[WatchedStagePart, ...], Field(max_length=10_000), across(_watched_twice)] = ()


def _unknown_names(given: Any) -> Iterator[Misplaced]:
    if not isinstance(given, dict):
        return
    for name, among in (("question_set", "question_sets"), ("host", "hosts")):
        known = given.get(among, {})
        for place, entry in objects(given.get("watched_stages")):
            named = entry.get(name)
            if isinstance(named, str) and isinstance(known, dict) and named not in known:
                yield ("watched_stages", place, name), f"names nothing that stands in {among}"


_DOCUMENT: TypeAdapter[SettingsDocument] = TypeAdapter(Annotated[SettingsDocument, across(_unknown_names)])


def parse(text: str) -> SettingsDocument:
    """Read a settings document (JSON). Raises `BadSettings` with each fault by its path."""
    if len(text) > LONGEST_DOCUMENT:
        raise BadSettings([Fault("document", f"must have at most {LONGEST_DOCUMENT} characters")])
    try:
        document = _DOCUMENT.validate_json(text)
    except ValidationError as error:
        raise BadSettings(faults_of(error)) from None
    if repeated := repeated_names(text):
        raise BadSettings(repeated)
    return document


def to_json(document: SettingsDocument) -> str:
    """The document as text that `parse` reads again."""
    return document.model_dump_json(by_alias=True, exclude_none=True, indent=2)
