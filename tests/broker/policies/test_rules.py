"""What each policy key may be; texts as RabbitMQ 3.10 answered them."""

import pytest

from amqp_server.broker.policies.rules import (
    OPERATOR_KEYS,
    unknown_keys,
    wrong_definition,
)
from queues.kinds import KINDS


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        ({"message-ttl": "foo"}, '<<"foo">> is not a valid message TTL'),
        ({"message-ttl": -1}, "-1 is not a valid message TTL"),
        ({"message-ttl": 1.5}, "1.5 is not a valid message TTL"),
        ({"message-ttl": True}, "true is not a valid message TTL"),
        ({"message-ttl": None}, "null is not a valid message TTL"),
        ({"message-ttl": {"a": 1}}, '#{<<"a">> => 1} is not a valid message TTL'),
        ({"expires": 0}, "0 is not a valid queue expiry"),
        ({"max-length": [1]}, "[1] is not a valid maximum length"),
        ({"max-length-bytes": -1}, "-1 is not a valid maximum length in bytes"),
        ({"max-in-memory-length": -1}, "-1 is not a valid maximum memory in bytes"),
        ({"max-in-memory-bytes": "a"}, '<<"a">> is not a valid maximum memory in bytes'),
        ({"overflow": "foo"}, '<<"foo">> is not a valid overflow value'),
        ({"delivery-limit": "foo"}, '<<"foo">> is not a valid delivery limit'),
        ({"dead-letter-exchange": 0}, "0 is not a valid dead letter exchange name"),
        ({"dead-letter-routing-key": 2}, "2 is not a valid dead letter routing key"),
        (
            {"dead-letter-strategy": "sometimes"},
            '<<"sometimes">> is not a valid dead letter strategy',
        ),
        ({"alternate-exchange": -1}, "-1 is not a valid alternate exchange name"),
        ({"queue-mode": "foo"}, '<<"foo">> is not a valid queue-mode value'),
        ({"durability": "disk"}, '<<"disk">> is not a valid durability value'),
        ({"durability": 1}, "1 is not a valid durability value"),
        ({"durability": True}, "true is not a valid durability value"),
        ({"durability": ["os"]}, '[<<"os">>] is not a valid durability value'),
        ({"queue-version": 0}, "0 is not a valid queue-version value"),
        ({"queue-version": True}, "true is not a valid queue-version value"),
        ({"queue-master-locator": "foo"}, '<<"foo">> invalid queue-master-locator value'),
        ({"queue-leader-locator": 2}, "2 is not a valid queue leader locator value"),
        ({"stream-max-segment-size-bytes": -1}, "-1 is not a valid segment size"),
        ({"initial-cluster-size": "foo"}, '<<"foo">> is not a valid cluster size'),
        ({"max-age": "5"}, '<<"5">> is not a valid max age'),
        ({"max-age": "Y"}, '<<"Y">> is not a valid max age'),
        ({"stream-compact-key": ""}, "<<>> is not a valid compact key"),
        ({"stream-compact-key": 1}, "1 is not a valid compact key"),
        ({"stream-compact-tombstone-age": "0s"}, '<<"0s">> is not a valid tombstone age'),
        ({"consumer-timeout": -1}, "-1 is not a valid consumer timeout"),
        ({"x-foo": 2}, '[{<<"x-foo">>,2}] are not recognised policy settings'),
        ({"foo": 1, "bar": 2}, '[{<<"bar">>,2},{<<"foo">>,1}] are not recognised policy settings'),
        (
            {"message-ttl": 1, "foo": "x"},
            '[{<<"foo">>,<<"x">>}] are not recognised policy settings',
        ),
        ({"message-ttl": -1, "expires": 0, "foo": 1}, "0 is not a valid queue expiry"),
        ({}, "no policy provided"),
        ([], "definition should be an object, actually was []"),
    ],
)
def test_a_definition_is_refused(definition: object, told: str) -> None:
    assert wrong_definition(definition, operator=False) == [told]


@pytest.mark.parametrize(
    ("definition", "told"),
    [
        (
            {"ha-params": 2},
            (
                "ha-mode must be specified to specify ha-params, ha-sync-mode or "
                "ha-promote-on-shutdown"
            ),
        ),
        ({"ha-mode": "foo", "max-length": "x"}, '<<"foo">> is not a valid ha-mode value'),
        ({"ha-mode": "all", "max-length": "x"}, '<<"x">> is not a valid maximum length'),
        ({"ha-mode": "all", "ha-params": 5}, 'ha-mode="all" does not take parameters'),
        ({"ha-mode": "exactly"}, 'ha-mode="exactly" takes an integer, none given'),
        (
            {"ha-mode": "exactly", "ha-params": "a"},
            'ha-mode="exactly" takes an integer, <<"a">> given',
        ),
        ({"ha-mode": "exactly", "ha-params": 0}, 'ha-mode="exactly" takes an integer, 0 given'),
        ({"ha-mode": "nodes"}, 'ha-mode="nodes" takes a list, none given'),
        ({"ha-mode": "nodes", "ha-params": []}, 'ha-mode="nodes" list must be non-empty'),
        (
            {"ha-mode": "nodes", "ha-params": [5]},
            'ha-mode="nodes" takes a list of strings, [5] was not a string',
        ),
        (
            {"ha-mode": "all", "ha-sync-mode": "x"},
            'ha-sync-mode must be "manual" or "automatic", got <<"x">>',
        ),
        (
            {"ha-mode": "all", "ha-sync-batch-size": 0},
            "ha-sync-batch-size takes an integer greater than 0, 0 given",
        ),
        (
            {"ha-mode": "all", "ha-promote-on-failure": "x"},
            'ha-promote-on-failure must be "always" or "when-synced", got <<"x">>',
        ),
    ],
)
def test_mirroring_keys_depend_on_each_other(definition: object, told: str) -> None:
    assert wrong_definition(definition, operator=False) == [told]


@pytest.mark.parametrize(
    "definition",
    [
        {"message-ttl": 0, "expires": 1, "max-length": 0, "max-length-bytes": 0},
        {"delivery-limit": -1, "dead-letter-strategy": "at-most-once"},
        {"dead-letter-exchange": "", "dead-letter-routing-key": "k"},
        {"alternate-exchange": "x", "consumer-timeout": 0},
        {"overflow": "reject-publish-dlx", "queue-mode": "lazy", "queue-version": 1},
        {"ha-mode": "all", "ha-sync-mode": "automatic", "ha-sync-batch-size": 4096},
        {"ha-mode": "exactly", "ha-params": 2, "ha-promote-on-shutdown": "always"},
        {"ha-mode": "nodes", "ha-params": ["rabbit@a"]},
        {"max-age": "7D", "stream-max-segment-size-bytes": 5, "initial-cluster-size": 3},
        {"stream-compact-key": "routing-key", "stream-compact-tombstone-age": "1h"},
        {"queue-leader-locator": "balanced", "target-group-size": 3},
    ],
)
def test_what_rabbitmq_takes_is_taken(definition: object) -> None:
    assert wrong_definition(definition, operator=False) == []


def test_a_routing_key_no_frame_can_carry_is_refused() -> None:
    assert wrong_definition({"dead-letter-routing-key": "k" * 255}, operator=False) == []
    assert len(wrong_definition({"dead-letter-routing-key": "k" * 256}, operator=False)) == 1


@pytest.mark.parametrize("durability", ["fsync", "os"])
def test_a_class_of_ours_may_be_set_by_users_and_operators(durability: str) -> None:
    for operator in (False, True):
        assert wrong_definition({"durability": durability}, operator=operator) == []


def test_keys_of_another_node_pass_where_they_come_with_its_definitions() -> None:
    definition = {"shards-per-node": 2, "max-length": 1, "queue-mode": "lazy"}
    assert len(wrong_definition(definition, operator=True)) == 1
    assert wrong_definition(definition, operator=True, is_imported=True) == []
    assert unknown_keys(definition, operator=False) == ["shards-per-node"]
    assert unknown_keys(definition, operator=True) == ["queue-mode", "shards-per-node"]
    broken = {"shards-per-node": 2, "max-length": "1"}
    assert len(wrong_definition(broken, operator=False, is_imported=True)) == 1


def test_an_operator_has_fewer_keys() -> None:
    assert wrong_definition({"max-length": 1}, operator=True) == []
    assert wrong_definition({"ha-sync-batch-size": "x"}, operator=True) == [
        '[{<<"ha-sync-batch-size">>,<<"x">>}] are not recognised policy settings'
    ]


def test_keys_that_keep_a_policy_away_are_keys_a_policy_may_have() -> None:
    for keys in (OPERATOR_KEYS, *[kind.foreign_policy_keys for kind in KINDS.values()]):
        told = wrong_definition(dict.fromkeys(keys, "?"), operator=False)
        assert "not recognised" not in "".join(told)


def test_one_key_names_upstreams() -> None:
    for definition, told in (
        ({"federation-upstream": 1}, "1 is not a valid federation upstream name"),
        ({"federation-upstream-set": []}, "[] is not a valid federation upstream set name"),
        (
            {"federation-upstream-pattern": 1},
            "1 is not a valid federation upstream pattern name",
        ),
        (
            {"federation-upstream": "u", "federation-upstream-set": "all"},
            (
                "cannot specify federation-upstream, federation-upstream-set or "
                "federation-upstream-pattern together"
            ),
        ),
        (
            {"federation-upstream-pattern": "("},
            (
                "could not compile pattern ( to a regular expression. "
                'Error: {"missing closing parenthesis",1}'
            ),
        ),
    ):
        assert wrong_definition(definition, operator=False) == [told]
    assert wrong_definition({"federation-upstream-pattern": "^u"}, operator=False) == []
    (refused,) = wrong_definition({"federation-upstream": "u"}, operator=True)
    assert "are not recognised policy settings" in refused
