"""Which way to a server is taken: the order, the climb, and an engine that is none."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from socketserver import ThreadingMixIn, UnixStreamServer

import pytest

from klara_daemon.demo.private_server import ServerFailed
from tests.servers.debian import install_rabbitmq
from tests.servers.interfaces import Unavailable
from tests.servers.ladder import NoServer, Way, climb, ways_to_postgres, ways_to_rabbitmq


@pytest.mark.parametrize(
    ("given", "breakable", "ways"),
    [
        (True, False, (Way.GIVEN,)),
        (True, True, (Way.CONTAINER, Way.WHEEL)),
        (False, False, (Way.CONTAINER, Way.WHEEL)),
        (False, True, (Way.CONTAINER, Way.WHEEL)),
    ],
)
def test_ways_to_postgres(*, given: bool, breakable: bool, ways: tuple[Way, ...]) -> None:
    assert ways_to_postgres(given=given, breakable=breakable) == ways


@pytest.mark.parametrize(
    ("given", "breakable", "may_install", "ways"),
    [
        (True, False, True, (Way.GIVEN,)),
        (True, True, True, (Way.CONTAINER, Way.INSTALLED, Way.INSTALL)),
        (True, True, False, (Way.CONTAINER, Way.INSTALLED)),
        (False, False, True, (Way.CONTAINER, Way.INSTALLED, Way.INSTALL)),
        (False, False, False, (Way.CONTAINER, Way.INSTALLED)),
    ],
)
def test_ways_to_rabbitmq(*, given: bool, breakable: bool, may_install: bool, ways: tuple[Way, ...]) -> None:
    assert ways_to_rabbitmq(given=given, breakable=breakable, may_install=may_install) == ways


def test_the_first_way_that_holds_is_taken_and_no_further_one_tried() -> None:
    tried = []

    def attempt(way: Way) -> str:
        tried.append(way)
        if way is Way.CONTAINER:
            raise Unavailable("no engine")
        return f"a server by {way}"

    found = climb((Way.CONTAINER, Way.INSTALLED, Way.INSTALL), attempt, otherwise="none")
    assert found == (Way.INSTALLED, f"a server by {Way.INSTALLED}")
    assert tried == [Way.CONTAINER, Way.INSTALLED]


def test_without_any_server_one_sentence_says_what_to_install_and_why_nothing_else_held() -> None:
    def attempt(way: Way) -> str:
        raise Unavailable("no engine") if way is Way.CONTAINER else ServerFailed("it ended")

    with pytest.raises(NoServer) as caught:
        climb((Way.CONTAINER, Way.WHEEL), attempt, otherwise="Install the thing")
    assert str(caught.value) == "Install the thing (container: no engine; wheel: it ended)"


_POOR = """
from tests.servers import rabbitmq_node, session
rabbitmq_node._SCRIPT_FOLDERS = ()
session.may_install = lambda: False
"""


def test_a_server_to_break_that_is_not_to_be_had_ends_the_run_before_its_first_test(tmp_path: Path) -> None:
    """Although one is named: that one is somebody's."""
    (tmp_path / "poor.py").write_text(_POOR)
    environment = {
        **os.environ,
        "KLARA_TEST_AMQP_URL": "amqp://127.0.0.1:1",
        "DOCKER_HOST": "unix:///nowhere",
        "PYTHONPATH": str(tmp_path),
    }
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "poor", "-k", "ways_to_postgres or has_killed", Path(__file__).parent],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "kill and freeze a RabbitMQ, which is never one that the environment names: install" in done.stdout
    assert "passed" not in done.stdout


class _EngineWithoutImages(BaseHTTPRequestHandler):
    """Answers as Docker's engine does, and can fetch nothing."""

    protocol_version = "HTTP/1.1"

    def _answer(self, status: int, body: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if self.path.endswith("/version"):
            self._answer(200, b'{"ApiVersion": "1.47", "MinAPIVersion": "1.24", "Version": "27"}')
        elif self.path.endswith(("/_ping", "/info")):
            self._answer(200, b"{}")
        else:
            self._answer(404, b'{"message": "No such image"}')

    def do_POST(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self._answer(*((500, b'{"message": "no route to the registry"}') if "images" in self.path else (404, b"{}")))

    def address_string(self) -> str:
        return "-"

    def log_message(self, *_: object) -> None:
        pass


class _UnixServer(ThreadingMixIn, UnixStreamServer):
    daemon_threads = True


@pytest.fixture
def engine_without_images(tmp_path: Path) -> Iterator[str]:
    with _UnixServer(str(tmp_path / "engine.sock"), _EngineWithoutImages) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"unix://{tmp_path}/engine.sock"
        server.shutdown()


_TRY_CONTAINER = """
from tests.servers.containers import postgres_container
from tests.servers.interfaces import Unavailable
try:
    with postgres_container():
        print("a server")
except Unavailable as why:
    print("unavailable:", why)
"""


def test_an_engine_that_answers_but_cannot_fetch_the_image_is_no_engine(engine_without_images: str) -> None:
    environment = {**os.environ, "DOCKER_HOST": engine_without_images}
    said = subprocess.run(
        [sys.executable, "-c", _TRY_CONTAINER], env=environment, capture_output=True, text=True, check=True, timeout=60
    ).stdout
    assert said.startswith("unavailable: no engine that starts postgres:18 (APIError)"), said


@pytest.fixture
def apt_get(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `apt-get` that writes down what it was told and whether services may start; it fails when told to."""
    script = tmp_path / "bin" / "apt-get"
    script.parent.mkdir()
    script.write_text(
        f"""#!/bin/sh
        echo "$@ $DEBIAN_FRONTEND $({tmp_path}/policy >/dev/null 2>&1; echo $?)" >> {tmp_path}/told
        [ ! -e {tmp_path}/fail ] || {{ echo "first line"; echo "E: no network" >&2; exit 100; }}
        """
    )
    script.chmod(0o755)
    monkeypatch.setenv("PATH", str(script.parent), prepend=os.pathsep)
    return tmp_path


def test_debians_package_is_installed_without_a_node_of_its_own(apt_get: Path) -> None:
    install_rabbitmq(policy=apt_get / "policy")
    assert (apt_get / "told").read_text().splitlines() == [
        "-qq update noninteractive 101",
        "-qq install --yes --no-install-recommends rabbitmq-server noninteractive 101",
    ]
    assert not (apt_get / "policy").exists()


def test_somebody_elses_policy_stays_as_it_was(apt_get: Path) -> None:
    (apt_get / "policy").write_text("#!/bin/sh\nexit 77\n")
    (apt_get / "policy").chmod(0o755)
    install_rabbitmq(policy=apt_get / "policy")
    assert (apt_get / "told").read_text().count(" 77\n") == 2
    assert (apt_get / "policy").read_text() == "#!/bin/sh\nexit 77\n"


def test_an_installation_that_fails_says_why_and_takes_its_policy_back(apt_get: Path) -> None:
    (apt_get / "fail").touch()
    with pytest.raises(Unavailable, match=r"^apt-get update failed: E: no network$"):
        install_rabbitmq(policy=apt_get / "policy")
    assert not (apt_get / "policy").exists()
