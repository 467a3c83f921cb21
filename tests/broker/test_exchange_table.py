"""Exchanges by name: what may be declared and deleted, and what goes along with what."""

from itertools import pairwise

import pytest

from amqp_server.broker.arguments.declare import ExchangeProperties
from amqp_server.broker.definitions.definition import BindingDefinition, ExchangeDefinition
from amqp_server.broker.errors import (
    AccessRefusedError,
    BrokerError,
    NotFoundError,
    PreconditionFailedError,
)
from amqp_server.broker.names import PREDECLARED
from amqp_server.broker.steps import finish
from amqp_server.wire.tables import Field
from exchanges.bindings import Destination, DestinationKind
from tests.support.frames import table
from tests.support.vhosts import VhostUnderTest


@pytest.fixture
def place() -> VhostUnderTest:
    return VhostUnderTest()


def declare(place: VhostUnderTest, name: str, kind: str = "fanout", **arguments: object) -> None:
    named = {key.replace("_", "-"): value for key, value in arguments.items()}
    properties = ExchangeProperties(kind, True, False, False, table(named))
    place.vhost.exchanges.declare(name, properties)


def delete(place: VhostUnderTest, name: str, *, if_unused: bool = False) -> None:
    finish(place.vhost.exchanges.deleting(name, if_unused=if_unused))


# ── what every vhost has ──


@pytest.mark.parametrize(("name", "kind", "internal"), PREDECLARED)
def test_the_predeclared_exchanges_are_durable_and_stay(
    place: VhostUnderTest, name: str, kind: str, *, internal: bool
) -> None:
    exchange = place.vhost.exchanges.get(name)
    assert (exchange.type, exchange.internal, exchange.durable) == (kind, internal, True)
    with pytest.raises(AccessRefusedError) as caught:
        delete(place, name)
    assert str(caught.value) == f"deletion of system exchange '{name}' in vhost '/' not allowed"
    assert place.vhost.exchanges.exists(name)


def test_a_predeclared_exchange_may_be_declared_as_it_is(place: VhostUnderTest) -> None:
    declare(place, "amq.direct", "direct")


# ── refusals ──


@pytest.mark.parametrize(
    ("name", "kind", "error", "text"),
    [
        ("", "direct", AccessRefusedError, "operation not permitted on the default exchange"),
        ("x", "squid", PreconditionFailedError, "unknown exchange type 'squid'"),
        (
            "amq.mine",
            "direct",
            AccessRefusedError,
            "exchange name 'amq.mine' contains reserved prefix 'amq.*'",
        ),
        (
            "amq.direct",
            "fanout",
            PreconditionFailedError,
            (
                "inequivalent arg 'type' for exchange 'amq.direct' in vhost '/': "
                "received 'fanout' but current is 'direct'"
            ),
        ),
    ],
)
def test_a_declare_that_cannot_be_is_told_why(
    place: VhostUnderTest, name: str, kind: str, error: type[BrokerError], text: str
) -> None:
    with pytest.raises(error) as caught:
        declare(place, name, kind)
    assert str(caught.value) == text


def test_an_invalid_argument_leaves_no_exchange(place: VhostUnderTest) -> None:
    with pytest.raises(PreconditionFailedError) as caught:
        declare(place, "x", alternate_exchange=5)
    assert str(caught.value) == (
        "invalid type 'long' for arg 'alternate-exchange' in exchange 'x' in vhost '/'"
    )
    assert not place.vhost.exchanges.exists("x")


def test_an_exchange_that_exists_is_compared_before_its_arguments_are_validated(
    place: VhostUnderTest,
) -> None:
    declare(place, "x")
    with pytest.raises(PreconditionFailedError, match="inequivalent arg 'alternate-exchange'"):
        declare(place, "x", alternate_exchange=5)


def test_an_equivalent_declare_changes_nothing(place: VhostUnderTest) -> None:
    declare(place, "x", unknown=Field("t", value=True))
    generation = place.vhost.router.generation
    declare(place, "x")
    assert place.vhost.router.generation == generation
    assert place.vhost.exchanges.properties_of("x").arguments == {"unknown": Field("t", True)}
    assert place.vhost.exchanges.get("x").arguments == {"unknown": True}


def test_an_exchange_that_is_not_there_is_named(place: VhostUnderTest) -> None:
    for name in ("x", ""):
        with pytest.raises(NotFoundError) as caught:
            place.vhost.exchanges.get(name)
        assert str(caught.value) == f"no exchange '{name}' in vhost '/'"


# ── delete ──


def test_deleting_what_is_not_there_is_no_error(place: VhostUnderTest) -> None:
    delete(place, "nobody", if_unused=True)


def test_the_default_exchange_cannot_be_deleted(place: VhostUnderTest) -> None:
    with pytest.raises(AccessRefusedError, match="not permitted on the default exchange"):
        delete(place, "")


def test_only_bindings_from_an_exchange_are_use(place: VhostUnderTest) -> None:
    declare(place, "from")
    declare(place, "to")
    place.bind_exchange("from", "to")
    with pytest.raises(PreconditionFailedError) as caught:
        delete(place, "from", if_unused=True)
    assert str(caught.value) == "exchange 'from' in vhost '/' in use"

    delete(place, "to", if_unused=True)
    delete(place, "from", if_unused=True)
    assert not place.vhost.exchanges.exists("from")


def test_a_deleted_exchange_may_come_back_as_another(place: VhostUnderTest) -> None:
    declare(place, "x", "fanout")
    place.queue()
    place.bind("x", "jobs")
    delete(place, "x")
    declare(place, "x", "topic")
    assert place.publish(b"m", exchange="x").unroutable == range(1)
    assert len(place.vhost.router.bindings) == 0


# ── bindings ──


def test_a_key_or_argument_that_the_type_refuses_is_told(place: VhostUnderTest) -> None:
    place.queue()
    with pytest.raises(PreconditionFailedError) as caught:
        place.bind("amq.headers", "jobs", arguments={"x-match": "some"})
    assert "some" in str(caught.value)
    assert not place.vhost.router.has_bindings_from("amq.headers")


def test_the_same_arguments_in_another_order_are_the_same_binding(place: VhostUnderTest) -> None:
    place.queue()
    place.bind("amq.headers", "jobs", arguments={"a": 1, "b": 2})
    place.bind("amq.headers", "jobs", arguments={"b": 2, "a": 1})
    assert len(place.vhost.router.bindings) == 1
    finish(
        place.vhost.exchanges.unbinding(
            "amq.headers",
            Destination(DestinationKind.QUEUE, "jobs"),
            "",
            table({"b": 2, "a": 1}),
        )
    )
    assert len(place.vhost.router.bindings) == 0


def test_other_arguments_are_another_binding(place: VhostUnderTest) -> None:
    place.queue()
    place.bind("amq.direct", "jobs", "k")
    place.bind("amq.direct", "jobs", "k", {"a": 1})
    place.unbind("amq.direct", "jobs", "k")
    assert place.publish(b"m", exchange="amq.direct", routing_key="k").unroutable == ()


def test_unbinding_what_was_never_bound_is_no_error(place: VhostUnderTest) -> None:
    place.exchange("x", auto_delete=True)
    place.unbind("x", "jobs")
    place.unbind("nobody", "jobs")
    assert place.vhost.exchanges.exists("x")


# ── auto-delete ──


def test_an_auto_delete_exchange_goes_with_its_last_binding(place: VhostUnderTest) -> None:
    place.exchange("x", auto_delete=True)
    place.queue("a")
    place.queue("b")
    place.bind("x", "a")
    place.bind("x", "b")
    place.unbind("x", "a")
    assert place.vhost.exchanges.exists("x")
    place.delete_queue("b")
    assert not place.vhost.exchanges.exists("x")


def test_being_bound_to_is_no_reason_to_stay_or_go(place: VhostUnderTest) -> None:
    place.exchange("to", auto_delete=True)
    place.bind_exchange("amq.fanout", "to")
    destination = Destination(DestinationKind.EXCHANGE, "to")
    finish(place.vhost.exchanges.unbinding("amq.fanout", destination, "", {}))
    assert place.vhost.exchanges.exists("to")


def test_an_auto_delete_exchange_takes_along_those_that_led_only_to_it(
    place: VhostUnderTest,
) -> None:
    for name in ("one", "two", "three"):
        place.exchange(name, auto_delete=name != "two")
    place.queue()
    place.bind_exchange("one", "two")
    place.bind_exchange("two", "three")
    place.bind("three", "jobs")

    place.delete_queue("jobs")

    left = [name for name in ("one", "two", "three") if place.vhost.exchanges.exists(name)]
    assert left == ["one", "two"], "two stays, and so the binding to it"
    delete(place, "two")
    assert not place.vhost.exchanges.exists("one")


def test_a_chain_of_auto_delete_exchanges_may_be_longer_than_the_stack(
    place: VhostUnderTest,
) -> None:
    names = [f"x{index}" for index in range(500)]
    for name in names:
        place.exchange(name, auto_delete=True)
    place.queue()
    place.bind(names[0], "jobs")
    for to, source in pairwise(names):
        place.bind_exchange(source, to)

    place.delete_queue("jobs")

    assert [name for name in names if place.vhost.exchanges.exists(name)] == []
    assert len(place.vhost.router.bindings) == 0


def test_auto_delete_exchanges_in_a_circle_all_go(place: VhostUnderTest) -> None:
    for name in ("a", "b", "c"):
        place.exchange(name, auto_delete=True)
    place.bind_exchange("a", "b")
    place.bind_exchange("b", "c")
    place.bind_exchange("c", "a")
    delete(place, "b")
    assert not any(place.vhost.exchanges.exists(name) for name in ("a", "b", "c"))


# ── as definitions ──


def test_what_clients_made_is_shown_as_definitions(place: VhostUnderTest) -> None:
    place.exchange("mine", "topic", auto_delete=True)
    place.queue("q")
    place.bind("mine", "q", "key", {"n": 1})
    place.bind_exchange("amq.fanout", "mine")
    exchanges = place.vhost.exchanges
    assert list(exchanges.definitions()) == [
        ExchangeDefinition("mine", "/", "topic", True, True, False, {})
    ]
    assert set(map(str, exchanges.binding_definitions())) == {
        str(BindingDefinition("mine", "/", "q", "queue", "key", table({"n": 1}))),
        str(BindingDefinition("amq.fanout", "/", "mine", "exchange", "", {})),
    }
