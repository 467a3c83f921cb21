"""Arguments of queues, exchanges and consumers; texts as RabbitMQ 3.10 answered them."""

import pytest

from amqp_server.broker.arguments.declare import (
    ConsumerArguments,
    check_server_named,
    consumer_arguments,
    queue_kind,
    validate_exchange,
    validate_queue,
    with_default_queue_type,
)
from amqp_server.broker.errors import PreconditionFailedError
from amqp_server.wire.tables import Field, Table, longstr
from queues.kinds import CLASSIC, QUORUM, STREAM, QueueKind

TYPE_STREAM = {"x-queue-type": longstr("stream")}
TYPE_QUORUM = {"x-queue-type": longstr("quorum")}
TRUE, VOID = Field("t", True), Field("V", None)
WHERE = "for queue 'q' in vhost '/'"


def number(value: int, kind: str = "I") -> Field:
    return Field(kind, value)


def validate(arguments: Table, **flags: bool) -> QueueKind:
    settled = {"durable": True, "exclusive": False, "auto_delete": False, **flags}
    return validate_queue("q", "/", arguments, **settled)


def refusal(arguments: Table, **flags: bool) -> str:
    with pytest.raises(PreconditionFailedError) as caught:
        validate(arguments, **flags)
    return str(caught.value)


# ── validation ──

INTEGERS = ["x-message-ttl", "x-expires", "x-max-length", "x-max-length-bytes", "x-max-priority"]


@pytest.mark.parametrize("key", INTEGERS)
@pytest.mark.parametrize(
    ("field", "term"),
    [
        (longstr("a"), '"expected integer, got longstr"'),
        (TRUE, '"expected integer, got bool"'),
        (VOID, '"expected integer, got void"'),
        (Field("T", 1), '"expected integer, got timestamp"'),
        (Field("f", 1.5), '"expected integer, got float"'),
        (Field("d", 6.0), '"expected integer, got double"'),
        (Field("D", (1, 5)), '"expected integer, got decimal"'),
        (Field("A", []), '"expected integer, got array"'),
        (Field("F", {}), '"expected integer, got table"'),
        (Field("x", b"1"), '"expected integer, got binary"'),
        (number(-1), "{value_negative,-1}"),
    ],
)
def test_what_is_no_count_is_refused_by_its_type(key: str, field: Field, term: str) -> None:
    assert refusal({key: field}) == f"invalid arg '{key}' {WHERE}: {term}"


@pytest.mark.parametrize(
    ("key", "field", "term"),
    [
        ("x-message-ttl", number(315360000001, "l"), "{value_too_large,315360000001}"),
        ("x-expires", number(315360000001, "l"), "{value_too_large,315360000001}"),
        ("x-expires", number(0), "{value_zero,0}"),
        ("x-max-priority", number(256), "{max_value_exceeded,256}"),
        ("x-overflow", longstr("foo"), "invalid_overflow"),
        ("x-overflow", number(1), "{unacceptable_type,signedint}"),
        ("x-single-active-consumer", longstr("foo"), "{unacceptable_type,longstr}"),
        ("x-queue-mode", longstr("foo"), "\"unsupported queue mode 'foo'\""),
        ("x-durability", longstr("disk"), "\"unsupported durability 'disk'\""),
        ("x-durability", longstr("FSYNC"), "\"unsupported durability 'FSYNC'\""),
        ("x-durability", TRUE, "{unacceptable_type,bool}"),
        ("x-durability", VOID, "{unacceptable_type,void}"),
        ("x-queue-mode", VOID, "{unacceptable_type,void}"),
        ("x-queue-version", number(3), "\"unsupported queue version '3'\""),
        ("x-queue-version", longstr("2"), '"expected integer, got longstr"'),
        ("x-queue-type", longstr("foo"), "\"unsupported queue type 'foo'\""),
        ("x-queue-type", number(1), "{unacceptable_type,signedint}"),
        ("x-dead-letter-routing-key", longstr("k"), "routing_key_but_no_dlx_defined"),
        ("x-dead-letter-routing-key", number(1), "{unacceptable_type,signedint}"),
        ("x-dead-letter-exchange", longstr("é" * 128), "{max_length_exceeded,256}"),
        ("x-queue-leader-locator", longstr("foo"), "invalid_queue_locator_arg"),
        ("x-queue-master-locator", longstr("foo"), "invalid_queue_locator_arg"),
        ("x-consumer-timeout", number(-1), "{value_negative,-1}"),
    ],
)
def test_a_classic_queue_refuses(key: str, field: Field, term: str) -> None:
    assert refusal({key: field}) == f"invalid arg '{key}' {WHERE}: {term}"


@pytest.mark.parametrize(
    ("key", "field", "term"),
    [
        ("x-delivery-limit", longstr("a"), '"expected integer, got longstr"'),
        ("x-quorum-initial-group-size", number(0), "{value_zero,0}"),
        ("x-quorum-initial-group-size", number(-1), "{value_negative,-1}"),
        ("x-dead-letter-strategy", longstr("foo"), "invalid_dlx_strategy"),
        ("x-dead-letter-strategy", number(1), "{unacceptable_type,signedint}"),
        ("x-max-in-memory-length", number(-1), "{value_negative,-1}"),
        ("x-queue-leader-locator", longstr("min-masters"), "invalid_queue_locator_arg"),
        ("x-overflow", longstr("foo"), "invalid_overflow"),
    ],
)
def test_a_quorum_queue_refuses(key: str, field: Field, term: str) -> None:
    assert refusal({**TYPE_QUORUM, key: field}) == f"invalid arg '{key}' {WHERE}: {term}"


@pytest.mark.parametrize("arguments", [{}, TYPE_QUORUM])
def test_a_dead_letter_exchange_that_is_no_name_is_found_first(arguments: Table) -> None:
    wrong = {**arguments, "x-expires": longstr("a"), "x-dead-letter-exchange": number(1)}
    assert refusal(wrong) == (
        "invalid type 'signedint' for arg 'x-dead-letter-exchange' in queue 'q' in vhost '/'"
    )


def test_a_routing_key_no_frame_can_carry_is_refused() -> None:
    arguments = {
        "x-dead-letter-exchange": longstr("x"),
        "x-dead-letter-routing-key": longstr("k" * 256),
    }
    assert refusal(arguments).endswith("{max_length_exceeded,256}")
    validate({**arguments, "x-dead-letter-routing-key": longstr("k" * 255)})


@pytest.mark.parametrize(
    "key",
    [
        "x-quorum-initial-group-size",
        "x-dead-letter-strategy",
        "x-max-in-memory-length",
        "x-max-in-memory-bytes",
        "x-max-age",
        "x-initial-cluster-size",
        "x-stream-max-segment-size-bytes",
        "x-stream-compact-key",
        "x-stream-compact-tombstone-age",
    ],
)
def test_a_classic_queue_refuses_what_other_types_know(key: str) -> None:
    assert refusal({key: Field("F", {})}) == (
        f"invalid arg '{key}' {WHERE} of queue type rabbit_classic_queue"
    )


@pytest.mark.parametrize(
    "key",
    [
        "x-max-priority",
        "x-queue-mode",
        "x-queue-version",
        "x-queue-master-locator",
        "x-max-age",
        "x-stream-compact-key",
    ],
)
def test_a_quorum_queue_refuses_what_other_types_know(key: str) -> None:
    assert refusal({**TYPE_QUORUM, key: VOID}) == (
        f"invalid arg '{key}' {WHERE} of queue type rabbit_quorum_queue"
    )


def test_of_many_wrong_arguments_rabbitmqs_first_is_named() -> None:
    wrong: dict[str, Field] = {
        key: Field("F", {})
        for key in (
            "x-max-age",
            "x-single-active-consumer",
            "x-queue-version",
            "x-queue-mode",
            "x-overflow",
            "x-max-priority",
            "x-max-length-bytes",
            "x-max-length",
            "x-dead-letter-routing-key",
            "x-message-ttl",
            "x-expires",
            "x-dead-letter-exchange",
        )
    }
    for key in reversed(list(wrong)):
        assert f"arg '{key}'" in refusal(wrong), key
        del wrong[key]


def test_arguments_of_other_types_are_named_in_the_order_they_came() -> None:
    sent = {**TYPE_QUORUM, "x-queue-version": number(1), "x-max-priority": number(1)}
    assert "'x-queue-version'" in refusal(sent)


@pytest.mark.parametrize(
    ("flags", "named"),
    [
        ({"auto_delete": True}, "auto-delete"),
        ({"exclusive": True}, "exclusive-owner"),
        ({"durable": False}, "non-durable"),
        ({"durable": False, "exclusive": True, "auto_delete": True}, "auto-delete"),
        ({"durable": False, "exclusive": True}, "exclusive-owner"),
    ],
)
def test_a_quorum_queue_is_durable_shared_and_lasting(flags: dict[str, bool], named: str) -> None:
    assert refusal(TYPE_QUORUM, **flags) == f"invalid property '{named}' {WHERE}"
    assert validate({}, **flags) is CLASSIC


def test_arguments_are_looked_at_before_the_flags() -> None:
    assert "x-message-ttl" in refusal({**TYPE_QUORUM, "x-message-ttl": longstr("a")}, durable=False)


@pytest.mark.parametrize(
    ("key", "value", "told"),
    [
        ("x-stream-max-segment-size-bytes", 3_000_000_001, "Exceeded max value for {}"),
        ("x-stream-filter-size-bytes", 15, "Invalid value for {}"),
        ("x-stream-filter-size-bytes", 256, "Invalid value for {}"),
    ],
)
def test_limits_of_streams_are_looked_at_after_the_flags(key: str, value: int, told: str) -> None:
    arguments = {**TYPE_STREAM, key: number(value)}
    assert refusal(arguments) == told.format(key)
    assert refusal(arguments, durable=False) == f"invalid property 'non-durable' {WHERE}"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ({"x-stream-compact-key": longstr("")}, "'x-stream-compact-key' {}: {{empty_name}}"),
        (
            {"x-stream-compact-key": longstr("k" * 256)},
            "'x-stream-compact-key' {}: {{max_length_exceeded,256}}",
        ),
        (
            {"x-stream-compact-key": number(1)},
            "'x-stream-compact-key' {}: {{unacceptable_type,signedint}}",
        ),
        (
            {"x-stream-compact-tombstone-age": longstr("1D")},
            "'x-stream-compact-tombstone-age' {}: tombstone_age_but_no_compact_key_defined",
        ),
        (
            {
                "x-stream-compact-key": longstr("device"),
                "x-stream-compact-tombstone-age": longstr("soon"),
            },
            "'x-stream-compact-tombstone-age' {}: invalid_max_age",
        ),
    ],
)
def test_a_wrong_compaction_of_a_stream_is_refused(arguments: dict[str, Field], told: str) -> None:
    assert refusal({**TYPE_STREAM, **arguments}) == f"invalid arg {told.format(WHERE)}"


def test_a_stream_takes_a_key_and_an_age_of_tombstones() -> None:
    arguments = {
        "x-stream-compact-key": longstr("routing-key"),
        "x-stream-compact-tombstone-age": longstr("1h"),
    }
    assert validate({**TYPE_STREAM, **arguments}) is STREAM


@pytest.mark.parametrize("kind", "IisubBlL")
def test_any_width_of_integer_will_do(kind: str) -> None:
    assert validate({"x-max-length": Field(kind, 6)}) is CLASSIC


def test_good_arguments_and_unknown_ones_are_taken() -> None:
    assert (
        validate({"x-foo": VOID, "alternate-exchange": number(1), "x-ha-policy": TRUE}) is CLASSIC
    )
    assert (
        validate(
            {
                "x-message-ttl": number(0),
                "x-expires": number(1),
                "x-max-length": number(0),
                "x-max-priority": number(255),
                "x-overflow": longstr("reject-publish-dlx"),
                "x-queue-mode": longstr("lazy"),
                "x-queue-version": number(1),
                "x-queue-type": longstr("classic"),
                "x-dead-letter-exchange": longstr(""),
                "x-dead-letter-routing-key": longstr(""),
                "x-queue-leader-locator": longstr("balanced"),
            }
        )
        is CLASSIC
    )
    assert (
        validate(
            {
                **TYPE_QUORUM,
                "x-delivery-limit": number(-1),
                "x-dead-letter-strategy": longstr("at-most-once"),
                "x-max-in-memory-bytes": number(1),
                "x-quorum-initial-group-size": number(3),
            }
        )
        is QUORUM
    )


@pytest.mark.parametrize("strategy", ["at-most-once", "at-least-once"])
def test_a_quorum_queue_takes_both_strategies_with_or_without_an_exchange(strategy: str) -> None:
    assert validate({**TYPE_QUORUM, "x-dead-letter-strategy": longstr(strategy)}) is QUORUM


def test_only_classic_queues_are_named_by_the_server() -> None:
    check_server_named("q", "/", CLASSIC)
    with pytest.raises(PreconditionFailedError) as caught:
        check_server_named("q", "/", QUORUM)
    assert str(caught.value) == "Cannot declare a server-named queue for type rabbit_quorum_queue"


# ── the default queue type ──


def test_the_default_type_goes_to_declares_that_can_take_it() -> None:
    plain = {"durable": True, "exclusive": False, "auto_delete": False}
    assert with_default_queue_type({}, QUORUM, **plain) == TYPE_QUORUM
    assert with_default_queue_type({}, CLASSIC, **plain) == {"x-queue-type": longstr("classic")}
    assert with_default_queue_type({}, None, **plain) == {}
    named = {"x-queue-type": longstr("classic")}
    assert with_default_queue_type(named, QUORUM, **plain) == named
    for flag, value in {"durable": False, "exclusive": True, "auto_delete": True}.items():
        for kind in (QUORUM, STREAM):
            assert with_default_queue_type({}, kind, **{**plain, flag: value}) == {}
    assert with_default_queue_type({}, STREAM, **plain) == TYPE_STREAM


def test_no_type_named_is_classic() -> None:
    assert queue_kind("q", "/", {}) is CLASSIC
    assert queue_kind("q", "/", TYPE_QUORUM) is QUORUM


# ── consumers ──


def test_a_consumer_asks_for_priority_and_timeout() -> None:
    assert consumer_arguments("q", "/", CLASSIC, {"x-foo": VOID}) == ConsumerArguments()
    asked = {"x-priority": number(-5), "x-consumer-timeout": number(5000, "l")}
    assert consumer_arguments("q", "/", QUORUM, asked) == ConsumerArguments(
        -5, 5000, {"x-priority": -5, "x-consumer-timeout": 5000}
    )
    asked = {"x-cancel-on-ha-failover": TRUE}
    assert consumer_arguments("q", "/", CLASSIC, asked).of_kind == {"x-cancel-on-ha-failover": True}


@pytest.mark.parametrize(
    ("kind", "arguments", "told"),
    [
        (CLASSIC, {"x-priority": longstr("a")}, ': "expected integer, got longstr"'),
        (QUORUM, {"x-priority": Field("f", 1.5)}, ': "expected integer, got float"'),
        (CLASSIC, {"x-stream-offset": longstr("first")}, " of queue type rabbit_classic_queue"),
        (QUORUM, {"x-stream-offset": longstr("first")}, " of queue type rabbit_quorum_queue"),
        (CLASSIC, {"x-cancel-on-ha-failover": longstr("a")}, ": {unacceptable_type,longstr}"),
        (QUORUM, {"x-cancel-on-ha-failover": TRUE}, " of queue type rabbit_quorum_queue"),
        (CLASSIC, {"x-consumer-timeout": longstr("a")}, ': "expected integer, got longstr"'),
        (CLASSIC, {"x-consumer-timeout": number(-1)}, ": {value_negative,-1}"),
    ],
)
def test_a_consumer_is_refused(kind: QueueKind, arguments: Table, told: str) -> None:
    with pytest.raises(PreconditionFailedError) as caught:
        consumer_arguments("q", "/", kind, arguments)
    assert str(caught.value) == f"invalid arg '{next(iter(arguments))}' {WHERE}{told}"


# ── exchanges ──


def test_an_alternate_exchange_is_a_name() -> None:
    validate_exchange("x", "/", {"alternate-exchange": longstr("a"), "foo": VOID})
    with pytest.raises(PreconditionFailedError) as caught:
        validate_exchange("x", "/", {"alternate-exchange": number(1)})
    assert str(caught.value) == (
        "invalid type 'signedint' for arg 'alternate-exchange' in exchange 'x' in vhost '/'"
    )
