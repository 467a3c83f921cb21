"""The properties of a message as plain values, for people and for programs without AMQP."""

from typing import Final

from amqp_server.wire.errors import WireError
from amqp_server.wire.properties import PROPERTIES, split
from amqp_server.wire.tables import TYPE_NAMES, plain

_NUMBERS: Final = frozenset({"octet", "timestamp"})


def shown_properties(header: bytes) -> dict[str, object]:
    """Return the properties that are there, by the names of ``wire.properties``.

    Values in headers are as ``wire.tables.plain`` has them: None for void, bytes for a byte array,
    a scale and a number for a decimal. Octets that are not UTF-8 are lone surrogates. Headers that
    cannot be decoded are left out.

    Args:
        header: payload of a content header, of a message that was taken.
    """
    properties = split(header)
    shown: dict[str, object] = {}
    for name, _, data_type in PROPERTIES:
        octets = properties.raw.get(name)
        if octets is None:
            continue
        if data_type in _NUMBERS:
            shown[name] = int.from_bytes(octets, "big")
        elif data_type == "shortstr":
            shown[name] = properties.text(name)
        else:
            try:
                headers = properties.headers()
            except WireError:
                continue
            shown[name] = {key: plain(field) for key, field in headers.items()}
    return shown


def shown_types(header: bytes) -> dict[str, str]:
    """Return the AMQP types of the headers, by RabbitMQ's names; empty if they cannot be decoded.

    Args:
        header: payload of a content header, of a message that was taken.
    """
    try:
        headers = split(header).headers()
    except WireError:
        return {}
    return {key: TYPE_NAMES.get(field.kind, field.kind) for key, field in headers.items()}
