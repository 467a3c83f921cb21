"""The way in: properties, login, limits, vhost.

    PeerProperties ─ SaslHandshake ─ SaslAuthenticate ─ our Tune ─ its Tune ─ Open

Source: RabbitMQ, rabbit_stream_reader.
"""

from typing import Final

from amqp_server import __version__
from amqp_server.broker.access.mechanisms import mechanism_names
from amqp_server.broker.cluster_name import cluster_name
from amqp_server.broker.errors import (
    BrokerError,
    LoginRefusedError,
    MalformedCredentialsError,
    MechanismError,
    NotAllowedError,
)
from amqp_server.broker.protocol_counts import STREAM
from amqp_server.connections.login import HeldRefusal, enter_vhost, log_in
from amqp_server.stream_protocol.errors import RefusedError
from amqp_server.stream_protocol.fields import U32, Fields, string_map, strings
from amqp_server.stream_protocol.frames import frame
from amqp_server.stream_protocol.keys import Code, CommandKey
from amqp_server.stream_protocol.session import StreamSession
from amqp_server.stream_protocol.settings import StreamProtocolSettings

INITIAL_FRAME_MAX_BYTES: Final = 8_192
"""Largest frame before Open."""


def peer_properties(session: StreamSession, fields: Fields) -> bytes:
    """Take the client's properties, answer with ours.

    Clients decide by product and version, so both are RabbitMQ's (ADR 9).
    """
    session.client_properties = fields.map()
    fields.end()
    return string_map(
        {
            "cluster_name": cluster_name(session.broker),
            "copyright": "Copyright (c) the HareMQ authors",
            "information": "HareMQ, a broker for RabbitMQ's clients",
            "platform": f"HareMQ {__version__}",
            "product": "RabbitMQ",
            "version": "3.13.7",
        }
    )


def sasl_handshake(session: StreamSession, fields: Fields) -> bytes:
    """Tell the mechanisms."""
    fields.end()
    return strings(mechanism_names(session.peer.certificate_name).split())


def sasl_authenticate(session: StreamSession, fields: Fields, now_ms: int) -> HeldRefusal | None:
    """Log in; return None, or a refusal that must be delayed.

    Raises:
        RefusedError: with the code of the answer.
    """
    mechanism, response = fields.string(), fields.optional_octets() or b""
    fields.end()
    session.mechanism = mechanism
    try:
        return log_in(session, mechanism, response, now_ms)
    except MechanismError as error:
        raise RefusedError(Code.SASL_MECHANISM_NOT_SUPPORTED) from error
    except MalformedCredentialsError as error:
        raise RefusedError(Code.SASL_ERROR) from error
    except LoginRefusedError as error:
        raise RefusedError(refusal_code(session, error)) from error


def refusal_code(session: StreamSession, error: BrokerError) -> Code:
    """Return the code for a refused login: a right password from a wrong place has its own."""
    users, name = session.broker.users, session.claimed_username
    cause = error.__cause__
    is_remote = not session.peer.is_loopback and name in users.loopback_users
    if is_remote and "via localhost" in str(cause):
        return Code.AUTHENTICATION_FAILURE_LOOPBACK
    return Code.AUTHENTICATION_FAILURE


def authenticate_again(session: StreamSession, fields: Fields) -> bytes:
    """Take a new secret of an open connection; those of internal users never expire.

    Raises:
        RefusedError: another mechanism, or another user.
    """
    mechanism, response = fields.string(), fields.optional_octets() or b""
    fields.end()
    if mechanism != session.mechanism:
        raise RefusedError(Code.SASL_CANNOT_CHANGE_MECHANISM)
    parts = response.split(b"\0")
    username = parts[1].decode("utf-8", "surrogateescape") if len(parts) > 1 else session.username
    if username != session.username:
        raise RefusedError(Code.SASL_CANNOT_CHANGE_USERNAME)
    return b""


def tune_frame(settings: StreamProtocolSettings) -> bytes:
    """Return our Tune."""
    limits = U32.pack(settings.frame_max_bytes) + U32.pack(settings.heartbeat_s)
    return frame(CommandKey.TUNE, limits)


def tune(session: StreamSession, fields: Fields) -> None:
    """Agree on limits: the smaller frame; the client's heartbeat, 0 is off."""
    frame_max_bytes, heartbeat_s = fields.u32(), fields.u32()
    fields.end()
    limit_bytes = session.settings.frame_max_bytes
    session.frame_max_bytes = min(frame_max_bytes or limit_bytes, limit_bytes)
    session.heartbeat_s = min(heartbeat_s, 0xFFFF)


def open_vhost(session: StreamSession, fields: Fields) -> bytes:
    """Enter a vhost; return where the client is to connect.

    Raises:
        RefusedError: no such vhost, no right to it, or a limit is reached.
    """
    name = fields.string()
    fields.end()
    try:
        enter_vhost(session, name)
    except NotAllowedError as error:
        raise RefusedError(Code.VHOST_ACCESS_FAILURE) from error
    host, port = advertised(session)
    return string_map({"advertised_host": host, "advertised_port": str(port)})


def advertised(session: StreamSession) -> tuple[str, int]:
    """Return host and port that this client is told; the same in Open and in Metadata."""
    broker, peer = session.broker, session.peer
    if broker.cluster is not None:
        # What the other nodes tell of this one: clients compare.
        told = broker.cluster.listener_of(broker.settings.node_name, STREAM, is_tls=peer.is_tls)
        if told is not None:
            return told.host, told.port
    given = session.settings.advertised(is_tls=peer.is_tls)
    return given.host or peer.server_address, given.port or peer.server_port
