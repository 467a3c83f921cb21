"""One table of kinds: whatever is done with definitions walks it."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest

from amqp_server.broker.broker import Broker
from amqp_server.broker.definitions.apply import apply_definitions
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    ExchangeDefinition,
    OperatorPolicyDefinition,
    ParameterDefinition,
    QueueDefinition,
    VhostDefinition,
    VhostLimitsDefinition,
)
from amqp_server.broker.definitions.export import export_definitions
from amqp_server.broker.definitions.fields import Fields, whole
from amqp_server.broker.definitions.item import DefinitionsError, Item
from amqp_server.broker.definitions.parse import parse_definitions
from amqp_server.broker.definitions.place import Place
from amqp_server.broker.definitions.records import QUEUE_IDS_KEY, Key
from amqp_server.broker.definitions.row import Applying, Names, Reading
from amqp_server.broker.definitions.table import TABLE, DefinitionTable, Section
from amqp_server.broker.definitions.target import BrokerTarget
from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.steps import Steps, finish
from tests.support.stored_broker import NOW_MS, FakeChangeLog, StoredBroker

STORED: dict[Key, bytes] = {
    tuple(key): value.encode("ascii")
    for key, value in json.loads(
        (Path(__file__).parent / "stored_0_1.json").read_text(encoding="ascii")
    )
    if tuple(key) != QUEUE_IDS_KEY
}
"""Every kind, with everything that is odd about it."""


CLASSIC = STORED | {("vhost", "/"): TABLE.value_of(VhostDefinition("/"))}
"""The same without a default type, which what is loaded from a file takes."""


def restored(stored: dict[Key, bytes] = STORED) -> StoredBroker:
    return StoredBroker(FakeChangeLog(), stored.items())


def durable(broker: Broker) -> dict[Key, bytes]:
    """Return what a broker has, as it is stored."""
    return {TABLE.key_of(each): TABLE.value_of(each) for each in TABLE.held(broker)}


def test_what_is_restored_is_held_octet_for_octet() -> None:
    node = restored()
    assert node.restored.skipped == ()
    assert durable(node.broker) == STORED


def test_what_is_held_comes_in_an_order_in_which_it_can_be_applied() -> None:
    first, second = restored(CLASSIC), StoredBroker(FakeChangeLog())
    for definition in TABLE.held(first.broker):
        raw = export_definitions([definition], "p", "v", "c")
        assert apply_definitions(second.broker, parse_definitions(raw, bytes), NOW_MS) == ()
    names = [vhost.name for vhost in second.broker.vhosts()]
    assert names == [vhost.name for vhost in first.broker.vhosts()]
    assert len(durable(second.broker)) == len(STORED)


def test_the_types_that_json_does_not_have_are_all_that_an_export_changes() -> None:
    node = restored()
    raw = json.loads(json.dumps(export_definitions(TABLE.held(node.broker), "p", "v", "c")))
    document = parse_definitions(raw, bytes)
    assert document.left_out == ()
    kept = {
        TABLE.key_of(each): TABLE.value_of(each)
        for each in document.definitions
        if not isinstance(each, QueueDefinition | ExchangeDefinition | BindingDefinition)
    }
    assert kept == {key: value for key, value in STORED.items() if key in kept}
    assert len(document.definitions) == len(STORED)


def test_all_that_is_held_can_be_removed_and_is_stored_no_more() -> None:
    changes = FakeChangeLog()
    node = StoredBroker(changes)
    raw = export_definitions(TABLE.held(restored(CLASSIC).broker), "p", "v", "c")
    apply_definitions(node.broker, parse_definitions(raw, bytes), NOW_MS)
    while held := list(TABLE.held(node.broker)):
        key = TABLE.key_of(held[-1])
        assert key in changes.items()
        finish(TABLE.removing(node.broker, held[-1], NOW_MS))
        assert key not in changes.items()
        finish(TABLE.removing(node.broker, held[-1], NOW_MS))  # once more is nothing to do
    assert set(changes.items()) == {QUEUE_IDS_KEY}


def test_an_exclusive_queue_and_its_bindings_are_not_held_nor_removed() -> None:
    node = StoredBroker(FakeChangeLog())
    node.add_vhost()
    node.queue("mine", exclusive=True)
    node.bind("amq.fanout", "queue", "mine")
    assert list(TABLE.held(node.broker)) == [VhostDefinition("/")]
    mine = QueueDefinition("mine", "/", True, False, {})
    finish(TABLE.removing(node.broker, mine, NOW_MS))
    assert node.vhost().queues.find("mine") is not None


@pytest.mark.parametrize(
    ("component", "value", "expected"),
    [
        ("shovel", {"a": 1}, ParameterDefinition("/", "shovel", "n", {"a": 1})),
        ("vhost-limits", {"max-queues": 3}, VhostLimitsDefinition("/", {"max-queues": 3})),
        (
            "operator_policy",
            {"pattern": "^a", "definition": {"expires": 5}},
            OperatorPolicyDefinition("/", Policy("n", "^a", {"expires": 5})),
        ),
    ],
)
def test_a_parameter_is_what_its_component_says(
    component: str, value: object, expected: object
) -> None:
    raw = {"vhost": "/", "component": component, "name": "n", "value": value}
    item = Item(raw, "d")
    (section,) = [each for each in TABLE.sections if each.name == "parameters"]
    assert section.row_of(item).read(item, Reading(bytes)) == expected


def test_an_item_that_no_row_takes_is_told() -> None:
    section = Section("parameters", [row for row in TABLE.rows if row.component == "vhost-limits"])
    with pytest.raises(DefinitionsError, match="d: there is no component 'shovel' here"):
        section.row_of(Item({"component": "shovel"}, "d"))


def test_a_row_is_there_once() -> None:
    with pytest.raises(AssertionError, match="a row is met twice"):
        DefinitionTable((*TABLE.rows, TABLE.rows[0]))


# ── a kind more is a row more ──


@dataclass(frozen=True)
class Shade:
    """A toy: a colour of a vhost."""

    vhost: str
    name: str
    value: int


class ShadeRow:
    """Its row; where a broker has shades is the row's own matter."""

    word = "shade"
    value_type = Shade
    section = "shades"
    component = None
    obeys_policies = False

    def __init__(self) -> None:
        self.shades: dict[BrokerTarget, dict[tuple[str, ...], Shade]] = {}

    def names(self, shade: Shade) -> Names:
        return (shade.vhost, shade.name)

    def encode(self, shade: Shade) -> Fields:
        return {"value": shade.value}

    def decode(self, names: Names, fields: Fields) -> Shade:
        vhost, name = names
        return Shade(vhost, name, whole(fields["value"]))

    def read(self, item: Item, reading: Reading) -> Shade:
        return Shade(reading.vhost_of(item), item.name("name"), item.integer("value", 0))

    def show(self, shade: Shade) -> dict[str, object]:
        return {"vhost": shade.vhost, "name": shade.name, "value": shade.value}

    def missing(self, place: Place, shade: Shade) -> str | None:
        return place.missing_vhost(shade.vhost)

    def apply(self, broker: BrokerTarget, shade: Shade, applying: Applying) -> None:
        broker.vhost(shade.vhost)
        if shade.value < 0:
            raise PreconditionFailedError("there is nothing blacker than black")
        assert isinstance(broker, Broker)
        broker.journal.save(shade)
        self.shades.setdefault(broker, {})[self.names(shade)] = shade

    def remove(self, broker: BrokerTarget, shade: Shade, now_ms: int) -> Steps[None]:
        assert isinstance(broker, Broker)
        if self.shades.get(broker, {}).pop(self.names(shade), None) is not None:
            broker.journal.forget(shade)
        yield

    def held(self, broker: BrokerTarget) -> list[Shade]:
        return list(self.shades.get(broker, {}).values())


def test_a_kind_more_is_a_row_more() -> None:
    row = ShadeRow()
    table = DefinitionTable((*TABLE.rows, row))
    changes = FakeChangeLog()
    node = StoredBroker(changes, table=table)
    raw = {
        "vhosts": [{"name": "/"}],
        "shades": [
            {"vhost": "/", "name": "grey", "value": 5},
            {"vhost": "gone", "name": "white", "value": 9},
            {"vhost": "/", "name": "none", "value": -1},
            {"vhost": "/", "name": 7},
        ],
    }
    # A file: read, looked up and applied, each with what is told of the rest.
    document = parse_definitions(raw, bytes, table=table)
    assert apply_definitions(node.broker, document, NOW_MS, table) == (
        "definitions.shades[3].name: expected a string, got 7",
        "definitions.shades[1].vhost: no such vhost 'gone'",
        "definitions.shades[2]: there is nothing blacker than black",
    )
    # The journal, and a restart.
    assert changes.items()["shade", "/", "grey"] == b'{"v":1,"value":5}'
    items = {**changes.items(), ("shade", "gone", "white"): b'{"v":1,"value":9}'}
    again = StoredBroker(changes, items.items(), table=table)
    assert list(map(str, again.restored.skipped)) == [
        "shade ['gone', 'white']: vhost gone not found"
    ]
    assert row.held(again.broker) == [Shade("/", "grey", 5)]
    # An export, and the end of it.
    shown = export_definitions(table.held(again.broker), "p", "v", "c", table)
    assert shown["shades"] == [{"vhost": "/", "name": "grey", "value": 5}]
    finish(table.removing(again.broker, Shade("/", "grey", 5), NOW_MS))
    assert ("shade", "/", "grey") not in changes.items()
    assert row.held(again.broker) == []


def test_what_a_later_version_stored_is_kept_by_one_without_its_row() -> None:
    items = {**STORED, ("shade", "/", "grey"): b'{"v":1,"value":5}'}
    node = StoredBroker(FakeChangeLog(), items.items())
    assert list(map(str, node.restored.skipped)) == [
        "shade ['/', 'grey']: this version knows nothing of this kind"
    ]
    assert node.stored.knows_every_queue
