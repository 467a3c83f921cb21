"""Fields are read back as they were written; whatever is of another type is an error."""

from collections.abc import Callable

import pytest

from amqp_server.broker.definitions.fields import (
    flag,
    limits,
    mapping,
    table_of,
    table_text,
    text,
    texts,
    whole,
)
from amqp_server.wire.tables import Field, Table


def test_a_table_comes_back_with_its_types() -> None:
    table: Table = {"b": Field("b", -3), "D": Field("D", (2, 314)), "S": Field("S", b"\xff")}
    assert table_of(table_text(table)) == table
    assert (table_text({}), table_of("")) == ("", {})


@pytest.mark.parametrize(
    ("reader", "right", "wrong"),
    [
        (text, "a", 1),
        (flag, False, 0),
        (whole, 7, True),
        (whole, -1, 1.0),
        (mapping, {"a": None}, []),
        (limits, {"a": 1}, {"a": "1"}),
    ],
)
def test_a_field_is_of_its_type(
    reader: Callable[[object], object], right: object, wrong: object
) -> None:
    assert reader(right) == right
    with pytest.raises(TypeError, match="expected"):
        reader(wrong)


def test_a_list_holds_texts() -> None:
    assert texts(["a", "b"]) == ("a", "b")
    for wrong in ("ab", ["a", 1]):
        with pytest.raises(TypeError, match="expected"):
            texts(wrong)
