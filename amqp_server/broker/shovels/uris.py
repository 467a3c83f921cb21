"""AMQP URIs: where a shovel connects to, and as whom.

    amqp://user:password@host:5672/vhost?heartbeat=10
    amqps://…?cacertfile=/etc/ca.pem&certfile=…&keyfile=…&verify=verify_peer&server_name_indication=…
    amqp://            this node, vhost /
    amqp:///vhost      this node

Source: RabbitMQ, amqp_uri: its parameters and its error texts.
"""

import re
from collections.abc import Mapping
from typing import Final, NamedTuple
from urllib.parse import parse_qsl, unquote

AMQP_PORT: Final = 5672
AMQPS_PORT: Final = 5671
TIMEOUT_S: Final = 60.0
TIMEOUT_MAX_S: Final = 600.0

_URI: Final = re.compile(
    r"^(?P<scheme>[a-zA-Z][a-zA-Z0-9+.-]*)://(?:(?P<login>[^/?#]*)@)?"
    r"(?P<host>\[[^\]]*\]|[^/?#:]*)(?::(?P<port>\d{1,5}))?(?:/(?P<vhost>[^/?#]*))?"
    r"(?:\?(?P<query>[^#]*))?$"
)
_SCHEME: Final = re.compile(r"^([a-zA-Z][a-zA-Z0-9+.-]*):")


class UriError(ValueError):
    """A text that is no AMQP URI; the text is RabbitMQ's."""


class AmqpUri(NamedTuple):
    """Where to connect to.

    Attributes:
        host: empty is this node.
        heartbeat_s: None leaves it to the server.
        options: the other parameters, by name.
    """

    is_tls: bool
    host: str
    port: int
    username: str
    password: str
    vhost: str
    heartbeat_s: int | None
    timeout_s: float
    options: Mapping[str, str]


def amqp_uri(text: str) -> AmqpUri:
    """Read a URI.

    Raises:
        UriError: it is none.
    """
    match = _URI.match(text)
    if match is None:
        scheme = _SCHEME.match(text)
        reason = "{unable_to_parse_uri,no_scheme}" if scheme is None else "unable_to_parse_uri"
        raise _error(text, reason)
    scheme_name = match["scheme"].lower()
    if scheme_name not in {"amqp", "amqps"}:
        raise _error(text, f'{{unexpected_uri_scheme,"{scheme_name}"}}')
    is_tls = scheme_name == "amqps"
    username, _, password = (match["login"] or "guest:guest").partition(":")
    options = dict(parse_qsl(match["query"] or "", keep_blank_values=True))
    port = int(match["port"] or (AMQPS_PORT if is_tls else AMQP_PORT))
    heartbeat_s = _whole(text, options, "heartbeat")
    timeout_ms = _whole(text, options, "connection_timeout")
    vhost = match["vhost"]
    return AmqpUri(
        is_tls,
        match["host"].strip("[]"),
        port,
        unquote(username),
        unquote(password),
        unquote(vhost) if vhost else "/",
        heartbeat_s,
        TIMEOUT_S if not timeout_ms else min(timeout_ms / 1000, TIMEOUT_MAX_S),
        options,
    )


def _whole(uri: str, options: Mapping[str, str], name: str) -> int | None:
    given = options.get(name)
    if given is None:
        return None
    if not (given.isascii() and given.isdigit() and len(given) < len("9999999999")):
        raise _error(uri, f"{{{name},not_an_integer}}")
    return int(given)


def _error(uri: str, reason: str) -> UriError:
    shown = uri.replace('"', '\\"')
    return UriError(f'"{shown}" not a valid URI: {{{reason},"{shown}"}}')
