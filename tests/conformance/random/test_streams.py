"""Scripts of streams: the same each time, and only what RabbitMQ 3.10 does in one way."""

import pytest

from conformance.random.script import KINDS, Step
from conformance.random.streams import OFFSETS, generate_streams

SEEDS = range(200)


@pytest.fixture(scope="module")
def scripts() -> list[list[Step]]:
    """Many scripts."""
    return [generate_streams(seed, 40) for seed in SEEDS]


def test_a_seed_is_a_script() -> None:
    assert generate_streams(7, 40) == generate_streams(7, 40)
    assert generate_streams(7, 40) != generate_streams(8, 40)


def test_every_queue_is_a_stream(scripts: list[list[Step]]) -> None:
    declares = [
        step.given
        for script in scripts
        for step in script
        if step.method == "queue.declare" and not step.given.get("passive")
    ]
    assert any("arguments" in given for given in declares)
    for given in declares:
        if "arguments" in given:
            assert given["arguments"]["x-queue-type"] == "stream"


def test_what_is_not_determined_is_left_out(scripts: list[list[Step]]) -> None:
    methods = {step.method for script in scripts for step in script}
    assert methods <= set(KINDS)
    assert {"basic.consume", "basic.ack", "basic.publish", "tx.commit"} <= methods
    left_out = {"basic.nack", "basic.reject", "basic.recover", "basic.recoverasync"}
    # A wrong tag closes the channel before anybody looks at the queue.
    for script in scripts:
        for step in script:
            assert step.method not in left_out or step.given.get("delivery_tag") == 4711
            assert len(step.messages) <= 1
            assert not step.given.get("no_ack") or step.method == "basic.get"


def test_a_channel_has_one_reader_of_a_stream(scripts: list[list[Step]]) -> None:
    seen: set[object] = set()
    for script in scripts:
        readers = [
            (step.channel, step.given.get("queue"))
            for step in script
            if step.method == "basic.consume" and "consumer_tag" in step.given
        ]
        assert len(readers) == len(set(readers))
        for step in script:
            if step.method == "basic.consume":
                seen.add(str(step.given.get("arguments", {}).get("x-stream-offset")))
    assert seen == {str(offset) for offset in OFFSETS}
