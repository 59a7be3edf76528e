"""The environment is read once; what is wrong with it is said by name, without its content."""

from __future__ import annotations

import contextlib
from pathlib import Path

import pytest
from cryptography.fernet import Fernet
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from klara_daemon.config import NEEDED_TO_RUN, ROLES, Address, BadConfig, Config

SID = "AC" + "0123456789abcdef" * 2
KEYS = [Fernet.generate_key().decode() for _ in range(2)]
COMPLETE = {
    "KLARA_DATABASE_URL": "postgresql://klara:sesame1@db:5432/klara",
    "KLARA_AMQP_URL": "amqp://klara:sesame2@rabbit:5672/klara",
    "KLARA_PUBLIC_URL": "https://klara.example.com/in/",
    "KLARA_SECRET_KEYS": ",".join(KEYS),
    "KLARA_TWILIO_ACCOUNT_SID": SID,
    "KLARA_TWILIO_AUTH_TOKEN": "sesame3",
}


def faults(environ: dict[str, str]) -> str:
    with pytest.raises(BadConfig) as caught:
        Config.from_env(environ)
    return caught.value.render()


def test_the_defaults_are_those_of_the_documentation() -> None:
    config = Config.from_env({})
    assert config.listen == Address("127.0.0.1", 8080)
    assert config.health_listen == Address("127.0.0.1", 8081)
    assert (config.drain_s, config.poll_every_s) == (25, 180)
    assert (config.calls_at_once, config.calls_per_second) == (2, 1)
    assert config.recruitee_api_url == "https://api.recruitee.com"
    assert config.twilio_api_url == "https://api.twilio.com"
    assert (config.log_format, config.log_level) == ("json", "info")
    assert [getattr(config, name) for name in NEEDED_TO_RUN] == ["", "", "", (), "", ""]


def test_a_complete_environment_is_taken_as_it_is() -> None:
    config = Config.from_env(
        COMPLETE | {"PATH": "/bin", "KLARA_TEST_AMQP_URL": "x", "KLARA_WEB_PORT": "tcp://10.0.0.1"}
    )
    assert config.database_url == COMPLETE["KLARA_DATABASE_URL"]
    assert config.public_url == "https://klara.example.com/in"
    assert config.secret_keys == tuple(KEYS)
    assert config.check_roles(["web"]) is config


def test_values_are_read_whatever_their_case_and_surrounding_space() -> None:
    config = Config.from_env({"KLARA_LOG_LEVEL": "WARNING", "KLARA_LOG_FORMAT": "Console", "KLARA_DRAIN_S": " 2.5 "})
    assert (config.log_level, config.log_format, config.drain_s) == ("warning", "console", 2.5)
    assert Config.from_env({"KLARA_TWILIO_ACCOUNT_SID": f" {SID}\n"}).twilio_account_sid == SID
    assert Config.from_env({"KLARA_LISTEN": " localhost:80\n"}).listen == ("localhost", 80)
    assert Config.from_env({"KLARA_SECRET_KEYS": f" {KEYS[0]} ,\n{KEYS[1]},"}).secret_keys == tuple(KEYS)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("0.0.0.0:80", ("0.0.0.0", 80)),  # noqa: S104
        ("localhost:0", ("localhost", 0)),
        ("[::1]:8080", ("::1", 8080)),
        ("daemon-1.internal:65535", ("daemon-1.internal", 65535)),
    ],
)
def test_an_address_is_host_and_port(text: str, address: tuple[str, int]) -> None:
    listen = Config.from_env({"KLARA_LISTEN": text}).listen
    assert listen == address
    assert str(listen) == text


@given(st.sampled_from(["::1", "127.0.0.1", "localhost", "fe80::1"]), st.integers(0, 65535))
def test_an_address_is_read_as_it_is_written(host: str, port: int) -> None:
    assert Address.parse(str(Address(host, port))) == (host, port)


def test_an_empty_health_address_means_none_and_every_other_empty_variable_means_not_set() -> None:
    config = Config.from_env({"KLARA_HEALTH_LISTEN": "", "KLARA_LISTEN": "", "KLARA_DRAIN_S": "", "KLARA_AMQP_URL": ""})
    assert config.health_listen is None
    assert config.listen == Address("127.0.0.1", 8080)
    assert config.drain_s == 25


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("KLARA_DATABASE_URL", "postgres://db"),
        ("KLARA_DATABASE_URL", "postgresql://klara:ses%2Fame%40@db-1.internal:5432/klara?sslmode=verify-full"),
        ("KLARA_DATABASE_URL", "postgresql://klara@[::1]:5432/klara"),
        ("KLARA_DATABASE_URL", "postgresql://klara@one:5432,two:5433/klara?target_session_attrs=primary"),
        ("KLARA_DATABASE_URL", "postgresql://klara:@/klara?host=/run/postgresql&port=5433"),
        ("KLARA_DATABASE_URL", "postgresql://klara@%2Frun%2Fpostgresql:5433/klara"),
        ("KLARA_AMQP_URL", "amqps://klara:ses%2Fame@rabbit.example.:5671/%2Fklara?cafile=/etc/ca.pem"),
        ("KLARA_AMQP_URL", "amqp://localhost//"),
        ("KLARA_PUBLIC_URL", "https://klara.bücher.example:8443/in"),
        ("KLARA_TWILIO_API_URL", "http://[::1]:9"),
    ],
)
def test_every_usual_way_to_write_an_address_is_taken(variable: str, url: str) -> None:
    assert getattr(Config.from_env({variable: url}), variable.removeprefix("KLARA_").lower()) == url


BAD = [
    ("KLARA_DATABASE_URL", "mysql://klara:sesame@db/klara"),
    ("KLARA_DATABASE_URL", "sesame"),
    ("KLARA_DATABASE_URL", "postgresql://klara:sesame@db:54x2/klara"),
    ("KLARA_DATABASE_URL", "postgresql://klara:sesame@db:99999/klara"),
    ("KLARA_DATABASE_URL", "postgresql://klara:sesame@db:0/klara"),
    ("KLARA_DATABASE_URL", "postgresql://klara:sesame@db,db2:54x2/klara"),
    ("KLARA_DATABASE_URL", "postgresql://klara:sesame@d b/klara"),
    ("KLARA_DATABASE_URL", "postgresql://klara:sesame@db..example/klara"),
    ("KLARA_DATABASE_URL", "postgresql://klara:ses/ame@db/klara"),
    ("KLARA_DATABASE_URL", "postgresql://klara:5/sesame@db/klara"),
    ("KLARA_DATABASE_URL", "postgresql://klara:ses@ame@db/klara"),
    ("KLARA_DATABASE_URL", "postgresql://klara:5?sesame@db/klara"),
    ("KLARA_DATABASE_URL", "postgresql://klara:5#sesame@db/klara"),
    ("KLARA_DATABASE_URL", "postgresql://klara:sesame@d\tb/klara"),
    ("KLARA_DATABASE_URL", "postgresql://klara:sesame@db/klara?sslmode=sesame"),
    ("KLARA_DATABASE_URL", "postgresql://klara:sesame@db/klara?sslmode"),
    ("KLARA_DATABASE_URL", "postgresql:///klara?host=db&port=54x2"),
    ("KLARA_AMQP_URL", "amqp:sesame"),
    ("KLARA_AMQP_URL", "http://klara:sesame@rabbit/"),
    ("KLARA_AMQP_URL", "memory"),
    ("KLARA_AMQP_URL", "amqp://klara:sesame@rabbit:54x2/"),
    ("KLARA_AMQP_URL", "amqp://klara:sesame@rabbit:99999/"),
    ("KLARA_AMQP_URL", "amqp://klara:sesame@rab bit/"),
    ("KLARA_AMQP_URL", "amqp://klara:5/sesame@rabbit/"),
    ("KLARA_AMQP_URL", "amqp://klara:ses@ame@rabbit/"),
    ("KLARA_LISTEN", "8080"),
    ("KLARA_LISTEN", ":8080"),
    ("KLARA_LISTEN", "localhost"),
    ("KLARA_LISTEN", "localhost:sesame"),
    ("KLARA_LISTEN", "localhost:65536"),
    ("KLARA_LISTEN", "::1:8080"),
    ("KLARA_LISTEN", "http://localhost:8080"),
    ("KLARA_LISTEN", "localhost:8080/sesame"),
    ("KLARA_HEALTH_LISTEN", "sesame@localhost:1"),
    ("KLARA_HEALTH_LISTEN", "none"),
    ("KLARA_DRAIN_S", "-1"),
    ("KLARA_DRAIN_S", "nan"),
    ("KLARA_DRAIN_S", "sesame"),
    ("KLARA_PUBLIC_URL", "klara.example.com"),
    ("KLARA_PUBLIC_URL", "http://klara.example.com"),
    ("KLARA_PUBLIC_URL", "https://klara.example.com/?sesame=1"),
    ("KLARA_PUBLIC_URL", "https://a:sesame@klara.example.com"),
    ("KLARA_PUBLIC_URL", "https://[sesame"),
    ("KLARA_PUBLIC_URL", "https://klara.example.com:80x"),
    ("KLARA_PUBLIC_URL", "https://klara example.com"),
    ("KLARA_PUBLIC_URL", "https://klara.exam\nple.com"),
    ("KLARA_RECRUITEE_API_URL", "http://api.recruitee.com"),
    ("KLARA_RECRUITEE_API_URL", "https://api.recruitee.com:80x"),
    ("KLARA_RECRUITEE_API_URL", "https://api recruitee.com"),
    ("KLARA_TWILIO_API_URL", "https://api.twilio.com:99999"),
    ("KLARA_TWILIO_API_URL", "https://api.twilio.com%"),
    ("KLARA_TWILIO_API_URL", "ftp://sesame"),
    ("KLARA_SECRET_KEYS", "sesame"),
    ("KLARA_SECRET_KEYS", f"{KEYS[0]};{KEYS[1]}"),
    ("KLARA_TWILIO_ACCOUNT_SID", "sesame"),
    ("KLARA_TWILIO_ACCOUNT_SID", SID + "0"),
    ("KLARA_TWILIO_AUTH_TOKEN", "ses ame"),
    ("KLARA_POLL_EVERY_S", "0"),
    ("KLARA_POLL_EVERY_S", "inf"),
    ("KLARA_CALLS_AT_ONCE", "0"),
    ("KLARA_CALLS_AT_ONCE", "1.5"),
    ("KLARA_CALLS_PER_SECOND", "0"),
    ("KLARA_LOG_FORMAT", "xml"),
    ("KLARA_LOG_LEVEL", "sesame"),
]


@pytest.mark.parametrize(("variable", "value"), BAD)
def test_a_bad_value_is_named_with_what_is_expected_and_never_shown(variable: str, value: str) -> None:
    said = faults({variable: value})
    described = Config.model_fields[variable.removeprefix("KLARA_").lower()].description
    assert f"{variable} is not usable: expected {described}" in said
    for part in ("sesame", KEYS[0], "validation error", "Traceback"):
        assert part not in said.lower().replace(variable.lower(), "")


def test_all_faults_are_told_at_once() -> None:
    said = faults({"KLARA_LISTEN": "x", "KLARA_DRAIN_S": "x", "KLARA_SECRET_KEYS": "x"})
    assert [line.split()[0] for line in said.splitlines()[1:4]] == [
        "KLARA_LISTEN",
        "KLARA_DRAIN_S",
        "KLARA_SECRET_KEYS",
    ]


def test_a_bad_configuration_leaves_no_cause_that_could_tell_the_value() -> None:
    with pytest.raises(BadConfig) as caught:
        Config.from_env({"KLARA_SECRET_KEYS": "sesame"})
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
    assert caught.value.exit_status == 78


@given(st.dictionaries(st.sampled_from(sorted({variable for variable, _ in BAD})), st.text(max_size=40)))
def test_any_text_in_any_variable_is_taken_or_refused_in_words(environ: dict[str, str]) -> None:
    with contextlib.suppress(BadConfig):
        Config.from_env(environ)


def test_a_command_asks_for_what_it_needs_and_no_more() -> None:
    config = Config.from_env({"KLARA_DATABASE_URL": "postgres://localhost/klara"})
    assert config.require("database_url") is config
    with pytest.raises(BadConfig, match=r"KLARA_SECRET_KEYS is missing: expected Fernet keys") as caught:
        config.require("database_url", "secret_keys", "public_url")
    assert "KLARA_PUBLIC_URL" in str(caught.value)
    assert "KLARA_DATABASE_URL" not in str(caught.value)


@pytest.mark.parametrize("missing", COMPLETE)
def test_running_needs_everything(missing: str) -> None:
    config = Config.from_env({name: value for name, value in COMPLETE.items() if name != missing})
    with pytest.raises(BadConfig, match=rf"{missing} is missing"):
        config.check_roles(["call-scheduler"])


def test_the_in_process_broker_is_refused_when_roles_are_split() -> None:
    config = Config.from_env(COMPLETE | {"KLARA_AMQP_URL": "memory:"})
    assert config.check_roles([]) is config
    assert config.check_roles(ROLES) is config
    with pytest.raises(BadConfig, match="KLARA_AMQP_URL is memory:"):
        config.check_roles(["web", "dialer"])


def test_it_cannot_be_changed() -> None:
    with pytest.raises(ValidationError):
        Config.from_env({}).drain_s = 3


def test_it_can_be_shown_to_anybody() -> None:
    config = Config.from_env(COMPLETE)
    for shown in (repr(config), str(config), f"{config}"):
        assert "sesame" not in shown
        assert KEYS[0] not in shown
        assert "klara.example.com" in shown


def test_made_by_hand_it_does_not_look_at_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KLARA_DATABASE_URL", COMPLETE["KLARA_DATABASE_URL"])
    assert Config().database_url == ""
    assert Config.from_env().database_url == COMPLETE["KLARA_DATABASE_URL"]


def test_made_by_hand_with_a_bad_value_it_does_not_show_it_either() -> None:
    with pytest.raises(ValidationError) as caught:
        Config(database_url="sesame")
    assert "sesame" not in str(caught.value)


@pytest.mark.parametrize("spelling", [str.lower, str.upper])
def test_values_may_lie_in_files_named_like_the_variables(tmp_path: Path, spelling: type[str]) -> None:
    for variable, value in COMPLETE.items():
        (tmp_path / spelling(variable)).write_text(value + "\n")
    config = Config.from_env({"KLARA_SECRETS_DIR": str(tmp_path), "KLARA_TWILIO_AUTH_TOKEN": "from-the-environment"})
    assert config.secret_keys == tuple(KEYS)
    assert config.database_url == COMPLETE["KLARA_DATABASE_URL"]
    assert config.twilio_auth_token == "from-the-environment"


def test_a_bad_value_in_a_file_is_named_like_the_variable(tmp_path: Path) -> None:
    (tmp_path / "klara_secret_keys").write_text("sesame")
    said = faults({"KLARA_SECRETS_DIR": str(tmp_path)})
    assert "KLARA_SECRET_KEYS is not usable" in said
    assert "sesame" not in said


def test_a_folder_of_secrets_that_cannot_be_read_is_said(tmp_path: Path) -> None:
    assert "KLARA_SECRETS_DIR is not usable" in faults({"KLARA_SECRETS_DIR": str(tmp_path / "nowhere")})
    (tmp_path / "klara_secret_keys").write_bytes(b"\xff\xfe")
    assert "KLARA_SECRETS_DIR holds a file" in faults({"KLARA_SECRETS_DIR": str(tmp_path)})
