"""The arguments of a stream as the stream protocol and its HTTP routes have them: texts by name.

    {"max-age": "1h", "max-length-bytes": "1000"}  →  x-max-age: "1h", x-max-length-bytes: 1000

Source: RabbitMQ, rabbit_stream_manager, stream_queue_arguments.
"""

from collections.abc import Mapping
from typing import Final

from amqp_server.broker.arguments.declare import QueueProperties
from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.wire.tables import Field, longstr

_TEXTS: Final = (
    "max-age",
    "queue-leader-locator",
    "stream-max-segment-age",
    "stream-compact-key",
    "stream-compact-tombstone-age",
)
_NUMBERS: Final = (
    "max-length-bytes",
    "stream-max-segment-size-bytes",
    "stream-filter-size-bytes",
    "initial-cluster-size",
)
_DIGITS_MAX: Final = 18


def stream_properties(arguments: Mapping[str, str]) -> QueueProperties:
    """Return the properties of a stream with these arguments; unknown ones are ignored.

    Raises:
        PreconditionFailedError: a number is none.
    """
    table: dict[str, Field] = {"x-queue-type": longstr("stream")}
    for key in _TEXTS:
        if key in arguments:
            table[f"x-{key}"] = longstr(arguments[key])
    for key in _NUMBERS:
        if key in arguments:
            table[f"x-{key}"] = Field("l", _number(key, arguments[key]))
    return QueueProperties(durable=True, exclusive=False, auto_delete=False, arguments=table)


def _number(key: str, text: str) -> int:
    digits = text.removeprefix("-")
    if not digits.isascii() or not digits.isdigit() or len(digits) > _DIGITS_MAX:
        raise PreconditionFailedError(f"invalid value of the argument {key}: expected a number")
    return int(text)
