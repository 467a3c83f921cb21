"""Scripts from seeds: the same each time, of the length asked for, and of methods that exist."""

import pytest

from conformance.random.generator import WEIGHTS, generate
from conformance.random.script import KINDS, Step

SEEDS = range(200)
MAKERS_METHODS = {
    "queue.declare",
    "exchange.declare",
    "queue.bind",
    "queue.unbind",
    "exchange.bind",
    "exchange.unbind",
    "basic.publish",
    "basic.consume",
    "basic.cancel",
    "basic.get",
    "basic.ack",
    "basic.nack",
    "basic.reject",
    "basic.recover",
    "basic.qos",
    "tx.select",
    "tx.commit",
    "tx.rollback",
    "confirm.select",
    "queue.purge",
    "queue.delete",
    "exchange.delete",
    "channel.flow",
    "channel.close",
    "connection.close",
}


@pytest.fixture(scope="module")
def steps() -> list[Step]:
    """The steps of many scripts."""
    return [step for seed in SEEDS for step in generate(seed, 60)]


def test_a_seed_gives_the_same_script_each_time_and_another_seed_another() -> None:
    assert generate(7, 50) == generate(7, 50)
    assert generate(7, 50) != generate(8, 50)


def test_a_script_is_as_long_as_it_was_asked_for_and_a_longer_one_begins_alike() -> None:
    short, long = generate(3, 20), generate(3, 60)
    assert (len(short), len(long)) == (20, 60)
    assert long[:20] == short


def test_every_kind_of_step_comes_up(steps: list[Step]) -> None:
    assert {step.method for step in steps} >= MAKERS_METHODS
    assert all(weight > 0 for weight in WEIGHTS.values())


def test_every_field_of_a_step_is_one_of_its_method(steps: list[Step]) -> None:
    for step in steps:
        assert set(step.given) <= set(KINDS[step.method].attributes()), step


def test_nothing_waits_for_a_time(steps: list[Step]) -> None:
    spans_ms = {
        value
        for step in steps
        for key, value in step.given.get("arguments", {}).items()
        if key in {"x-message-ttl", "x-expires"}
    }
    assert all(span_ms <= 0 or span_ms >= 600_000 for span_ms in spans_ms)
    expirations = {
        message.properties.get("expiration", "0") for step in steps for message in step.messages
    }
    assert expirations == {"0"}


def test_steps_are_printed_without_the_mark_of_their_names(steps: list[Step]) -> None:
    assert not any("~" in str(step) for step in steps)
