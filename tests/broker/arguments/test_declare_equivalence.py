"""Redeclares: what is compared, in which order, and how a difference is told (RabbitMQ 3.10)."""

import pytest

from amqp_server.broker.arguments.declare import (
    ExchangeProperties,
    QueueProperties,
    check_equivalent_exchange,
    check_equivalent_queue,
    locked_queue,
)
from amqp_server.broker.errors import PreconditionFailedError, ResourceLockedError
from amqp_server.wire.tables import Field, Table, longstr

TYPE_QUORUM = {"x-queue-type": longstr("quorum")}
TRUE, VOID = Field("t", True), Field("V", None)
WHERE = "for queue 'q' in vhost '/'"


def number(value: int, kind: str = "I") -> Field:
    return Field(kind, value)


# ── equivalence ──


def queue(arguments: Table, **flags: bool) -> QueueProperties:
    settled = {"durable": True, "exclusive": False, "auto_delete": False, **flags}
    return QueueProperties(**settled, arguments=arguments)


def inequivalence(current: QueueProperties, received: QueueProperties) -> str:
    with pytest.raises(PreconditionFailedError) as caught:
        check_equivalent_queue("q", "/", current, received)
    return str(caught.value)


@pytest.mark.parametrize(
    ("current", "received", "told"),
    [
        ({}, number(60000), "received the value '60000' of type 'signedint' but current is none"),
        ({}, number(7, "l"), "received the value '7' of type 'long' but current is none"),
        ({}, number(7, "u"), "received the value '7' of type 'unsignedshort' but current is none"),
        ({}, VOID, "received the value 'undefined' of type 'void' but current is none"),
        ({}, Field("T", 7), "received the value '7' of type 'timestamp' but current is none"),
        (
            {},
            Field("D", (2, 10)),
            "received the value '{2,10}' of type 'decimal' but current is none",
        ),
        ({}, longstr("a"), "received the value 'a' of type 'longstr' but current is none"),
        (number(60000), None, "received none but current is the value '60000' of type 'signedint'"),
        (number(6), number(7, "l"), "received '7' but current is '6'"),
        (number(5), longstr("5"), "received '5' but current is '5'"),
        (number(5), Field("d", 5.0), "received '5.0' but current is '5'"),
        (number(5), TRUE, "received 'true' but current is '5'"),
        (number(1), TRUE, "received 'true' but current is '1'"),
        (number(5), VOID, "received none but current is '5'"),
    ],
)
def test_an_argument_that_differs_is_told_with_value_and_type(
    current: Field | None, received: Field | None, told: str
) -> None:
    ours = {"x-max-length": current} if isinstance(current, Field) else {}
    theirs = {"x-max-length": received} if received is not None else {}
    assert inequivalence(queue(ours), queue(theirs)) == (
        f"inequivalent arg 'x-max-length' {WHERE}: {told}"
    )


@pytest.mark.parametrize("of_type", [{}, TYPE_QUORUM])
def test_another_class_is_a_difference(of_type: Table) -> None:
    ours, theirs = ({**of_type, "x-durability": longstr(name)} for name in ("fsync", "os"))
    check_equivalent_queue("q", "/", queue(ours), queue(ours))
    assert inequivalence(queue(ours), queue(theirs)) == (
        f"inequivalent arg 'x-durability' {WHERE}: received 'os' but current is 'fsync'"
    )
    assert inequivalence(queue(ours), queue(of_type)) == (
        f"inequivalent arg 'x-durability' {WHERE}: received none but current is the value "
        "'fsync' of type 'longstr'"
    )


@pytest.mark.parametrize("kind", "IisubBlL")
def test_the_width_of_an_integer_is_no_difference(kind: str) -> None:
    check_equivalent_queue(
        "q",
        "/",
        queue({"x-max-length": Field("I", 6)}),
        queue({"x-max-length": Field(kind, 6)}),
    )


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ("durable", "inequivalent arg 'durable' {}: received 'false' but current is 'true'"),
        (
            "auto_delete",
            "inequivalent arg 'auto_delete' {}: received 'true' but current is 'false'",
        ),
    ],
)
def test_flags_are_compared_before_arguments(flag: str, told: str) -> None:
    changed = queue({"x-message-ttl": number(1)}, **{flag: flag != "durable"})
    assert inequivalence(queue({}), changed) == told.format(WHERE)


def test_another_exclusive_flag_is_a_lock_not_a_difference() -> None:
    for ours in (True, False):
        with pytest.raises(ResourceLockedError) as caught:
            check_equivalent_queue(
                "q",
                "/",
                queue({}, exclusive=ours),
                queue({}, exclusive=not ours, durable=False),
            )
        assert str(caught.value) == str(locked_queue("q", "/"))
    assert str(locked_queue("q", "/")) == (
        "cannot obtain exclusive access to locked queue 'q' in vhost '/'. It could be originally "
        "declared on another connection or the exclusive property value does not match that of "
        "the original declaration."
    )


def test_saying_classic_is_saying_nothing() -> None:
    said = queue({"x-queue-type": longstr("classic")})
    check_equivalent_queue("q", "/", said, queue({}))
    check_equivalent_queue("q", "/", queue({}), said)


@pytest.mark.parametrize(
    ("current", "received", "told"),
    [
        ({}, TYPE_QUORUM, "received the value 'quorum' of type 'longstr' but current is none"),
        (TYPE_QUORUM, {}, "received none but current is the value 'quorum' of type 'longstr'"),
        (
            TYPE_QUORUM,
            {"x-queue-type": longstr("classic")},
            "received 'classic' but current is 'quorum'",
        ),
        (
            TYPE_QUORUM,
            {"x-queue-type": longstr("stream")},
            "received 'stream' but current is 'quorum'",
        ),
        (
            {},
            {"x-queue-type": number(5)},
            "received the value '5' of type 'signedint' but current is none",
        ),
        (
            TYPE_QUORUM,
            {"x-max-priority": number(5)},
            "received none but current is the value 'quorum' of type 'longstr'",
        ),
    ],
)
def test_another_queue_type_is_a_difference(current: Table, received: Table, told: str) -> None:
    assert inequivalence(queue(current), queue(received)) == (
        f"inequivalent arg 'x-queue-type' {WHERE}: {told}"
    )


def test_arguments_nobody_knows_are_not_compared() -> None:
    check_equivalent_queue(
        "q", "/", queue({"x-foo": number(1)}), queue({"x-foo": number(2), "x-max-age": VOID})
    )


def test_differences_are_told_in_rabbitmqs_order() -> None:
    changed = {
        key: number(1)
        for key in ("x-max-length", "x-message-ttl", "x-dead-letter-exchange", "x-expires")
    }
    assert "'x-expires'" in inequivalence(queue({}), queue(changed))
    quorum = {**TYPE_QUORUM, **changed}
    assert "'x-dead-letter-exchange'" in inequivalence(queue(TYPE_QUORUM), queue(quorum))


# ── exchanges ──


def exchange(exchange_type: str = "direct", **changes: object) -> ExchangeProperties:
    plain = ExchangeProperties(exchange_type, True, False, False, {})
    return plain._replace(**changes)  # type: ignore[arg-type] # any one field, by name


@pytest.mark.parametrize(
    ("received", "told"),
    [
        (exchange("fanout", durable=False), "'type' {}: received 'fanout' but current is 'direct'"),
        (
            exchange(durable=False, auto_delete=True),
            "'durable' {}: received 'false' but current is 'true'",
        ),
        (
            exchange(auto_delete=True, internal=True),
            "'auto_delete' {}: received 'true' but current is 'false'",
        ),
        (
            exchange(internal=True, arguments={"alternate-exchange": longstr("a")}),
            "'internal' {}: received 'true' but current is 'false'",
        ),
        (
            exchange(arguments={"alternate-exchange": longstr("a")}),
            "'alternate-exchange' {}: received the value 'a' of type 'longstr' but current is none",
        ),
    ],
)
def test_an_exchange_that_differs_is_told_how(received: ExchangeProperties, told: str) -> None:
    with pytest.raises(PreconditionFailedError) as caught:
        check_equivalent_exchange("x", "/", exchange(), received)
    assert str(caught.value) == "inequivalent arg " + told.format("for exchange 'x' in vhost '/'")


def test_other_arguments_of_an_exchange_are_not_compared() -> None:
    check_equivalent_exchange("x", "/", exchange(), exchange(arguments={"foo": VOID}))
