"""The image is built from locked packages, runs as nobody, and starts without a shell.

No engine builds it here: these tests read the file.
"""

from __future__ import annotations

import json
import re

import pytest

from klara_daemon.config import Address, Config
from tests.deploy.installation import DEPLOY, TOP

FOLDER = DEPLOY / "container"


def instructions() -> list[tuple[str, str]]:
    """Every instruction of the file, in order, continued lines joined."""
    text = re.sub(r"(?m)^#.*\n", "", (FOLDER / "Containerfile").read_text())
    lines = re.sub(r"\\\n\s*", "", text).splitlines()
    return [(word, rest) for line in lines if line for word, rest in [line.split(" ", 1)]]


def stages() -> list[list[tuple[str, str]]]:
    found: list[list[tuple[str, str]]] = []
    for word, rest in instructions():
        if word == "FROM":
            found.append([])
        found[-1].append((word, rest))
    return found


BUILD, FINAL = stages()


def only(word: str) -> str:
    (rest,) = [rest for instruction, rest in FINAL if instruction == word]
    return rest


def test_both_stages_start_from_the_same_slim_python() -> None:
    (build, final) = (stage[0][1] for stage in (BUILD, FINAL))
    assert re.fullmatch(r"python:3\.1[1-4]-slim", final)
    assert build == f"{final} AS build"


def test_everything_is_run_without_a_shell() -> None:
    for word, rest in instructions():
        if word in {"RUN", "CMD", "ENTRYPOINT"}:
            assert isinstance(json.loads(rest), list)
    assert json.loads(only("HEALTHCHECK").split(" CMD ")[1])[0] == "python"
    assert json.loads(only("ENTRYPOINT")) == ["klara-daemon"]
    assert json.loads(only("CMD")) == ["run"]


def test_nothing_is_installed_that_is_not_locked_with_a_hash_but_the_project_itself() -> None:
    installs = [json.loads(rest) for word, rest in instructions() if word == "RUN" and '"install"' in rest]
    packages, project = installs
    assert {"--require-hashes", "--only-binary=:all:"} <= set(packages)
    assert "--hash=sha256:" in (TOP / packages[-1]).read_text()
    assert {"--no-deps", "--no-index", "--no-build-isolation"} <= set(project)
    assert project[-1] == "."


def test_the_final_stage_installs_nothing() -> None:
    assert "RUN" not in dict(FINAL)


def test_it_runs_as_a_numbered_user_who_is_not_root() -> None:
    user, group = only("USER").split(":")
    assert int(user) > 0
    assert int(group) > 0
    assert [word for word, _ in FINAL].index("USER") > [word for word, _ in FINAL].index("COPY")
    assert "--chown=0:0" in only("COPY")


def test_what_is_copied_is_there_and_not_ignored() -> None:
    lines = (FOLDER / "Containerfile.dockerignore").read_text().splitlines()
    assert lines[0] == "*"
    for word, rest in BUILD:
        if word == "COPY":
            for source in rest.split()[:-1]:
                assert (TOP / source).exists(), source
                assert f"!{source.split('/')[0]}" in lines


def test_its_environment_is_a_configuration_and_the_health_check_asks_the_right_address() -> None:
    environ = dict(pair.split("=", 1) for pair in only("ENV").split())
    config = Config.from_env(environ)
    assert config.health_listen == Address("0.0.0.0", 8081)  # noqa: S104 -- within the container
    assert only("EXPOSE").split() == [str(config.listen.port), str(config.health_listen.port)]
    assert f"http://127.0.0.1:{config.health_listen.port}/healthz" in only("HEALTHCHECK")


@pytest.mark.parametrize("word", ["ADD", "VOLUME", "SHELL", "ARG"])
def test_it_does_without(word: str) -> None:
    assert word not in dict(instructions())
