"""The tables of arguments are complete and agree with each other."""

import pytest

from amqp_server.broker.arguments.rules import (
    CONSUMER_RULES,
    QUEUE_RULES,
    QUEUE_TYPE,
    int_of,
    of_type,
)
from amqp_server.wire.tables import Field
from queues.kinds import KINDS, QueueKind


@pytest.mark.parametrize("kind", KINDS.values())
def test_every_known_argument_has_a_rule(kind: QueueKind) -> None:
    assert set(kind.arguments) - QUEUE_RULES.keys() == {QUEUE_TYPE}
    assert set(kind.consumer_arguments) <= CONSUMER_RULES.keys()
    assert len(set(kind.arguments)) == len(kind.arguments)


def test_no_rule_is_for_an_argument_that_nobody_knows() -> None:
    kinds = KINDS.values()
    assert QUEUE_RULES.keys() <= set().union(*[kind.arguments for kind in kinds])
    assert CONSUMER_RULES.keys() <= set().union(*[kind.consumer_arguments for kind in kinds])


def test_a_type_rule_is_about_the_type_alone() -> None:
    assert of_type("t")(Field("t", False), {}) is None
    assert of_type("t")(Field("u", 1), {}) == "{unacceptable_type,unsignedshort}"


def test_only_integers_are_asked_for_their_integer() -> None:
    assert int_of(Field("l", -3)) == -3
    with pytest.raises(AssertionError):
        int_of(Field("S", b"3"))
