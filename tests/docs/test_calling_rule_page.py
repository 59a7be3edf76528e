"""What docs/calling-rule.md promises: its codes are those of the code, its example is answered as it says."""

from __future__ import annotations

import ast
import json
import re
from pathlib import Path

from klara_daemon.commands.explain import LONGEST_FILE
from klara_daemon.domain.situation_document import LONGEST_DOCUMENT, SituationDocument
from tests.commands.command_line import give

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "calling-rule.md").read_text("utf-8")


def codes_of(source: str) -> set[str]:
    """The codes with which a module makes a rule speak."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call) and node.args)
    codes = [call.args[0] for call in calls if isinstance(call.func, ast.Name) and call.func.id == "RuleSays"]
    return {str(code.value) for code in codes if isinstance(code, ast.Constant)}


def test_every_code_is_listed_once_and_no_other() -> None:
    listed = re.findall(r"^\| \d* ?\| `(\w+)` \|", PAGE, re.MULTILINE)
    spoken = {code for path in (ROOT / "klara_daemon").rglob("*.py") for code in codes_of(path.read_text("utf-8"))}

    assert len(listed) > 20
    assert sorted(listed) == sorted(spoken)


async def test_the_example_is_answered_as_shown() -> None:
    asked, expected = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)

    ended = await give("explain", "--file", "-", environment={}, typed=asked)

    assert ended.status == 0
    assert json.loads(ended.printed) == json.loads(expected)


async def test_a_day_is_told_as_shown() -> None:
    asked, _ = re.findall(r"^```json\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    shown = re.search(r'`(\{"on": .*\})`', PAGE)
    assert shown is not None

    ended = await give("explain", "--file", "-", "--days", "14", environment={}, typed=asked)

    assert json.loads(shown[1]) in json.loads(ended.printed)["days"]


def test_every_name_of_the_document_is_explained() -> None:
    rows = re.findall(r"^\| `(\w+)` \| (needed)? ?\|", PAGE.split("## The codes", maxsplit=1)[0], re.MULTILINE)

    fields = SituationDocument.model_fields.items()
    assert rows == [(name, "needed" if field.is_required() else "") for name, field in fields]


def test_the_limits_are_those_of_the_code() -> None:
    assert f"up to {LONGEST_DOCUMENT // 2**20} MiB, a file up to {LONGEST_FILE // 2**20} MiB" in " ".join(PAGE.split())
