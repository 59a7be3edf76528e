"""What can be said of a server's address without asking the server. An address that nobody could use raises ValueError.

Whoever connects later would meet each of these faults with a traceback, or take it for an outage and wait for ever.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

_HOST = re.compile(r"([\w-]{1,63}\.)*[\w-]{1,63}\.?")
_SSL_MODES = frozenset({"disable", "allow", "prefer", "require", "verify-ca", "verify-full"})


def check_database_url(url: str) -> None:
    """Raise ValueError unless this can be the address of a Postgres: of one, of several hosts, or of a socket."""
    parts = _split(url)
    login, _, hosts = parts.netloc.rpartition("@")
    # An unescaped / ? # or @ of a password ends up in one of these.
    if "@" in login or parts.fragment or "@" in parts.path or "/" in parts.path[1:]:
        raise ValueError("a character of the password, or of the database's name, is not escaped")
    if parts.scheme not in {"postgres", "postgresql"}:
        raise ValueError("not a Postgres URL")
    for host in hosts.split(",") if hosts else ():
        if not unquote(host).startswith("/"):
            _check_server(urlsplit(f"//{host}"))
    _check_database_options(parts.query)


def _check_database_options(query: str) -> None:
    options = parse_qs(query, strict_parsing=True) if query else {}
    if not _SSL_MODES.issuperset(options.get("sslmode", ())):
        raise ValueError("no such sslmode")
    for port in ",".join(options.get("port", ())).split(","):
        if port:
            _check_server(urlsplit(f"//host:{port}"))


def check_amqp_url(url: str) -> None:
    """Raise ValueError unless this can be the address of a RabbitMQ."""
    parts = _split(url)
    if parts.scheme not in {"amqp", "amqps"} or "@" in parts.path or parts.netloc.count("@") > 1 or parts.fragment:
        raise ValueError("not an AMQP URL")
    _check_server(parts)


def check_http_url(url: str) -> None:
    """Raise ValueError unless secrets may travel to this web address: by TLS, or within this machine."""
    parts = _split(url)
    safe = parts.scheme == "https" or (parts.scheme == "http" and _is_loopback(parts))
    if not safe or parts.query or parts.fragment or parts.username is not None:
        raise ValueError("not a web address that secrets may travel to")
    _check_server(parts)


def _split(url: str) -> SplitResult:
    """Like `urlsplit`, which passes over blanks and control characters in silence."""
    if " " in url or not url.isprintable():
        raise ValueError("blanks in a URL")
    return urlsplit(url)


def _check_server(parts: SplitResult) -> None:
    """Touching the port checks it: up to 65535; and nobody listens on 0."""
    if parts.port == 0 or not _is_host(parts.hostname or ""):
        raise ValueError("no such host and port")


def _is_host(host: str) -> bool:
    if ":" in host:
        ipaddress.ip_address(host)
        return True
    return _HOST.fullmatch(host) is not None


def _is_loopback(parts: SplitResult) -> bool:
    try:
        return parts.hostname == "localhost" or ipaddress.ip_address(parts.hostname or "").is_loopback
    except ValueError:
        return False
