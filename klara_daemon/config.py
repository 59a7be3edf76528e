"""What the environment says: every variable with the prefix `KLARA_`, checked once, at the start, and never changed.

Each value may also lie in a file of the folder `KLARA_SECRETS_DIR`, named like the variable in lower case or upper
case: systemd credentials, compose secrets and Kubernetes secrets are such folders. A variable outranks a file.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NamedTuple, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator, Field, StringConstraints, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from klara_daemon.errors import KlaraError
from klara_daemon.urls import check_amqp_url, check_database_url, check_http_url

PREFIX = "KLARA_"
SECRETS_DIR = "KLARA_SECRETS_DIR"
IN_PROCESS_BROKER = "memory:"
ROLES = ("web", "stage-watcher", "call-scheduler", "dialer", "ats-writeback")
NEEDED_TO_RUN = ("database_url", "amqp_url", "public_url", "secret_keys", "twilio_account_sid", "twilio_auth_token")


class BadConfig(KlaraError):
    """A variable is missing or cannot be used. Names variables and what is expected, never a value."""

    exit_status = 78  # EX_CONFIG: starting again changes nothing

    def __init__(self, faults: Collection[str]) -> None:
        listed = "\n".join(f"  {fault}" for fault in faults)
        super().__init__(
            f"The configuration cannot be used:\n{listed}",
            remedy=f"Set what is named above in the environment, or in a file of the folder {SECRETS_DIR}.",
        )


class Address(NamedTuple):
    """Where a server listens. Port 0 is any free port."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read `host:port`; an IPv6 host stands in brackets. Raises ValueError."""
        parts = urlsplit(f"//{text}")
        if parts.netloc != text or not parts.hostname or parts.port is None or parts.username is not None:
            raise ValueError("not host:port")
        return cls(parts.hostname, parts.port)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def _database_url(url: str) -> str:
    if url:
        check_database_url(url)
    return url


def _amqp_url(url: str) -> str:
    if url and url != IN_PROCESS_BROKER:
        check_amqp_url(url)
    return url


def _http_url(url: str) -> str:
    if url:
        check_http_url(url)
    return url.rstrip("/")


def _secret_keys(given: object) -> object:
    return tuple(key for part in given.split(",") if (key := part.strip())) if isinstance(given, str) else given


def _address(given: object) -> object:
    return Address.parse(given) if isinstance(given, str) else given


def _address_or_none(given: object) -> object:
    return None if given == "" else _address(given)


def _lower(given: object) -> object:
    return given.lower() if isinstance(given, str) else given


Choice = BeforeValidator(_lower)
Listen = Annotated[Address, NoDecode, BeforeValidator(_address)]
ListenOrNot = Annotated[Address | None, NoDecode, BeforeValidator(_address_or_none)]
DatabaseUrl = Annotated[str, AfterValidator(_database_url)]
AmqpUrl = Annotated[str, AfterValidator(_amqp_url)]
HttpUrl = Annotated[str, AfterValidator(_http_url)]
FernetKey = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9_-]{43}=$")]  # 32 bytes
AccountSid = Annotated[str, StringConstraints(pattern=r"^(AC[0-9a-fA-F]{32})?$")]
AuthToken = Annotated[str, StringConstraints(pattern=r"^\S*$")]


class Config(BaseSettings):
    """The whole configuration of one process. `""` and `()` mean: not given; `require` and `check_roles` refuse that.

    A field's description says what is expected, for the error message and the table in `docs/operations.md`.
    """

    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="forbid", hide_input_in_errors=True)

    database_url: DatabaseUrl = Field(
        default="",
        repr=False,
        description="postgresql://user:password@host:5432/database (the password's / @ ? # as %2F %40 %3F %23)",
    )
    amqp_url: AmqpUrl = Field(
        default="",
        repr=False,
        description="amqp://user:password@host:5672/vhost (amqps:// for TLS), or memory: in one process",
    )
    listen: Listen = Field(default=Address("127.0.0.1", 8080), description="host:port on which the web role listens")
    health_listen: ListenOrNot = Field(
        default=Address("127.0.0.1", 8081),
        description="host:port of this process's health and metrics, or empty for none",
    )
    drain_s: float = Field(
        default=25, ge=0, le=3600, description="seconds in which live calls may end after SIGTERM, 0 to 3600"
    )
    public_url: HttpUrl = Field(
        default="", description="https://host/path under which the phone company reaches the web role"
    )
    secret_keys: Annotated[tuple[FernetKey, ...], NoDecode, BeforeValidator(_secret_keys)] = Field(
        default=(), repr=False, description="Fernet keys, separated by commas; the first encrypts, all decrypt"
    )
    recruitee_api_url: HttpUrl = Field(
        default="https://api.recruitee.com",
        description="https:// address of Recruitee's API (http:// on this machine only)",
    )
    twilio_api_url: HttpUrl = Field(
        default="https://api.twilio.com", description="https:// address of Twilio's API (http:// on this machine only)"
    )
    twilio_account_sid: AccountSid = Field(
        default="", description="AC and 32 hexadecimal digits, from Twilio's console"
    )
    twilio_auth_token: AuthToken = Field(
        default="", repr=False, description="the account's auth token, from Twilio's console"
    )
    poll_every_s: float = Field(
        default=180, gt=0, le=86400, description="seconds from one poll of a watched stage to the next, up to 86400"
    )
    calls_at_once: int = Field(default=2, ge=1, le=10000, description="the trunk's limit of calls at once, 1 to 10000")
    calls_per_second: float = Field(
        default=1, gt=0, le=1000, description="the trunk's limit of calls per second, up to 1000"
    )
    log_format: Annotated[Literal["json", "console"], Choice] = Field(
        default="json", description="json (one object a line) or console (for people)"
    )
    log_level: Annotated[Literal["debug", "info", "warning", "error", "critical"], Choice] = Field(
        default="info", description="debug, info, warning, error or critical: the lowest that is written"
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],  # noqa: ARG003 -- the library's signature
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        dotenv_settings: PydanticBaseSettingsSource,  # noqa: ARG003
        file_secret_settings: PydanticBaseSettingsSource,  # noqa: ARG003
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """`Config(...)` holds what it is given; only `from_env` reads the environment."""
        return (init_settings,)

    @classmethod
    def from_env(cls, environ: Mapping[str, str] | None = None) -> Self:
        """Read the environment (this process's own unless given). Raises `BadConfig`."""
        environ = os.environ if environ is None else environ
        values = _files(cls, environ.get(SECRETS_DIR, "")) | _Variables(cls, environ)()
        try:
            return cls(**values)
        except ValidationError as error:
            names = dict.fromkeys(
                str(fault["loc"][0]) for fault in error.errors(include_input=False, include_url=False)
            )
            raise BadConfig([f"{_variable(name)} is not usable: {_expected(name)}" for name in names]) from None

    def require(self, *names: str) -> Self:
        """Return itself if each of these fields was given. Raises `BadConfig` naming those that were not."""
        if missing := [name for name in names if not getattr(self, name)]:
            raise BadConfig([f"{_variable(name)} is missing: {_expected(name)}" for name in missing])
        return self

    def check_roles(self, roles: Collection[str]) -> Self:
        """Return itself if one process can run these roles (none named: all) with it. Raises `BadConfig`."""
        self.require(*NEEDED_TO_RUN)
        if self.amqp_url == IN_PROCESS_BROKER and roles and set(roles) != set(ROLES):
            raise BadConfig(["KLARA_AMQP_URL is memory:, which carries nothing between processes: expected amqp://..."])
        return self


class _Variables(EnvSettingsSource):
    """The variables of a given environment; an empty one counts as not set, except where empty has a meaning."""

    def __init__(self, settings_cls: type[BaseSettings], environ: Mapping[str, str]) -> None:
        super().__init__(settings_cls)
        given = {name: value.strip() for name, value in environ.items() if name.startswith(PREFIX)}
        self.env_vars = {name.lower(): value for name, value in given.items() if value or name == "KLARA_HEALTH_LISTEN"}


def _files(settings_cls: type[BaseSettings], folder: str) -> dict[str, Any]:
    if not folder:
        return {}
    if not Path(folder).is_dir():
        raise BadConfig([f"{SECRETS_DIR} is not usable: expected a folder that this process may read"])
    try:
        return SecretsSettingsSource(settings_cls, folder)()
    except (OSError, ValueError):
        raise BadConfig([f"{SECRETS_DIR} holds a file that cannot be read as text by this process"]) from None


def _variable(name: str) -> str:
    return f"{PREFIX}{name.upper()}"


def _expected(name: str) -> str:
    return f"expected {Config.model_fields[name].description}"
