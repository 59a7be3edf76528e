"""The build: locks that others can install from, targets that say what they do, and rules that are really kept."""

import ast
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
RUNTIME = PROJECT["project"]["dependencies"] + PROJECT["dependency-groups"]["build"]
DEVELOPMENT = [
    *RUNTIME,
    *PROJECT["project"]["optional-dependencies"]["demo"],
    *(each for each in PROJECT["dependency-groups"]["dev"] if isinstance(each, str)),
]


def _locked(name: str) -> dict[str, str]:
    """Each locked package's version."""
    lock = (ROOT / "requirements" / name).read_text()
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", lock, re.MULTILINE))


@pytest.mark.parametrize(("lock", "wanted"), [("runtime.txt", RUNTIME), ("dev.txt", DEVELOPMENT)])
def test_a_lock_holds_what_the_project_asks_for(lock: str, wanted: list[str]) -> None:
    locked = _locked(lock)
    for requirement in map(Requirement, wanted):
        name = canonicalize_name(requirement.name)
        assert name in locked, f"{name} is not in {lock}: run `make lock`"
        assert locked[name] in requirement.specifier, f"{lock} is too old for {requirement}: run `make lock`"


def test_what_is_developed_with_is_what_is_deployed() -> None:
    development = _locked("dev.txt")
    assert {name: development.get(name) for name in _locked("runtime.txt")} == _locked("runtime.txt")


@pytest.mark.parametrize("lock", ["runtime.txt", "dev.txt"])
def test_a_lock_names_no_place_and_a_hash_for_everything(lock: str) -> None:
    text = (ROOT / "requirements" / lock).read_text()
    assert not re.search(r"://|^\s*-(?!-hash=sha256:)|--(?!hash=sha256:)", text, re.MULTILINE)
    for entry in re.split(r"^(?=[a-z])", text, flags=re.MULTILINE)[1:]:
        assert "--hash=sha256:" in entry, entry


_IMPORTED_AS = {"prometheus-client": "prometheus_client", "pyyaml": "yaml", "pytest-asyncio": "pytest_asyncio"}


def _imported(folder: str) -> set[str]:
    """The packages from outside that the modules of a folder import."""
    names: set[str] = set()
    for path in (ROOT / folder).rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names.add(node.module.partition(".")[0])
    return names - sys.stdlib_module_names - {"klara_daemon", "tests"}


@pytest.mark.parametrize(
    ("folder", "declared"), [("klara_daemon", RUNTIME), ("sql", DEVELOPMENT), ("tests", DEVELOPMENT)]
)
def test_what_is_imported_is_asked_for(folder: str, declared: list[str]) -> None:
    names = {canonicalize_name(Requirement(each).name) for each in declared}
    assert _imported(folder) <= {_IMPORTED_AS.get(name, name.replace("-", "_")) for name in names}


def _make(*arguments: str) -> str:
    return subprocess.run(
        ["make", "--no-print-directory", *arguments], cwd=ROOT, check=True, capture_output=True, text=True, timeout=60
    ).stdout


def test_what_installs_and_locks_keeps_no_cache_outside_of_the_clone() -> None:
    commands = _make("--dry-run", "--always-make", "lock").replace("\\\n", " ").splitlines()
    fetching = [line for line in commands if " -m pip " in line or "/uv " in line]
    assert len(fetching) == 4
    for line in fetching:
        assert "--no-cache-dir" in line if " -m pip " in line else "--no-cache " in line, line


def test_help_lists_every_target() -> None:
    declared = re.search(r"^\.PHONY: (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert declared is not None
    listed = {line.split()[1] for line in _make("help").splitlines()}
    assert listed == set(declared[1].split())
    assert {"demo", "test", "check", "bench", "help"} <= listed


@pytest.mark.parametrize(
    ("python", "says"),
    [
        # As Debian's Python without python3-venv.
        ('case "$*" in *ensurepip*) exit 1;; *version_info?:*) echo 3.12;; esac', "apt-get install python3.12-venv"),
        ("exit 1", "Klara needs Python 3.11 or later"),
    ],
)
def test_a_python_that_will_not_do_is_told_in_one_sentence(tmp_path: Path, python: str, says: str) -> None:
    shutil.copytree(ROOT / "requirements", tmp_path / "requirements")
    for name in ("Makefile", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "python").write_text(f"#!/bin/sh\n{python}\n")
    (tmp_path / "python").chmod(0o755)
    done = subprocess.run(
        ["make", "test", f"PYTHON={tmp_path}/python"],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode != 0
    assert says in done.stderr.splitlines()[0]
    assert not (tmp_path / ".venv").exists()


def test_ci_runs_the_check_and_the_demo() -> None:
    script = ROOT / ".ci" / "run"
    assert script.stat().st_mode & 0o111
    assert script.read_text().splitlines()[-2:] == ["make check", "make demo ARGS=--once"]


_FORBIDDEN_IMPORTS = [
    ("domain/calling_hours.py", "import asyncpg", "domain"),
    ("domain/calling_hours.py", "import time", "domain"),
    ("domain/calling_hours.py", "from klara_daemon import messages", "layers"),
    ("actors/dialer.py", "import klara_daemon.actors.call_scheduler", "actors"),
    ("actors/dialer.py", "import klara_daemon.web.webhooks", "layers"),
    ("actors/dialer.py", "import asyncpg", "postgres"),
    ("app.py", "import aio_pika", "rabbitmq"),
    ("store/database.py", "import klara_daemon.broker.rabbitmq", "layers"),
    ("telephony/relay.py", "import twilio", "tests"),
]


def test_the_import_contracts_hold(tmp_path: Path) -> None:
    _copy_of_the_package(tmp_path)
    assert _broken_contracts(tmp_path) == set()


@pytest.mark.parametrize(("module", "line", "contract"), _FORBIDDEN_IMPORTS)
def test_an_import_that_points_up_or_out_breaks_its_contract(
    tmp_path: Path, module: str, line: str, contract: str
) -> None:
    _copy_of_the_package(tmp_path)
    with (tmp_path / "klara_daemon" / module).open("a") as file:
        file.write(f"\n{line}\n")
    assert contract in _broken_contracts(tmp_path)


def _copy_of_the_package(folder: Path) -> None:
    shutil.copytree(ROOT / "klara_daemon", folder / "klara_daemon", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", folder)


def _broken_contracts(folder: Path) -> set[str]:
    names = {contract["name"]: contract["id"] for contract in PROJECT["tool"]["importlinter"]["contracts"]}
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-logo", "--no-cache"]
    said = subprocess.run(command, cwd=folder, check=False, capture_output=True, text=True, timeout=60).stdout
    verdicts = dict(re.findall(r"^(.+?) (KEPT|BROKEN)", said, re.MULTILINE))
    assert set(verdicts) == set(names), said
    return {names[name] for name, verdict in verdicts.items() if verdict == "BROKEN"}


_CLOCKS = {"now", "utcnow", "today", "monotonic", "perf_counter", "time_ns"}


@pytest.mark.parametrize(
    "path", sorted((ROOT / "klara_daemon" / "domain").rglob("*.py")), ids=lambda path: str(path.relative_to(ROOT))
)
def test_the_domain_reads_no_clock_and_waits_for_nothing(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        assert not isinstance(node, ast.AsyncFunctionDef | ast.Await), f"{path.name}:{node.lineno} waits"
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            assert node.func.attr not in _CLOCKS, f"{path.name}:{node.lineno} reads a clock"
