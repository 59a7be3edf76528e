"""No call is placed but by the dialer, and the dialer places none but through the gate: read off the source itself.

The import contracts `dialling` and `provider` say who may have the way to the telephone at hand; these tests say what
is done with it.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import klara_daemon

PACKAGE = Path(klara_daemon.__file__).parent


def calls_of(method: str) -> Iterator[tuple[str, str]]:
    """Each place (module, function) that calls a method of this name; the demo's world is not the daemon."""
    for path in sorted(PACKAGE.rglob("*.py")):
        module = path.relative_to(PACKAGE).as_posix()
        if module.startswith("demo/"):
            continue
        for function in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef):
                for node in ast.walk(function):
                    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == method:
                        yield module, function.name


def modules_with(text: str) -> set[str]:
    """The daemon's modules in whose source this stands."""
    return {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        if "demo" not in path.parts and text in path.read_text("utf-8")
    }


def source_of(module: str, function: str) -> str:
    tree = ast.parse((PACKAGE / module).read_text("utf-8"))
    [found] = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function
    ]
    return ast.unparse(found)


def test_one_place_asks_the_phone_company_for_a_call() -> None:
    assert set(calls_of("dial")) == {("actors/call_sender.py", "send")}


def test_the_request_for_a_call_is_sent_from_one_place() -> None:
    assert modules_with("dial_form(") == {"telephony/twilio/client.py", "telephony/twilio/protocol.py"}
    assert list(calls_of("dial_form")) == [("telephony/twilio/client.py", "dial")]


def test_nothing_is_dialled_but_what_has_passed_the_fence_just_before() -> None:
    send = source_of("actors/call_sender.py", "send")
    fence, dial = "dial = await self._fence(", "self._provider.dial(dial)"
    assert send.index(fence) < send.index("if dial is None:") < send.index(dial)


def test_claim_and_fence_ask_the_gate_and_the_gate_asks_the_one_rule() -> None:
    assert set(calls_of("ask")) >= {("actors/dialer.py", "_claim"), ("actors/call_sender.py", "_fence")}
    assert set(calls_of("begin_placing")) == {("actors/call_sender.py", "_fence")}
    assert modules_with("calls.claim(") == {"actors/dialer.py"}
    assert "may_call(" in source_of("actors/gate.py", "ask")


def test_no_statement_but_those_two_makes_an_attempt_or_lets_it_go_out() -> None:
    statements = [
        (path.name, line.strip())
        for path in (PACKAGE / "store").glob("*.py")
        for line in path.read_text("utf-8").splitlines()
        if "INSERT INTO attempts" in line or "SET state = 'placing'" in line
    ]
    assert [name for name, _ in statements] == ["calls.py", "calls.py"]
