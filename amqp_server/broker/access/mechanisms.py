"""The authentication mechanisms of connection.start-ok.

PLAIN      NUL user NUL password, nothing before and nothing after (RFC 4616 without an authzid)
AMQPLAIN   a field table without its length, with LOGIN and PASSWORD; what py-amqp chooses
EXTERNAL   the response is ignored: the TLS layer knows the client by its certificate. Offered
           only to a client that presented one, or py-amqp would choose it everywhere

The texts are for the log, because RabbitMQ closes such a connection without an answer. Unlike
RabbitMQ's texts they do not repeat the response, which holds a password.
"""

from typing import Final, NamedTuple

from amqp_server.broker.errors import MalformedCredentialsError, MechanismError
from amqp_server.wire.errors import MethodSyntaxError
from amqp_server.wire.tables import Field, decode_table

PLAIN: Final = "PLAIN"
AMQPLAIN: Final = "AMQPLAIN"
EXTERNAL: Final = "EXTERNAL"

MECHANISMS: Final = (PLAIN, AMQPLAIN, EXTERNAL)
"""In the order that connection.start offers them."""

_WITHOUT_CERTIFICATE: Final = (PLAIN, AMQPLAIN)
_TABLE_LENGTH_BYTES: Final = 4


class Credentials(NamedTuple):
    """The credentials of a client; ``password`` None means proven by its certificate."""

    username: str
    password: str | None


def mechanism_names(certificate_name: str | None) -> str:
    """Return the mechanisms for connection.start, separated by spaces.

    Args:
        certificate_name: the user that the client's certificate names; None without one.
    """
    return " ".join(_offered(certificate_name))


def login(mechanism: str, response: bytes, certificate_name: str | None) -> Credentials:
    """Return the credentials in a response.

    Args:
        mechanism: that the client chose; names are compared as they are written.
        response: as it came; its size is bounded by the frame before tune.
        certificate_name: the user that the client's certificate names; None without one.

    Raises:
        MechanismError: no such mechanism, or one that was not offered (503).
        MalformedCredentialsError: a response that the mechanism cannot read (502).

    Source: RabbitMQ, rabbit_auth_mechanism_*; what is malformed was measured on 3.10.
    """
    if mechanism not in MECHANISMS:
        raise MechanismError(f"unknown authentication mechanism '{mechanism}'")
    if mechanism not in _offered(certificate_name):
        raise MechanismError(f"invalid authentication mechanism '{mechanism}'")
    if mechanism == PLAIN:
        return _plain(response)
    if mechanism == AMQPLAIN:
        return _amqplain(response)
    assert certificate_name is not None, "EXTERNAL is not offered without a certificate"
    return Credentials(certificate_name, None)


def _offered(certificate_name: str | None) -> tuple[str, ...]:
    return _WITHOUT_CERTIFICATE if certificate_name is None else MECHANISMS


def _plain(response: bytes) -> Credentials:
    match response.split(b"\0"):
        case [b"", username, password]:
            return Credentials(_text(username), _text(password))
        case _:
            raise MalformedCredentialsError("PLAIN response is invalid")


def _amqplain(response: bytes) -> Credentials:
    try:
        table, _ = decode_table(len(response).to_bytes(_TABLE_LENGTH_BYTES, "big") + response)
    except MethodSyntaxError as error:
        raise MalformedCredentialsError(f"AMQPLAIN auth info is no table: {error}") from error
    match table.get("LOGIN"), table.get("PASSWORD"):
        case Field("S", bytes(username)), Field("S", bytes(password)):
            return Credentials(_text(username), _text(password))
        case (None, _) | (_, None):
            raise MalformedCredentialsError("AMQPLAIN auth info is missing LOGIN or PASSWORD field")
        case _:
            raise MalformedCredentialsError(
                "AMQPLAIN auth info uses unsupported type for LOGIN or PASSWORD field"
            )


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")
