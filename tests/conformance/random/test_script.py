"""Steps as people read them."""

import pytest

from conformance.fields import Typed
from conformance.random.script import Message, Step, show


def test_a_step_says_where_what_and_with_which_fields() -> None:
    step = Step("B2", "queue.declare", {"queue": "~q1", "durable": True, "arguments": {"x-a": 1}})
    assert str(step) == "B2: queue.declare queue=q1 durable arguments={x-a: 1}"
    assert (step.connection, step.number) == ("B", 2)


def test_a_publish_says_its_messages() -> None:
    messages = (Message("m1"), Message("m2", {"priority": 2}))
    step = Step("A1", "basic.publish", {"routing_key": "~q1"}, messages)
    assert str(step) == "A1: basic.publish routing_key=q1 <m1> <m2 priority=2>"


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Typed("l", 5), "5:l"),
        (Typed("S", "a"), "a"),
        (Typed("A", [Typed("S", "a"), Typed("t", value=True)]), "[a, True:t]"),
        (Typed("F", {"k": Typed("I", 1)}), "{k: 1:I}"),
        ("", "''"),
        ("two words", "'two words'"),
    ],
)
def test_values_keep_the_tags_that_are_not_usual(value: object, text: str) -> None:
    assert show(value) == text
