"""The settings document as rows of the settings tables, and back; and which rows differ."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from klara_daemon.domain.settings import SettingsDocument, Target, WatchedStagePart
from klara_daemon.domain.settings_values import clock

#: A row by column, its values as JSON has them: what `to_jsonb` gives and `jsonb_populate_recordset` takes.
Row = dict[str, Any]
Rows = Mapping[str, Sequence[Row]]


@dataclass(frozen=True, slots=True)
class Table:
    """A settings table. In the columns `unordered`, the order of a list and what stands in it twice mean nothing."""

    name: str
    key: tuple[str, ...]
    others: tuple[str, ...]
    unordered: tuple[str, ...] = ()

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that the document knows; a later version may have added some."""
        return (*self.key, *self.others)

    @property
    def read_sql(self) -> str:
        """The rows of company `$1`."""
        columns = ", ".join(self.columns)
        read = f"SELECT {columns} FROM {self.name} WHERE company_id = $1"
        return f"SELECT '{self.name}', to_jsonb(found)::text FROM ({read}) found"

    @property
    def save_sql(self) -> str:
        """Insert the rows of the JSON list `$1`, or bring them up to date."""
        columns, key, others = ", ".join(self.columns), ", ".join(self.key), ", ".join(self.others)
        wanted = ", ".join(f"excluded.{column}" for column in self.others)
        return (
            f"INSERT INTO {self.name} ({columns})"
            f" SELECT {columns} FROM jsonb_populate_recordset(NULL::{self.name}, $1)"
            f" ON CONFLICT ({key}) DO UPDATE SET ({others}) = ROW({wanted})"
        )

    @property
    def remove_sql(self) -> str:
        """Delete the rows that have the keys of the JSON list `$1`."""
        key = ", ".join(self.key)
        gone = f"SELECT {key} FROM jsonb_populate_recordset(NULL::{self.name}, $1)"
        return f"DELETE FROM {self.name} WHERE ({key}) IN ({gone})"


TABLES = (
    Table("companies", ("company_id",), ("name", "time_zone", "country", "subdivision", "language", "caller_number")),
    Table(
        "call_settings",
        ("company_id",),
        (
            "max_attempts",
            "attempts_per_day",
            "weekdays",
            "pause_minutes",
            "first_call_delay_minutes",
            "max_per_30_days",
            "observe_public_holidays",
            "closed_days",
            "calls_at_once",
        ),
        unordered=("weekdays", "closed_days"),
    ),
    Table("calling_windows", ("company_id", "opens"), ("closes",)),
    Table("question_sets", ("company_id", "question_set"), ("language",)),
    Table("questions", ("company_id", "question_set", "key"), ("position", "text", "kind", "required")),
    Table("hosts", ("company_id", "host"), ("name", "recruitee_admin_id", "language")),
    Table(
        "watched_stages",
        ("company_id", "offer_id", "stage_id"),
        (
            "mode",
            "target",
            "target_stage_id",
            "move_when",
            "question_set",
            "host",
            "call_those_already_there",
        ),
    ),
)

#: Every row of company `$1` and the table in which it stands, all as of one moment.
READ_SQL = " UNION ALL ".join(table.read_sql for table in TABLES)


@dataclass(frozen=True, slots=True)
class Difference:
    """What must happen to the rows of one table."""

    table: Table
    added: tuple[Row, ...]
    changed: tuple[Row, ...]
    removed: tuple[Row, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)


def differences(wanted: Rows, stored: Rows) -> tuple[Difference, ...]:
    """What must happen so that `stored` becomes `wanted`; tables in which nothing must are left out."""
    wanted = {**wanted, "questions": _in_place(wanted["questions"], stored["questions"])}
    each = (_difference(table, wanted[table.name], stored[table.name]) for table in TABLES)
    return tuple(difference for difference in each if difference)


def _difference(table: Table, wanted: Iterable[Row], stored: Iterable[Row]) -> Difference:
    new = {_key(table, row): row for row in wanted}
    old = {_key(table, row): row for row in stored}
    return Difference(
        table,
        added=tuple(row for key, row in new.items() if key not in old),
        changed=tuple(row for key, row in new.items() if key in old and _meant(table, row) != _meant(table, old[key])),
        removed=tuple(row for key, row in old.items() if key not in new),
    )


def _in_place(wanted: Sequence[Row], stored: Sequence[Row]) -> list[Row]:
    """The wanted questions; where a set's order is the stored one, at the stored positions, gaps and all."""
    positioned: list[Row] = []
    for name in dict.fromkeys(row["question_set"] for row in wanted):
        new, old = _of_set(name, wanted), _of_set(name, stored)
        if [row["key"] for row in new] == [row["key"] for row in old]:
            new = [row | {"position": before["position"]} for row, before in zip(new, old, strict=True)]
        positioned += new
    return positioned


def _key(table: Table, row: Row) -> tuple[Any, ...]:
    return tuple(row[column] for column in table.key)


def _meant(table: Table, row: Row) -> list[Any]:
    return [set(row[column]) if column in table.unordered else row[column] for column in table.columns]


def rows_of(document: SettingsDocument) -> dict[str, list[Row]]:
    """The rows that the document means, by table."""
    company, calling = document.company, document.calling
    owner = {"company_id": company.recruitee_company_id}
    return {
        "companies": [owner | company.model_dump(mode="json", exclude={"recruitee_company_id"})],
        "call_settings": [owner | calling.model_dump(mode="json", exclude={"windows"})],
        "calling_windows": [
            owner | {"opens": f"{clock(window.opens)}:00", "closes": f"{clock(window.closes)}:00"}
            for window in calling.windows
        ],
        "question_sets": [
            owner | {"question_set": name, "language": questions.language}
            for name, questions in document.question_sets.items()
        ],
        "questions": [
            owner | {"question_set": name, "position": position} | question.model_dump(mode="json")
            for name, questions in document.question_sets.items()
            for position, question in enumerate(questions.questions, start=1)
        ],
        "hosts": [owner | {"host": name} | host.model_dump(mode="json") for name, host in document.hosts.items()],
        "watched_stages": [owner | _watched_row(stage) for stage in document.watched_stages],
    }


def _watched_row(stage: WatchedStagePart) -> Row:
    row = stage.model_dump(mode="json")
    if isinstance(stage.target, int):
        return row | {"target": Target.STAGE.value, "target_stage_id": stage.target}
    return row | {"target_stage_id": None}


def document_of(rows: Rows) -> dict[str, Any]:
    """The document that the rows mean, unchecked: what is missing in them is missing in it."""
    document: dict[str, Any] = {}
    for row in rows["companies"]:
        document["company"] = {"recruitee_company_id": row["company_id"], **_rest(row)}
    if calling := _calling(rows):
        document["calling"] = calling
    sets = sorted(rows["question_sets"], key=lambda row: row["question_set"])
    document["question_sets"] = {row["question_set"]: _questions(row, rows["questions"]) for row in sets}
    hosts = sorted(rows["hosts"], key=lambda row: row["host"])
    document["hosts"] = {row["host"]: _rest(row, "host") for row in hosts}
    watched = sorted(rows["watched_stages"], key=lambda row: (row["offer_id"], row["stage_id"]))
    document["watched_stages"] = [_watched_stage(row) for row in watched]
    return document


def _calling(rows: Rows) -> dict[str, Any]:
    calling: dict[str, Any] = {}
    for row in rows["call_settings"]:
        calling |= _rest(row)
        calling["closed_days"] = sorted(set(row["closed_days"]))
    if windows := sorted(rows["calling_windows"], key=lambda row: row["opens"]):
        calling["windows"] = [{"from": window["opens"][:5], "to": window["closes"][:5]} for window in windows]
    return calling


def _questions(question_set: Row, questions: Sequence[Row]) -> dict[str, Any]:
    in_order = _of_set(question_set["question_set"], questions)
    return {
        **_rest(question_set, "question_set"),
        "questions": [_rest(row, "question_set", "position") for row in in_order],
    }


def _of_set(name: str, questions: Sequence[Row]) -> list[Row]:
    return sorted((row for row in questions if row["question_set"] == name), key=lambda row: row["position"])


def _watched_stage(row: Row) -> dict[str, Any]:
    stage = _rest(row, "target_stage_id")
    if row["target"] == Target.STAGE:
        stage["target"] = row["target_stage_id"]
    return stage


def _rest(row: Row, *without: str) -> dict[str, Any]:
    left_out = {"company_id", *without}
    return {column: value for column, value in row.items() if column not in left_out and value is not None}
