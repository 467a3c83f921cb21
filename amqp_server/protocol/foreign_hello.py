"""Describes octets sent instead of AMQP's protocol header: mostly a client at the wrong port."""

from typing import Final

from amqp_server.connections.peer import Peer
from amqp_server.protocol.transitions import State

_TLS_HANDSHAKE: Final = b"\x16\x03"
_AMQP: Final = b"AMQP"
_AMQP_1_0: Final = frozenset((b"AMQP\x00\x01\x00\x00", b"AMQP\x02\x01\x00\x00"))
_AMQP_1_0_SASL: Final = b"AMQP\x03\x01\x00\x00"
_PROXY: Final = (b"PROXY ", b"\r\n\r\n\x00\r\nQ")
_HTTP_METHODS: Final = (
    b"GET ",
    b"HEAD ",
    b"POST ",
    b"PUT ",
    b"DELETE ",
    b"OPTIONS ",
    b"PATCH ",
    b"CONNECT ",
)
_HTTP_2: Final = b"PRI * HT"
_MQTT_CONNECT: Final = 0x10


def described(header: bytes) -> str:
    """Return the likely protocol of a client that does not speak AMQP 0-9-1, with advice.

    Args:
        header: the first eight octets that it sent.
    """
    if header.startswith(_TLS_HANDSHAKE):
        return "a TLS hello on a port without TLS; is its port that of a listener with tls: true?"
    if header.startswith(_HTTP_METHODS):
        method = header.split(b" ")[0].decode("ascii")
        return f"an HTTP {method} on the AMQP port; this is no web server"
    if header.startswith(_HTTP_2):
        return "an HTTP/2 request on the AMQP port; this is no web server"
    if header in _AMQP_1_0 or header == _AMQP_1_0_SASL:
        return "AMQP 1.0, and only AMQP 0-9-1 is spoken here"
    if header.startswith(_AMQP):
        return "another version of AMQP, and only 0-9-1 is spoken here"
    if header.startswith(_PROXY):
        return "a PROXY header on a listener without proxy_protocol: true"
    if header[:1] == bytes((_MQTT_CONNECT,)) and b"\x00\x04MQ" in header:
        return "MQTT on the AMQP port"
    return "something that is not AMQP"


def is_health_check(state: State, said: bytes, peer: Peer) -> bool:
    """Return whether a lost connection was only a check that the server is reachable.

    A connection that sent no octet is one (RabbitMQ). A connection from this host may also ask
    for connection.start.

    Args:
        state: of the connection when it was lost.
        said: received bytes that were not used up.
        peer: the client.
    """
    if state is State.AWAIT_HEADER:
        return not said
    return state is State.AWAIT_START_OK and peer.is_loopback
