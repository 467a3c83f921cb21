"""``haremq exchanges`` and ``haremq bindings``."""

from tests.support.typed_commands import Typed


def test_an_exchange_comes_is_shown_and_goes(typed: Typed) -> None:
    assert typed("exchanges", "declare", "x", "--type", "topic").status == 0
    assert typed("exchanges", "show", "x", "-o", "json").json["type"] == "topic"
    assert typed("exchanges", "delete", "x").status == 64
    assert typed("exchanges", "delete", "x", "--if-unused", "--yes").status == 0
    assert typed("exchanges", "show", "x").status == 65


def test_the_default_exchange_is_listed_and_shown(typed: Typed) -> None:
    assert typed("exchanges", "show", "", "-o", "json").json["name"] == ""
    assert "amq.topic" in typed("exchanges", "list").out


def test_a_binding_comes_and_goes_by_key_and_arguments(typed: Typed) -> None:
    typed("queues", "declare", "q")
    typed("exchanges", "declare", "x", "--type", "headers")
    assert typed("bindings", "declare", "x", "q", "a b~c", "-a", "h=1").status == 0
    assert typed("bindings", "delete", "x", "q", "a b~c", "--yes").status == 65
    assert typed("bindings", "delete", "x", "q", "a b~c", "-a", "h=1").status == 64
    assert typed("bindings", "delete", "x", "q", "a b~c", "-a", "h=1", "--yes").status == 0
    rows = typed("bindings", "list", "-o", "json").json
    assert [row["source"] for row in rows] == [""]


def test_an_exchange_is_bound_to_an_exchange(typed: Typed) -> None:
    typed("exchanges", "declare", "x")
    assert typed("bindings", "declare", "amq.topic", "x", "k", "--to-exchange").status == 0
    [row] = typed("bindings", "list", "-o", "json").json
    assert (row["destination"], row["destination_type"]) == ("x", "exchange")
    assert typed("bindings", "delete", "amq.topic", "x", "k", "--to-exchange", "-y").status == 0
