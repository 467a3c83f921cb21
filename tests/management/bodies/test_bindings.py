"""The key that tells a binding from the others between the same two."""

from amqp_server.broker.views import BindingView
from management.bodies.bindings import default_binding, is_named, location_of, properties_key


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


def test_a_name_may_be_encoded_once_more_or_not_at_all() -> None:
    for key in ("a b", "a/b", "a.#", "%", "é☃", "a+b"):
        assert is_named(_binding(key), properties_key(_binding(key)))
    assert is_named(_binding("a.#"), "a.#")
    assert is_named(_binding("a b"), "a%20b")
    assert is_named(_binding("~"), "%7E")
    assert not is_named(_binding("~"), "~")
    assert is_named(_binding(""), "~")
    assert not is_named(_binding(""), "")
    tagged = _binding("a/b", n=1)
    assert is_named(tagged, properties_key(tagged).replace("%2F", "/"))
    assert not is_named(tagged, "a/b")
    assert not is_named(_binding("a/b"), properties_key(tagged))
