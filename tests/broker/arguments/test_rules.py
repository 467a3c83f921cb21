"""The tables of arguments are complete and agree with each other."""

import pytest

from amqp_server.broker.arguments.rules import (
    CONSUMER_OF_ANY_TYPE,
    CONSUMER_RULES,
    KNOWN,
    OF_ANY_TYPE,
    QUEUE_RULES,
    QUEUE_TYPE,
    int_of,
    of_type,
)
from amqp_server.wire.tables import Field
from queues.options import QueueKind


@pytest.mark.parametrize("kind", QueueKind)
def test_every_known_argument_has_a_rule(kind: QueueKind) -> None:
    assert set(KNOWN[kind]) - QUEUE_RULES.keys() == {QUEUE_TYPE}
    assert len(set(KNOWN[kind])) == len(KNOWN[kind])


def test_no_rule_is_for_an_argument_that_nobody_knows() -> None:
    assert QUEUE_RULES.keys() <= OF_ANY_TYPE
    for rules in CONSUMER_RULES.values():
        assert rules.keys() <= CONSUMER_OF_ANY_TYPE | {"x-consumer-timeout"}


def test_a_type_rule_is_about_the_type_alone() -> None:
    assert of_type("t")(Field("t", False), {}) is None
    assert of_type("t")(Field("u", 1), {}) == "{unacceptable_type,unsignedshort}"


def test_only_integers_are_asked_for_their_integer() -> None:
    assert int_of(Field("l", -3)) == -3
    with pytest.raises(AssertionError):
        int_of(Field("S", b"3"))
