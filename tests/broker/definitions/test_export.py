"""What is exported is RabbitMQ's document, and reads back as the same."""

import json
from collections.abc import Iterable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from amqp_server.broker.definitions.definition import (
    Definition,
    PolicyDefinition,
    QueueDefinition,
    VhostDefinition,
)
from amqp_server.broker.definitions.export import export_definitions
from amqp_server.broker.definitions.parse import parse_definitions
from amqp_server.broker.policies.table import Policy
from amqp_server.wire.tables import Field, FieldValue, longstr
from queues.kinds import QUORUM

EXPORT = json.loads((Path(__file__).parent / "rabbitmq_3_10.json").read_text(encoding="utf-8"))


def salt(size_bytes: int) -> bytes:
    return bytes(size_bytes)


def export(definitions: Iterable[Definition]) -> dict[str, object]:
    return export_definitions(definitions, "RabbitMQ", "3.13.7", "hares")


def there_and_back(definitions: Iterable[Definition]) -> tuple[Definition, ...]:
    return parse_definitions(json.loads(json.dumps(export(definitions))), salt).definitions


def test_an_export_of_rabbitmq_comes_back_as_it_was() -> None:
    definitions = parse_definitions(EXPORT, salt).definitions
    assert there_and_back(definitions) == definitions
    ours = export(definitions)
    for section in ("users", "permissions", "topic_permissions", "policies", "queues", "bindings"):
        assert sorted(map(json.dumps, ours[section])) == sorted(  # type: ignore[call-overload] # lists
            map(json.dumps, EXPORT[section])
        )


def test_the_class_of_a_queue_is_exported_by_argument_and_by_policy() -> None:
    arguments = {"x-durability": longstr("fsync")}
    queue = QueueDefinition("orders", "/", True, False, arguments)
    policy = PolicyDefinition("/", Policy("p", "", {"durability": "os"}))
    definitions = (policy, queue)
    assert there_and_back(definitions) == definitions
    assert json.loads(json.dumps(export(definitions)["queues"]))[0]["arguments"] == {
        "x-durability": "fsync"
    }


def test_the_head_says_who_exported() -> None:
    head = export(())
    assert (head["rabbit_version"], head["product_name"]) == ("3.13.7", "RabbitMQ")
    assert head["original_cluster_name"] == "hares"
    assert head["users"] == head["parameters"] == head["bindings"] == []


def test_a_vhost_keeps_what_is_said_of_it() -> None:
    definitions = (VhostDefinition("a", "d", ("t",), QUORUM), VhostDefinition("b"))
    assert there_and_back(definitions) == definitions


_KEYS = st.text(alphabet="abcé", min_size=1, max_size=3)


def _containers(fields: st.SearchStrategy[Field]) -> st.SearchStrategy[Field]:
    def table(inner: dict[str, Field]) -> Field:
        return Field("F", inner)

    def array(inner: list[Field]) -> Field:
        return Field("A", inner)

    return st.one_of(
        st.dictionaries(_KEYS, fields, max_size=3).map(table),
        st.lists(fields, max_size=3).map(array),
    )


def _leaf(kind: str, values: st.SearchStrategy[FieldValue]) -> st.SearchStrategy[Field]:
    return values.map(lambda value: Field(kind, value))


_FIELDS = st.recursive(
    st.one_of(
        _leaf("l", st.integers(-(1 << 63), (1 << 63) - 1)),
        _leaf("d", st.floats(allow_nan=False)),
        _leaf("S", st.binary(max_size=4)),
        _leaf("t", st.booleans()),
        _leaf("V", st.none()),
    ),
    _containers,
    max_leaves=8,
)


@settings(max_examples=40)
@given(arguments=st.dictionaries(_KEYS, _FIELDS, max_size=3))
def test_arguments_of_json_types_come_back_as_they_were(arguments: dict[str, Field]) -> None:
    queue = QueueDefinition("q", "/", True, False, arguments)
    assert there_and_back((queue,)) == (queue,)
