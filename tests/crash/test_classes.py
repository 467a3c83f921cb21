"""Queues of both classes side by side: what a kill leaves of them, and what a power cut."""

import asyncio
import random
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import pytest

from load_generator import wire
from tests.crash import messages
from tests.crash.history import Value
from tests.crash.kill_loop import power_under
from tests.crash.link import Answer, Link, message_count_of
from tests.crash.node import Node
from tests.support.ports import free_port

SETTINGS: Final = """\
persistence:
  durability: {durability}
  settled_sync_interval_ms: 60000
"""
KEPT, CACHED, BOTH = "kept", "cached", "both"
ROUNDS: Final = 20
CACHED_ALONE: Final = 40
"""Published at the end, so that nothing of class fsync has them synced."""
IN_KEPT: Final = 2 * ROUNDS
IN_CACHED: Final = 2 * ROUNDS + CACHED_ALONE
SEED: Final = 11
CLASS_IGNORED: Final = """\
import runpy
from persistence.log import Log

def take_for_os(log, *, is_fsynced):
    log.is_fsynced = False

Log.set_fsynced = take_for_os
runpy.run_module("amqp_server", run_name="__main__", alter_sys=True)
"""


class FaultyNode(Node):
    """A node that takes each queue for one of class os."""

    def command(self) -> Sequence[str]:
        """Return what is run: the bug, then the program with its own options."""
        python, _, _, *options = super().command()
        assert python == sys.executable, "-m amqp_server is what was cut out"
        return [python, "-c", CLASS_IGNORED, *options]


async def publish_side_by_side(port: int) -> None:
    """Publish to a queue of each class, and to both, each time waiting for the confirm."""
    link = await Link.open(port)
    answers: asyncio.Queue[Answer] = asyncio.Queue()
    link.on_answer = answers.put_nowait
    await link.call(wire.method(1, wire.CONFIRM_SELECT, b"\x00"), wire.CONFIRM_SELECT_OK)
    targets = [("", KEPT), ("", CACHED), (BOTH, "")] * ROUNDS + [("", CACHED)] * CACHED_ALONE
    for counter, (exchange, routing_key) in enumerate(targets, start=1):
        link.send(messages.publish(exchange, routing_key, Value(1, counter), 600))
        answer = await answers.get()
        assert answer.is_ack
        assert answer.tag == counter
    await link.close()


async def declare(port: int, durability_of: Mapping[str, str]) -> None:
    """Declare both queues, with the classes that are given, and an exchange that fills both."""
    link = await Link.open(port)
    declared = wire.exchange_declare(1, BOTH, "fanout", durable=True)
    await link.call(declared, wire.EXCHANGE_DECLARE_OK)
    for queue in (KEPT, CACHED):
        named = durability_of.get(queue)
        arguments = {} if named is None else {"x-durability": named}
        await link.call(
            wire.queue_declare(1, queue, arguments, durable=True), wire.QUEUE_DECLARE_OK
        )
        await link.call(wire.queue_bind(1, queue, BOTH, ""), wire.QUEUE_BIND_OK)
    await link.close()


async def ready_counts(port: int) -> dict[str, int]:
    """Return how many messages each queue has."""
    link = await Link.open(port)
    counts: dict[str, int] = {}
    for queue in (KEPT, CACHED):
        passive = wire.queue_declare(1, queue, passive=True)
        counts[queue] = message_count_of(await link.call(passive, wire.QUEUE_DECLARE_OK))
    await link.close()
    return counts


def left_after(
    folder: Path, durability: str, durability_of: Mapping[str, str], *, cut: bool, faulty: bool
) -> dict[str, int]:
    """Return what a restart finds of what was confirmed.

    Args:
        folder: gets the node.
        durability: the node's.
        durability_of: arguments of the queues; those that are missing have the node's.
        cut: take back what was not synced; else the process is only killed.
        faulty: the node ignores the class of a queue.
    """
    power = power_under(folder)
    kind = FaultyNode if faulty else Node
    settings = SETTINGS.format(durability=durability)
    node = kind(folder, free_port(), settings, power.environment)
    node.start()
    try:
        node.wait_until_ready()
        asyncio.run(declare(node.port, durability_of))
        asyncio.run(publish_side_by_side(node.port))
        node.kill()
        if cut:
            power.cut(random.Random(SEED))
        node.start()
        node.wait_until_ready()
        return asyncio.run(ready_counts(node.port))
    finally:
        node.stop()


@pytest.mark.timeout(120)
@pytest.mark.parametrize(
    ("durability", "durability_of"), [("os", {KEPT: "fsync"}), ("fsync", {CACHED: "os"})]
)
def test_a_power_cut_takes_nothing_of_class_fsync(
    tmp_path: Path, durability: str, durability_of: Mapping[str, str]
) -> None:
    left = left_after(tmp_path, durability, durability_of, cut=True, faulty=False)
    assert left[KEPT] == IN_KEPT
    assert left[CACHED] < IN_CACHED, "what was not synced may go: the cut took some of it"


@pytest.mark.timeout(120)
def test_a_kill_takes_nothing_of_either_class(tmp_path: Path) -> None:
    left = left_after(tmp_path, "os", {KEPT: "fsync"}, cut=False, faulty=False)
    assert left == {KEPT: IN_KEPT, CACHED: IN_CACHED}


@pytest.mark.timeout(120)
def test_a_node_that_ignores_the_class_of_a_queue_is_convicted(tmp_path: Path) -> None:
    left = left_after(tmp_path, "fsync", {CACHED: "os"}, cut=True, faulty=True)
    assert left[KEPT] < IN_KEPT, "the test of a power cut fails"
