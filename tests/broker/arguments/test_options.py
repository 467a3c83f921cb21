"""The effective options of a queue: arguments and policy together."""

import pytest

from amqp_server.broker.arguments.options import (
    alternate_exchange,
    durability_source,
    queue_options,
)
from amqp_server.wire.tables import Field, longstr
from queues.kinds import CLASSIC, KINDS, QUORUM, STREAM, QueueKind
from queues.options import Durability, Overflow, QueueOptions

TRUE, FALSE = Field("t", True), Field("t", False)


def number(value: int, kind: str = "I") -> Field:
    return Field(kind, value)


# ── arguments and policy together ──


def test_without_either_a_queue_has_no_limits_but_quorums_delivery_limit() -> None:
    assert queue_options(CLASSIC, {}, {}) == QueueOptions()
    assert queue_options(QUORUM, {}, {}) == QueueOptions(delivery_limit=20)


@pytest.mark.parametrize(
    ("key", "attribute"),
    [
        ("message-ttl", "message_ttl_ms"),
        ("expires", "expires_ms"),
        ("max-length", "max_length"),
        ("max-length-bytes", "max_length_bytes"),
        ("consumer-timeout", "consumer_timeout_ms"),
    ],
)
@pytest.mark.parametrize("kind", KINDS.values())
def test_of_two_limits_the_smaller_holds(kind: QueueKind, key: str, attribute: str) -> None:
    def effective(argument: int | None, policy: int | None) -> object:
        arguments = {} if argument is None else {f"x-{key}": number(argument)}
        options = queue_options(kind, arguments, {} if policy is None else {key: policy}, 1800)
        return getattr(options, attribute)

    assert [effective(7, 5), effective(5, None), effective(None, 5)] == [5] * 3
    if key == "max-length-bytes" and kind.policy_decides_retention:
        assert [effective(5, 7), effective(0, 5)] == [7, 5]
    else:
        assert [effective(5, 7), effective(0, 5)] == [5, 0]
    assert effective(None, None) == (1800 if key == "consumer-timeout" else None)


@pytest.mark.parametrize(
    ("argument", "policy", "limit"),
    [
        (None, None, 20),
        (5, None, 5),
        (None, 5, 5),
        (5, 7, 5),
        (-1, None, None),
        (None, -1, None),
        (-1, 5, 5),
        (5, -1, 5),
        (-1, -2, None),
        (0, 5, 0),
    ],
)
def test_a_negative_delivery_limit_is_none_and_loses(
    argument: int | None, policy: int | None, limit: int | None
) -> None:
    arguments = {} if argument is None else {"x-delivery-limit": number(argument)}
    definition: dict[str, object] = {} if policy is None else {"delivery-limit": policy}
    assert queue_options(QUORUM, arguments, definition).delivery_limit == limit


def test_a_classic_queue_has_a_delivery_limit_when_its_argument_says_so() -> None:
    assert queue_options(CLASSIC, {"x-delivery-limit": number(3)}, {}).delivery_limit == 3


def test_overflow_is_the_arguments_on_classic_and_the_policys_on_quorum() -> None:
    arguments = {"x-overflow": longstr("reject-publish")}
    policy: dict[str, object] = {"overflow": "drop-head"}
    assert queue_options(CLASSIC, arguments, policy).overflow is Overflow.REJECT_PUBLISH
    assert queue_options(QUORUM, arguments, policy).overflow is Overflow.DROP_HEAD
    assert queue_options(QUORUM, arguments, {}).overflow is Overflow.REJECT_PUBLISH
    assert queue_options(CLASSIC, {}, {"overflow": "reject-publish"}).overflow is (
        Overflow.REJECT_PUBLISH
    )


def test_quorum_queues_do_not_dead_letter_what_they_reject() -> None:
    arguments = {"x-overflow": longstr("reject-publish-dlx")}
    assert queue_options(CLASSIC, arguments, {}).overflow is Overflow.REJECT_PUBLISH_DLX
    assert queue_options(QUORUM, arguments, {}).overflow is Overflow.DROP_HEAD


def test_dead_lettering_is_the_arguments_before_the_policys_key_by_key() -> None:
    policy: dict[str, object] = {
        "dead-letter-exchange": "policy",
        "dead-letter-routing-key": "policy",
    }
    options = queue_options(CLASSIC, {"x-dead-letter-exchange": longstr("")}, policy)
    assert (options.dead_letter_exchange, options.dead_letter_routing_key) == ("", "policy")
    options = queue_options(CLASSIC, {}, policy)
    assert (options.dead_letter_exchange, options.dead_letter_routing_key) == ("policy", "policy")


@pytest.mark.parametrize("kind", KINDS.values())
@pytest.mark.parametrize(
    ("argument", "policy", "node", "effective", "source"),
    [
        (None, None, "fsync", "fsync", "node"),
        (None, None, "os", "os", "node"),
        (None, "os", "fsync", "os", "policy"),
        (None, "fsync", "os", "fsync", "policy"),
        ("os", None, "fsync", "os", "argument"),
        ("fsync", None, "os", "fsync", "argument"),
        ("fsync", "os", "os", "fsync", "argument"),
        ("os", "fsync", "fsync", "os", "argument"),
    ],
)
def test_the_class_is_the_arguments_before_the_policys_before_the_nodes(
    kind: QueueKind,
    argument: str | None,
    policy: str | None,
    node: str,
    effective: str,
    source: str,
) -> None:
    arguments = {} if argument is None else {"x-durability": longstr(argument)}
    definition: dict[str, object] = {} if policy is None else {"durability": policy}
    options = queue_options(kind, arguments, definition, None, Durability(node))
    assert options.durability is Durability(effective)
    assert durability_source(arguments, definition) == source


def test_what_only_arguments_set() -> None:
    options = queue_options(
        CLASSIC,
        {"x-max-priority": number(9), "x-single-active-consumer": TRUE},
        {"max-priority": 3},
    )
    assert (options.max_priority, options.single_active_consumer) == (9, True)
    assert not queue_options(QUORUM, {"x-single-active-consumer": FALSE}, {}).single_active_consumer
    assert queue_options(CLASSIC, {"x-max-priority": number(0)}, {}).max_priority is None


def test_the_policy_says_how_a_stream_is_compacted_before_the_arguments() -> None:
    arguments = {
        "x-stream-compact-key": longstr("device"),
        "x-stream-compact-tombstone-age": longstr("2h"),
    }
    options = queue_options(STREAM, arguments, {"stream-compact-key": "routing-key"})
    assert (options.compact_key, options.tombstone_age_ms) == ("routing-key", 7_200_000)
    options = queue_options(STREAM, {}, {"stream-compact-tombstone-age": "1m"})
    assert (options.compact_key, options.tombstone_age_ms) == (None, 60_000)


def test_the_alternate_exchange_of_the_arguments_beats_the_policys() -> None:
    policy: dict[str, object] = {"alternate-exchange": "policy"}
    assert alternate_exchange({"alternate-exchange": longstr("argument")}, policy) == "argument"
    assert alternate_exchange({}, policy) == "policy"
    assert alternate_exchange({}, {}) is None
