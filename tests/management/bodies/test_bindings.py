"""The key that tells a binding from the others between the same two."""

from amqp_server.broker.views import BindingView
from management.bodies.bindings import default_binding, location_of, properties_key


def _binding(key: str, **arguments: object) -> BindingView:
    return BindingView("x", "/", "a/q", "queue", key, arguments, {})


def test_the_order_of_arguments_makes_no_difference() -> None:
    both = (
        _binding("k", a=1, b={"c": 2, "d": b"\xff"}),
        _binding("k", b={"d": b"\xff", "c": 2}, a=1),
    )
    assert properties_key(both[0]) == properties_key(both[1])
    assert properties_key(both[0]) != properties_key(_binding("k", a=1))
    assert properties_key(_binding("", a=1)).startswith("~")


def test_a_location_is_decoded_once() -> None:
    assert location_of(_binding("k")) == "a%2Fq/k"
    assert location_of(_binding("\udcff")) == "a%2Fq/%25FF"
    assert properties_key(default_binding("/", "q")) == "q"
