"""Where Twilio reaches us, and the signature that proves that it was Twilio.

Source: Twilio's "Webhooks security"; checked against the official package in the tests.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from typing import Final
from urllib.parse import urlencode

Params = Iterable[tuple[str, str]]

# Twilio asks these below KLARA_PUBLIC_URL, with `?attempt=` where the call is ours.

ANSWER_PATH: Final = "/telephony/twilio/answer"
STATUS_PATH: Final = "/telephony/twilio/status"
MACHINE_PATH: Final = "/telephony/twilio/machine"
RELAY_PATH: Final = "/telephony/twilio/relay"
RELAY_ENDED_PATH: Final = "/telephony/twilio/relay-ended"
INBOUND_PATH: Final = "/telephony/twilio/inbound"
FALLBACK_PATH: Final = "/telephony/twilio/fallback"

SIGNATURE_HEADER: Final = "X-Twilio-Signature"
REPEATED: Final = "#rc=5&rp=all"
"""Asks Twilio to repeat a callback up to five times whatever went wrong; not part of what is signed."""

_SOCKET_SCHEMES = {"https": "wss", "http": "ws"}
_DEFAULT_PORTS = {"https": "443", "wss": "443", "http": "80", "ws": "80"}
_URL = re.compile(r"(?P<scheme>\w+)://(?P<host>[^/?#]*?)(?::(?P<port>\d+))?(?P<path>(?:[/?#].*)?)", re.DOTALL)


def address(public_url: str, path: str, **query: str) -> str:
    """Where Twilio reaches `path`; the public address may have a path of its own in front."""
    return requested_address(public_url, f"{path}?{urlencode(query)}" if query else path)


def requested_address(public_url: str, raw_path: str) -> str:
    """The address that Twilio signed, from the raw path with its query as it arrived; `Host` is not to be believed."""
    return public_url.rstrip("/") + raw_path


def socket_address(url: str) -> str:
    """The same address as a WebSocket's: `wss` for `https` (`ws` for `http`, on loopback)."""
    scheme, _, rest = url.partition("://")
    return f"{_SOCKET_SCHEMES.get(scheme, scheme)}://{rest}"


def signature(auth_token: str, url: str, params: Params = ()) -> str:
    """What Twilio puts into `X-Twilio-Signature`: HMAC-SHA1 over the address and the sorted, distinct form fields.

    A WebSocket's handshake is signed alike, over the exact `wss` address and no fields.
    """
    signed = url + "".join(name + value for name, value in sorted(set(params)))
    digest = hmac.new(auth_token.encode(), signed.encode("utf-8", "replace"), hashlib.sha1).digest()
    return base64.b64encode(digest).decode("ascii")


def is_signed(auth_token: str, url: str, params: Params, header: str | None) -> bool:
    """Whether the header proves that Twilio sent this, in constant time.

    Twilio is not consistent in naming the port, so the address counts with and without, as in its own package.
    """
    if not header:
        return False
    fields = frozenset(params)
    given = header.encode("utf-8", "replace")
    valid = [hmac.compare_digest(signature(auth_token, u, fields).encode(), given) for u in _with_and_without_port(url)]
    return any(valid)


def _with_and_without_port(url: str) -> tuple[str, ...]:
    if (parts := _URL.fullmatch(url)) is None or (default := _DEFAULT_PORTS.get(parts["scheme"])) is None:
        return (url,)
    bare = f"{parts['scheme']}://{parts['host']}"
    return bare + parts["path"], f"{bare}:{parts['port'] or default}{parts['path']}"
