"""Values of a definitions file, each of its type, errors with the path."""

from collections.abc import Callable

import pytest

from amqp_server.broker.definitions.item import DefinitionsError, Item, json_of
from amqp_server.wire.tables import DEPTH_MAX, Field, Table

RAW: dict[str, object] = {
    "name": "n",
    "number": 5,
    "flag": True,
    "none": None,
    "undefined": "undefined",
    "long": "é" * 128,
    "lone": "\ud800",
    "octet": "\udcff",
    "list": [{}, {"a": 1}, 5],
    "words": ["a", "b"],
    "commas": "a, b,",
    "mixed": ["a", 5],
    "empty": [],
}
ITEM = Item(RAW, "d.x[3]")


def table(raw: object) -> Table:
    return Item({"t": raw}, "d").table("t")


def complaint(read: Callable[[], object]) -> str:
    with pytest.raises(DefinitionsError) as caught:
        read()
    return str(caught.value)


@pytest.mark.parametrize(
    ("read", "told"),
    [
        (lambda: ITEM.text("number"), "d.x[3].number: expected a string, got 5"),
        (lambda: ITEM.text("none"), "d.x[3].none: expected a string, got None"),
        (lambda: ITEM.text("missing"), "d.x[3].missing: must be given"),
        (lambda: ITEM.text("lone"), "d.x[3].lone: expected text, got '\\ud800'"),
        (lambda: ITEM.name("long"), "d.x[3].long: is longer than 255 octets"),
        (lambda: ITEM.flag("number", default=True), "d.x[3].number: expected true or false, got 5"),
        (lambda: ITEM.integer("flag", 0), "d.x[3].flag: expected an integer, got True"),
        (lambda: ITEM.mapping("name"), "d.x[3].name: expected an object, got 'n'"),
        (lambda: ITEM.items("name"), "d.x[3].name: expected a list, got 'n'"),
        (
            lambda: ITEM.words("mixed"),
            "d.x[3].mixed: expected a list of strings, got ['a', 5]",
        ),
        (lambda: Item([], "d"), "d: expected an object, got []"),
        (
            lambda: table({"k": 1 << 63}),
            "d.t.k: expected a 64-bit integer, got 9223372036854775808",
        ),
        (
            lambda: Item({"t": {"k": [{"l": {1}}]}}, "d").table("t"),
            "d.t.k[0].l: expected a JSON value, got {1}",
        ),
    ],
)
def test_what_is_wrong_is_told_with_its_path(read: Callable[[], object], told: str) -> None:
    assert complaint(read) == told


def test_values_are_read_or_their_default() -> None:
    assert (ITEM.text("name"), ITEM.text("missing", "d"), ITEM.name("octet")) == (
        "n",
        "d",
        "\udcff",
    )
    assert (ITEM.flag("flag", default=False), ITEM.flag("missing", default=True)) == (True, True)
    assert (ITEM.integer("number", 0), ITEM.integer("missing", 7)) == (5, 7)
    assert (ITEM.mapping("missing"), ITEM.mapping("empty"), ITEM.mapping("none")) == ({}, {}, {})
    assert list(ITEM.items("missing")) == list(ITEM.items("none")) == []
    assert not ITEM.has_any("missing")
    assert not ITEM.has_any("empty")
    assert ITEM.has_any("mixed")


def test_null_and_undefined_are_no_value() -> None:
    assert ITEM.has("name")
    assert not ITEM.has("none")
    assert not ITEM.has("undefined")
    assert not ITEM.has("missing")


def test_tags_are_a_list_or_a_text_with_commas() -> None:
    assert ITEM.words("words") == ITEM.words("commas") == ("a", "b")
    assert ITEM.words("missing") == ITEM.words("empty") == ()


def test_json_gets_the_amqp_types_of_rabbitmq() -> None:
    raw = {"i": 5, "f": 1.5, "s": "é", "b": True, "n": None, "a": [-1], "o": {"x": ""}}
    assert table(raw) == {
        "i": Field("l", 5),
        "f": Field("d", 1.5),
        "s": Field("S", "é".encode()),
        "b": Field("t", True),
        "n": Field("V", None),
        "a": Field("A", [Field("l", -1)]),
        "o": Field("F", {"x": Field("S", b"")}),
    }


def test_a_table_is_only_so_deep_and_its_keys_only_so_long() -> None:
    nested: object = 1
    for _ in range(DEPTH_MAX - 1):
        nested = [nested]
    Item({"t": {"k": nested}}, "d").table("t")
    assert f"deeper than {DEPTH_MAX}" in complaint(
        lambda: Item({"t": {"k": [nested]}}, "d").table("t")
    )
    assert "keys of at most 255 octets" in complaint(
        lambda: Item({"t": {"k" * 256: 1}}, "d").table("t")
    )


def test_what_is_in_a_list_comes_with_its_path() -> None:
    assert list(ITEM.items("list")) == [
        ("d.x[3].list[0]", {}),
        ("d.x[3].list[1]", {"a": 1}),
        ("d.x[3].list[2]", 5),
    ]


def test_what_is_left_out_is_told_with_its_path() -> None:
    item = Item({}, "d.x[3]")
    item.leave_out("a.b", "is not ours")
    assert item.left_out == ["d.x[3].a.b: is not ours"]


def test_types_that_json_does_not_have_become_the_nearest() -> None:
    assert json_of(Field("T", 7)) == 7
    assert json_of(Field("D", (2, 150))) == 1.5
    assert json_of(Field("V", None)) is None
    assert json_of(Field("x", b"\xff")) == "\udcff"
