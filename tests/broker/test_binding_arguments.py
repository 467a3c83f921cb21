"""The arguments of a binding come back with the types that they were given with."""

from amqp_server.broker.binding_arguments import arguments_key_of, made_binding, typed_arguments
from amqp_server.wire.tables import Field
from exchanges.bindings import Destination, DestinationKind

TO = Destination(DestinationKind.QUEUE, "q")
NESTED = {"b": Field("A", [Field("I", 1), Field("F", {"c": Field("t", True)})]), "a": Field("s", 5)}


def test_types_and_nesting_are_kept() -> None:
    assert typed_arguments(made_binding("x", TO, "k", NESTED)) == NESTED
    assert typed_arguments(made_binding("x", TO, "k", {})) == {}


def test_the_order_makes_no_difference_and_the_type_does() -> None:
    turned = dict(reversed(NESTED.items()))
    assert arguments_key_of(turned) == arguments_key_of(NESTED)
    assert arguments_key_of({"a": Field("I", 5)}) != arguments_key_of({"a": Field("s", 5)})
