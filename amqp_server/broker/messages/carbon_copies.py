"""Sender-selected distribution: the headers CC and BCC add routing keys to a message.

Source: RabbitMQ, sender-selected distribution; rabbit_basic for the texts.
"""

from collections.abc import Mapping
from typing import Final

from amqp_server.broker.errors import InvalidMessageError
from amqp_server.wire.properties import Properties
from amqp_server.wire.tables import TYPE_NAMES, Field, plain

_CC: Final = "CC"
_BCC: Final = "BCC"


def carbon_copies(properties: Properties, keys_max: int) -> tuple[list[str], bool]:
    """Return the additional routing keys; take BCC out of the headers.

    Args:
        properties: of the message; changed in place.
        keys_max: most keys a message may name.

    Returns:
        The keys of CC and then BCC, and whether the properties were changed.

    Raises:
        InvalidMessageError: not an array, or too many keys (406). Array items that are no longstr
            are ignored, as in RabbitMQ.
        MethodSyntaxError: the headers cannot be decoded (502).
    """
    if b"CC" not in properties.raw["headers"]:
        return [], False
    headers = properties.headers()
    keys = copy_keys(headers, keys_max)
    if headers.pop(_BCC, None) is None:
        return keys, False
    properties.set_headers(headers)
    return keys, True


def copy_keys(headers: Mapping[str, Field], keys_max: int) -> list[str]:
    """Return the keys of CC and then BCC; see ``carbon_copies``.

    Raises:
        InvalidMessageError: not an array, or too many keys (406).
    """
    keys = _keys(headers, _CC) + _keys(headers, _BCC)
    if len(keys) > keys_max:
        text = f"invalid message: {len(keys)} routing keys in CC and BCC, at most {keys_max}"
        raise InvalidMessageError(text)
    return keys


def _keys(headers: Mapping[str, Field], name: str) -> list[str]:
    field = headers.get(name)
    if field is None:
        return []
    if not isinstance(field.value, list):
        term = f'{{unacceptable_type_in_header,"{name}",{TYPE_NAMES[field.kind]}}}'
        raise InvalidMessageError(f"invalid message: {term}")
    return [str(plain(inner)) for inner in field.value if inner.kind == "S"]
