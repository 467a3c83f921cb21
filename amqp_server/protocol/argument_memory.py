"""How much memory the arguments of a consumer take, about."""

from typing import Final

from amqp_server.wire.tables import FieldValue, Table

FIELD_BYTES: Final = 256
"""Of one field beside its text: its objects, and its place in a table."""


def arguments_bytes(table: Table) -> int:
    """Return about how much memory a table takes, with all that is in it."""
    total_bytes = 0
    waiting: list[FieldValue] = [dict(table)]
    while waiting:
        value = waiting.pop()
        total_bytes += FIELD_BYTES
        if isinstance(value, bytes):
            total_bytes += len(value)
        elif isinstance(value, dict):
            total_bytes += sum(map(len, value))
            waiting += [field.value for field in value.values()]
        elif isinstance(value, list):
            waiting += [field.value for field in value]
    return total_bytes
