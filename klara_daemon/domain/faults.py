"""What is wrong in a document that a person wrote: each fault by its path, in words that say what is expected."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator
from pydantic_core import ErrorDetails, InitErrorDetails, PydanticCustomError

SENTENCES = {
    "bool_type": "must be true or false",
    "dict_type": "must be an object: {{...}}",
    "enum": "must be one of {expected}",
    "extra_forbidden": "is not known here",
    "greater_than_equal": "must be {ge} or more",
    "int_from_float": "must be a whole number",
    "int_type": "must be a whole number",
    "json_invalid": "is not JSON: {error}",
    "less_than_equal": "must be {le} or less",
    "missing": "is missing",
    "model_type": "must be an object: {{...}}",
    "string_too_long": "must have at most {max_length} characters",
    "string_type": "must be text in quotation marks",
    "too_long": "must have at most {max_length} entries",
    "tuple_type": "must be a list: [...]",
}


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong. `path` leads to it from the top, as in `calling.windows[1].to`; `says` is for people."""

    path: str
    says: str

    def __str__(self) -> str:
        return f"{self.path}: {self.says}"


Place = tuple[str | int, ...]
Misplaced = tuple[Place, str]


def wrong(says: str) -> PydanticCustomError:
    """An error for a validator to raise, in our own words."""
    return PydanticCustomError("own_words", "{says}", {"says": says})


def across(check: Callable[[Any], Iterable[Misplaced]]) -> WrapValidator:
    """Validate a list or an object and hold its entries against each other, also when some are faulty themselves.

    `check` gets what was written, of whatever shape, and tells for places below it what is wrong there.
    """

    def validate(given: Any, handler: ValidatorFunctionWrapHandler) -> Any:
        found = list(check(given))
        try:
            valid = handler(given)
        except ValidationError as error:
            raise _all([*_misplaced(error), *found]) from None
        if found:
            raise _all(found)
        return valid

    return WrapValidator(validate)


def faults_of(error: ValidationError) -> tuple[Fault, ...]:
    """What pydantic found, by path and in our words."""
    return tuple(Fault(path_of(place), says) for place, says in _misplaced(error))


def repeated_names(text: str) -> tuple[Fault, ...]:
    """The names that stand twice in one object of this JSON text, of which a parser would silently keep the last."""
    return tuple(_repeated(json.loads(text, object_pairs_hook=_Pairs), ()))


def path_of(place: Sequence[str | int]) -> str:
    """The path of a place, as a person would write it down; `document` for the whole."""
    path = ""
    for step in place:
        if isinstance(step, int):
            path += f"[{step}]"
        elif re.fullmatch(r"[\w-]+", step):
            path += f".{step}"
        elif step != "[key]":
            path += f"[{json.dumps(step[:64], ensure_ascii=False)}]"
    return path.removeprefix(".") or "document"


class _Pairs(list[tuple[str, Any]]):
    """An object of a JSON text with every name that was written."""


def _repeated(value: Any, place: Place) -> Iterator[Fault]:
    if isinstance(value, _Pairs):
        seen: set[str] = set()
        for name, inner in value:
            if name in seen:
                yield Fault(path_of((*place, name)), "stands in its object twice")
            seen.add(name)
            yield from _repeated(inner, (*place, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from _repeated(inner, (*place, index))


def _all(found: Iterable[Misplaced]) -> ValidationError:
    details = [InitErrorDetails(type=wrong(says), loc=place, input=None) for place, says in found]
    return ValidationError.from_exception_data("document", details)


def _misplaced(error: ValidationError) -> list[Misplaced]:
    return [(details["loc"], _says(details)) for details in error.errors(include_url=False, include_input=False)]


def _says(details: ErrorDetails) -> str:
    if sentence := SENTENCES.get(details["type"]):
        return sentence.format(**details.get("ctx", {}))
    return details["msg"]
