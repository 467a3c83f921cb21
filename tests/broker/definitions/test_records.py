"""Definitions as they are stored: all of each comes back, and nothing is guessed."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from amqp_server.broker.access.rights import TopicPermissions, User, VhostPermissions
from amqp_server.broker.definitions.definition import (
    BindingDefinition,
    Definition,
    ExchangeDefinition,
    GlobalParameterDefinition,
    OperatorPolicyDefinition,
    ParameterDefinition,
    PolicyDefinition,
    QueueDefinition,
    VhostDefinition,
    VhostLimitsDefinition,
)
from amqp_server.broker.definitions.records import (
    QUEUE_IDS_KEY,
    RecordError,
    queue_ids_value,
    read_queue_ids_end,
)
from amqp_server.broker.definitions.table import TABLE
from amqp_server.broker.policies.table import Policy
from amqp_server.wire.tables import Field, Table
from queues.kinds import QUORUM

ODD = "caf\u00e9 \udcff\0\U0001f407"
"""A name that is no text, and what JSON has to escape."""

TYPED: Table = {
    ODD: Field("S", b"\xff\0"),
    "I": Field("I", -5),
    "l": Field("l", 1 << 40),
    "t": Field("t", True),
    "D": Field("D", (2, 314)),
    "T": Field("T", 1_700_000_000),
    "V": Field("V", None),
    "F": Field("F", {"A": Field("A", [Field("d", 0.5), Field("x", b"\0")])}),
}
POLICY = Policy(ODD, "^a", {"max-length": 5, "queue-master-locator": "x"}, -3, "queues")
EXAMPLES: list[Definition] = [
    User(ODD, "hash", "algorithm", ("b", "a"), {"max-channels": -1}),
    VhostDefinition(ODD, ODD, ("t", ODD), QUORUM),
    VhostDefinition("/"),
    VhostDefinition("kept", protected=True),
    VhostPermissions(ODD, "/", "a", ".*", ""),
    TopicPermissions("u", "/", ODD, "a", "{username}"),
    GlobalParameterDefinition(ODD, {"a": [1, None, 0.5, ODD]}),
    ParameterDefinition("/", "shovel", ODD, None),
    VhostLimitsDefinition("/", {"max-queues": 5, "max-connections": -1}),
    PolicyDefinition("/", POLICY),
    OperatorPolicyDefinition("/", POLICY),
    ExchangeDefinition(
        ODD, "/", "topic", durable=True, auto_delete=True, internal=True, arguments=TYPED
    ),
    QueueDefinition(
        ODD, "/", durable=True, auto_delete=True, arguments=TYPED, queue_id=(1 << 64) - 1
    ),
    BindingDefinition("e", "/", ODD, "queue", ODD, TYPED),
    BindingDefinition("e", "/", "f", "exchange", "", {}),
]


@pytest.mark.parametrize("definition", EXAMPLES, ids=lambda each: type(each).__name__)
def test_all_of_a_definition_comes_back(definition: Definition) -> None:
    value = TABLE.value_of(definition)
    assert value.isascii()
    assert TABLE.definition_of(TABLE.key_of(definition), value) == definition


def test_what_0_1_stored_is_read_and_written_as_it_was() -> None:
    stored = json.loads((Path(__file__).parent / "stored_0_1.json").read_text(encoding="ascii"))
    kinds = set()
    for names, text in stored:
        key, value = tuple(names), text.encode("ascii")
        kinds.add(key[0])
        if key == QUEUE_IDS_KEY:
            assert queue_ids_value(read_queue_ids_end(value)) == value
            continue
        definition = TABLE.definition_of(key, value)
        assert (TABLE.key_of(definition), TABLE.value_of(definition)) == (key, value)
    assert len(kinds) == 13


def test_there_is_an_example_of_each_kind_and_each_has_a_key_of_its_own() -> None:
    assert {type(each) for each in EXAMPLES} == {row.value_type for row in TABLE.rows}
    assert len({TABLE.key_of(each) for each in EXAMPLES}) == len(EXAMPLES)


NAMES = st.text(st.characters(), max_size=5)


@given(NAMES, NAMES, NAMES, NAMES, st.dictionaries(NAMES.filter(bool), st.integers(0, 9)))
def test_a_binding_is_found_again_by_all_that_makes_it_one(
    vhost: str, source: str, name: str, routing_key: str, numbers: dict[str, int]
) -> None:
    def binding(arguments: Table) -> BindingDefinition:
        return BindingDefinition(source, vhost, name, "queue", routing_key, arguments)

    arguments = {
        key.encode("utf-8", "ignore").decode(): Field("l", number)
        for key, number in numbers.items()
    }
    backwards = dict(reversed(arguments.items()))
    assert TABLE.key_of(binding(arguments)) == TABLE.key_of(binding(backwards))
    other = {**arguments, "more": Field("l", 10)}
    assert TABLE.key_of(binding(other)) != TABLE.key_of(binding(arguments))
    assert len(json.dumps(TABLE.key_of(binding(other)))) < 500


def test_a_value_is_as_it_was_drawn() -> None:
    queue = QueueDefinition("q", "/", durable=True, auto_delete=False, arguments={}, queue_id=7)
    assert TABLE.key_of(queue) == ("queue", "/", "q")
    assert TABLE.value_of(queue) == b'{"v":1,"id":7,"auto_delete":false,"arguments":""}'


@pytest.mark.parametrize(
    ("key", "value", "text"),
    [
        ((), b"{}", "knows nothing of this kind"),
        (("shovel", "/"), b'{"v":1}', "knows nothing of this kind"),
        (("vhost", "/"), b"", "cannot be read"),
        (("vhost", "/"), b"[" * 100_000, "cannot be read"),
        (("vhost", "/"), b"[1]", "no JSON object"),
        (("vhost", "/"), b'{"v":2}', "of version 2, and not 1"),
        (("vhost", "/"), b'{"v":1,"default_queue_type":null}', "'description' is missing"),
        (
            ("vhost", "/"),
            b'{"v":1,"description":"","tags":[],"default_queue_type":"odd"}',
            "'odd' is no type of queue",
        ),
        (("vhost", "/", "more"), b'{"v":1}', "too many values"),
        (("user", "u"), b'{"v":1,"password_hash":1}', "expected a text, got 1"),
        (("queue", "/", "q"), b'{"v":1,"auto_delete":0}', "expected true or false, got 0"),
        (
            ("queue", "/", "q"),
            b'{"v":1,"auto_delete":true,"arguments":"AAA","id":1}',
            "cannot be read",
        ),
        (
            ("queue", "/", "q"),
            b'{"v":1,"auto_delete":true,"arguments":"AAAACQ==","id":1}',
            "table or array is longer",
        ),
        (
            ("queue", "/", "q"),
            b'{"v":1,"auto_delete":true,"arguments":"","id":"1"}',
            "expected an integer",
        ),
        (("vhost limits", "/"), b'{"v":1,"limits":[]}', "expected an object"),
        (
            ("vhost", "/"),
            b'{"v":1,"description":"","tags":"x","default_queue_type":null}',
            "expected a list",
        ),
    ],
)
def test_a_value_that_is_not_as_it_was_written_is_refused(
    key: tuple[str, ...], value: bytes, text: str
) -> None:
    with pytest.raises(RecordError, match=text):
        TABLE.definition_of(key, value)


def test_where_ids_of_queues_go_on_comes_back() -> None:
    assert read_queue_ids_end(queue_ids_value(1025)) == 1025
    with pytest.raises(RecordError):
        read_queue_ids_end(b'{"v":1,"end":null}')
