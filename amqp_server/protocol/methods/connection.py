"""The methods of class connection (AMQP 0-9-1 §1.4): login, limits, vhost, secret.

Close changes the connection's state, so the connection handles it.

Source: RabbitMQ, rabbit_reader, for rules and texts.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final

from pamqp import commands

from amqp_server import __version__
from amqp_server.broker.access.mechanisms import mechanism_names
from amqp_server.broker.cluster_name import cluster_name
from amqp_server.broker.errors import NotAllowedError
from amqp_server.connections.login import HeldRefusal, enter_vhost, log_in
from amqp_server.protocol.errors import NegotiationError
from amqp_server.protocol.session import Session
from amqp_server.wire.constants import FRAME_MIN_BYTES
from amqp_server.wire.methods import Method, encode_method
from amqp_server.wire.tables import Field, FieldValue, longstr

CHANNEL_MIN: Final = 1
LOCALES: Final = "en_US"
FRAMES_REMEMBERED_MAX: Final = 16
"""Start and tune differ between clients only by the offer of EXTERNAL, so each is rendered once."""

CAPABILITIES: Final = (
    "publisher_confirms",
    "exchange_exchange_bindings",
    "basic.nack",
    "consumer_cancel_notify",
    "connection.blocked",
    "consumer_priorities",
    "authentication_failure_close",
    "per_consumer_qos",
    "direct_reply_to",
)
"""Our capabilities; each of them is implemented."""


def start(session: Session) -> bytes:
    """Return the frame of connection.start: the server's properties and the ways to log in.

    kombu and others decide by product and version. So both are RabbitMQ's unless configured
    otherwise. Platform and information name this server.
    """
    settings = session.settings.compatibility
    return _start_frame(
        cluster_name(session.broker),
        settings.product,
        settings.version,
        tuple(settings.server_properties.items()),
        mechanism_names(session.peer.certificate_name),
    )


@lru_cache(FRAMES_REMEMBERED_MAX)
def _start_frame(
    cluster_name: str,
    product: str,
    version: str,
    server_properties: tuple[tuple[str, str], ...],
    mechanisms: str,
) -> bytes:
    capabilities: FieldValue = {name: Field("t", value=True) for name in CAPABILITIES}
    properties = {
        "capabilities": Field("F", capabilities),
        "cluster_name": longstr(cluster_name),
        "copyright": longstr("Copyright (c) the HareMQ authors"),
        "information": longstr("HareMQ, a broker for RabbitMQ's clients"),
        "platform": longstr(f"HareMQ {__version__}"),
        "product": longstr(product),
        "version": longstr(version),
        **{name: longstr(value) for name, value in server_properties},
    }
    method = commands.Connection.Start.__new__(commands.Connection.Start)
    method.version_major = 0
    method.version_minor = 9
    _set(method, "server_properties", properties)
    method.mechanisms = mechanisms
    method.locales = LOCALES
    return encode_method(0, method)


@lru_cache(FRAMES_REMEMBERED_MAX)
def _tune_frame(channel_max: int, frame_max_bytes: int, heartbeat_s: int) -> bytes:
    return encode_method(0, commands.Connection.Tune(channel_max, frame_max_bytes, heartbeat_s))


def start_ok(
    session: Session, method: commands.Connection.StartOk, now_ms: int
) -> bytes | HeldRefusal:
    """Log in; return the frame of connection.tune, or a refusal that must be delayed.

    Raises:
        MechanismError: no such mechanism (503).
        MalformedCredentialsError: a response that the mechanism cannot read (502).
        LoginRefusedError: wrong credentials, or the user may not log in from this address.
    """
    session.introduce(_table(method, "client_properties"))
    held = log_in(session, method.mechanism, _octets(method.response), now_ms)
    if held is not None:
        return held
    settings = session.settings
    return _tune_frame(settings.channel_max, settings.frame_max_bytes, settings.heartbeat_s)


def tune_ok(session: Session, method: commands.Connection.TuneOk) -> None:
    """Agree on limits.

    Raises:
        NegotiationError: outside what was offered (530).
    """
    settings = session.settings
    _check_negotiated("channel_max", method.channel_max, CHANNEL_MIN, settings.channel_max)
    _check_negotiated("frame_max", method.frame_max, FRAME_MIN_BYTES, settings.frame_max_bytes)
    session.channel_max = method.channel_max
    session.frame_max_bytes = method.frame_max
    session.heartbeat_s = method.heartbeat


def open_vhost(session: Session, method: commands.Connection.Open) -> Method:
    """Enter a vhost; return connection.open-ok.

    Raises:
        NotAllowedError: no such vhost, no right to it, or a limit is reached (530).
    """
    enter_vhost(session, method.virtual_host)
    return commands.Connection.OpenOk()


def update_secret(session: Session, method: commands.Connection.UpdateSecret) -> Method:
    """Take a new secret; those of internal users never expire, so only the right is checked again.

    Raises:
        NotAllowedError: the user may not be in the vhost any more (530).
    """
    del method  # the internal backend compares no secret after login, as in RabbitMQ
    if not session.broker.users.may_enter_vhost(session.username, session.vhost_name):
        raise NotAllowedError("New secret was refused by one of the backends")
    return commands.Connection.UpdateSecretOk()


def _check_negotiated(name: str, value: int, minimum: int, maximum: int) -> None:
    """Source: rabbit_reader:validate_negotiated_integer_value; 0 is no limit."""
    if value and value < minimum:
        text = f"negotiated {name} = {value} is lower than the minimum allowed value ({minimum})"
        raise NegotiationError(text)
    if maximum and (value == 0 or value > maximum):
        detail = " (no limit)" if value == 0 else ""
        text = (
            f"negotiated {name} = {value}{detail} is higher than the maximum allowed value"
            f" ({maximum})"
        )
        raise NegotiationError(text)


def _set(method: Method, name: str, value: Mapping[str, Field]) -> None:
    setattr(method, name, value)


def _table(method: Method, name: str) -> Mapping[str, Field]:
    table: Mapping[str, Field] = getattr(method, name)
    return table


def _octets(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
