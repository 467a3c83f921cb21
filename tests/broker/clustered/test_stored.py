"""Each kind of definition is in the metadata store what it is in the journal of a single node."""

import json
from pathlib import Path

import pytest

from amqp_server.broker.clustered.stored import StoredDefinition, StoredDefinitions
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    ExchangeDefinition,
    QueueDefinition,
)
from amqp_server.broker.definitions.records import QUEUE_IDS_KEY, RecordError
from amqp_server.broker.definitions.table import TABLE
from amqp_server.wire.tables import longstr
from cluster.metadata.keys import KeySpace

KEYS = KeySpace("c")
STORED = StoredDefinitions(KEYS)
EVERY_KIND = [
    TABLE.definition_of(tuple(key), value.encode("ascii"))
    for key, value in json.loads(
        (Path(__file__).parent.parent / "definitions/stored_0_1.json").read_text(encoding="ascii")
    )
    if tuple(key) != QUEUE_IDS_KEY
]


@pytest.mark.parametrize("definition", EVERY_KIND, ids=lambda each: type(each).__name__)
def test_what_is_stored_is_read_back(definition: object) -> None:
    key, value = STORED.key_of(definition), STORED.value_of(definition)
    assert STORED.definition_of(key, value) == StoredDefinition(definition)


def test_every_kind_has_a_key_of_its_own() -> None:
    assert {type(each) for each in EVERY_KIND} == {row.value_type for row in TABLE.rows}
    keys = [STORED.key_of(each) for each in EVERY_KIND]
    assert len(set(keys)) == len(keys)
    assert all(KEYS.place_of(key) is not None for key in keys)


@pytest.mark.parametrize(
    "definition",
    [
        QueueDefinition("q", "/", durable=False, auto_delete=True, arguments={}),
        ExchangeDefinition("x", "/", "fanout", False, True, False, {}),
    ],
)
def test_what_is_not_durable_is_stored_too(definition: object) -> None:
    value = STORED.value_of(definition, "01J")
    found = STORED.definition_of(STORED.key_of(definition), value)
    assert found == StoredDefinition(definition, "01J")


def test_a_routing_key_that_looks_like_a_digest_is_another_binding() -> None:
    with_arguments = BindingDefinition("x", "/", "q", "queue", "k", {"a": longstr("1")})
    digest = TABLE.key_of(with_arguments)[-1]
    without = BindingDefinition("x", "/", "q", "queue", f"k~{digest}", {})
    assert STORED.key_of(with_arguments) != STORED.key_of(without)
    for each in (with_arguments, without):
        found = STORED.definition_of(STORED.key_of(each), STORED.value_of(each))
        assert found == StoredDefinition(each)


def test_what_is_no_definition_is_none() -> None:
    for key in (
        KEYS.queue_state("/", "q"),
        KEYS.key("live", "a"),
        KEYS.key("gone", "01J"),
        KEYS.prefix + b"of/a/later/version",
        b"elsewhere",
    ):
        assert STORED.definition_of(key, b"{}") is None


@pytest.mark.parametrize(
    ("key", "value"),
    [
        (KEYS.queue_definition("/", "q"), b"{}"),
        (KEYS.queue_definition("/", "q"), b'{"v":2}'),
        (KEYS.queue_definition("/", "q"), b"no JSON"),
        (KEYS.key("b", "/", "x", "q", "q", "no digest"), b'{"v":1,"arguments":""}'),
        (KEYS.key("b", "/", "x", "z", "q", "~"), b'{"v":1,"arguments":""}'),
    ],
)
def test_what_cannot_be_read_is_refused_and_not_guessed(key: bytes, value: bytes) -> None:
    with pytest.raises(RecordError):
        STORED.definition_of(key, value)
