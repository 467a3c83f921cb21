"""The arguments of a binding: as they are compared, and as the client gave them.

Two bindings that differ only in the types of their arguments are two bindings. The key of the
arguments is their encoding, in an order of their own.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from amqp_server.wire.tables import Table, decode_table, encode_table, matched_table
from exchanges.bindings import Binding, Destination

_NONE: Final[Mapping[str, object]] = MappingProxyType({})
_NONE_KEY: Final = encode_table({})


def made_binding(source: str, to: Destination, routing_key: str, table: Table) -> Binding:
    """Return a binding with these arguments; those without any share what stands for none."""
    if not table:
        return Binding(source, to, routing_key, _NONE, _NONE_KEY)
    return Binding(source, to, routing_key, matched_table(table), arguments_key_of(table))


def arguments_key_of(table: Table) -> bytes:
    """Encode arguments so that their order makes no difference."""
    return encode_table(dict(sorted(table.items()))) if table else _NONE_KEY


def typed_arguments(binding: Binding) -> Table:
    """Return the arguments of a binding with their AMQP types."""
    key = binding.arguments_key
    return {} if key is _NONE_KEY else decode_table(key)[0]
