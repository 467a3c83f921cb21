"""Real nodes answer for each other over HTTP, and nobody waits for one that stands still."""

import asyncio
import json
import time
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import aio_pika
import aiormq.exceptions
import pytest

from tests.support.clustered_processes import ClusteredProcesses, running_nodes

NAMES = ("n1", "n2", "n3")
QUEUE = "api/queues/%2F/jobs"
GET = {"ackmode": "ack_requeue_true", "count": 5, "encoding": "auto"}

pytestmark = pytest.mark.timeout(240)


class Asked:
    """What the nodes say over HTTP."""

    def __init__(self, nodes: ClusteredProcesses) -> None:
        self.nodes = nodes

    def of(self, name: str, path: str) -> Any:  # noqa: ANN401 -- it is JSON
        return self.do(name, "GET", path)

    def is_node(self, name: str, leader: str) -> bool:
        return bool(self.of(name, QUEUE)["node"] == leader)

    def do(self, name: str, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401
        status, answer = self.nodes.call(name, method, path, body)
        assert status < 300, (name, method, path, status, answer)
        return json.loads(answer) if answer else None


async def filled(nodes: ClusteredProcesses) -> aio_pika.abc.AbstractConnection:
    url = f"amqp://guest:guest@127.0.0.1:{nodes.ports['n1']}/"
    connection = await aio_pika.connect(url, client_properties={"connection_name": "of n1"})
    channel = await connection.channel()
    await channel.declare_queue("jobs", durable=True)
    for number in range(20):
        message = aio_pika.Message(b"%d" % number, delivery_mode=2)
        await channel.default_exchange.publish(message, "jobs")
    return connection


async def require_single_forms(asked: Asked, connection: aio_pika.abc.AbstractConnection) -> None:
    assert asked.of("n2", QUEUE)["messages"] == 20
    got = await asyncio.to_thread(asked.do, "n3", "POST", f"{QUEUE}/get", GET)
    assert [each["payload"] for each in got] == [str(number) for number in range(5)]
    assert asked.of("n2", "api/nodes/n1")["mem_used"] > 0
    await require_long_forms(asked)
    [name] = [each["name"] for each in asked.of("n1", "api/connections")]
    path = f"api/connections/{quote(name, safe='')}"
    assert asked.of("n3", path)["node"] == "n1"
    closed = asyncio.Event()
    connection.close_callbacks.add(lambda *_: closed.set())
    await asyncio.to_thread(asked.do, "n2", "DELETE", path)
    async with asyncio.timeout(30):
        await closed.wait()


async def require_long_forms(asked: Asked) -> None:
    """n1 leads: a file and a job of its queue come through the others."""
    nodes = asked.nodes
    status, saved = await asyncio.to_thread(nodes.call, "n2", "GET", f"{QUEUE}/messages/export")
    assert (status, len(saved.splitlines())) == (200, 21)
    await asyncio.to_thread(asked.do, "n1", "PUT", "api/queues/%2F/other", {"durable": True})

    def is_known() -> bool:
        return nodes.call("n2", "GET", "api/queues/%2F/other")[0] == 200

    await nodes.until(is_known)
    for source, dest in (("jobs", "other"), ("other", "jobs")):
        path = f"api/queues/%2F/{source}/move"
        begun = await asyncio.to_thread(asked.do, "n2", "POST", path, {"dest": dest})
        assert begun["node"] == "n1"

        def is_done(number: int = begun["id"]) -> bool:
            return bool(asked.of("n3", f"api/jobs/{number}")["state"] == "done")

        await nodes.until(is_done)
        assert asked.of("n3", f"api/jobs/{begun['id']}")["moved"] == 20
    assert {each["node"] for each in asked.of("n3", "api/jobs")} == {"n1"}
    await asyncio.to_thread(asked.do, "n1", "DELETE", "api/queues/%2F/other")


async def ignore(message: aio_pika.abc.AbstractIncomingMessage) -> None:
    del message


async def require_lists(asked: Asked) -> None:
    """Each node lists what all of them have, and the numbers of queues that another one leads."""
    connections = []
    for number, name in enumerate(NAMES):
        connection = await aio_pika.connect(
            f"amqp://guest:guest@127.0.0.1:{asked.nodes.ports[name]}/"
        )
        connections.append(connection)
        channel = await connection.channel()
        await channel.declare_queue(f"alone-{name}", exclusive=True)
        await channel.set_qos(prefetch_count=number + 1)
        await (await channel.get_queue("jobs")).consume(ignore)
    for name in NAMES:
        await asked.nodes.until(partial(is_listed, asked, name))
    for connection in connections:
        await connection.close()


def is_listed(asked: Asked, name: str) -> bool:
    """Whether a node's lists have come to say all of it."""
    queues = {each["name"]: each for each in asked.of(name, "api/queues")}
    assert set(queues) >= {"jobs", *(f"alone-{each}" for each in NAMES)}
    owners = {queues[f"alone-{each}"]["node"] for each in NAMES}
    jobs = queues["jobs"]
    paged = asked.of(name, "api/queues?page=1&page_size=1&sort=messages&sort_reverse=true")
    overview = asked.of(name, "api/overview")
    whole = asked.of(name, QUEUE)
    found = [
        owners == set(NAMES),
        (jobs["node"], jobs["messages"], jobs["consumers"]) == ("n1", 20, 3),
        (paged["items"][0]["name"], paged["total_count"]) == ("jobs", 4),
        {each["node"] for each in asked.of(name, "api/connections")} == set(NAMES),
        {each["node"] for each in asked.of(name, "api/channels")} == set(NAMES),
        {each["channel_details"]["node"] for each in asked.of(name, "api/consumers/%2F")}
        == set(NAMES),
        all(each["mem_used"] for each in asked.of(name, "api/nodes")),
        overview["object_totals"]["consumers"] == 3,
        overview["object_totals"]["connections"] >= 3,
        overview["queue_totals"]["messages"] == 20,
        asked.of(name, "api/vhosts/%2F")["messages"] == 20,
        len(whole["consumer_details"]) == 3,
    ]
    return all(found)


async def require_exclusive_use(nodes: ClusteredProcesses) -> None:
    """A consumer on n2 keeps others out on all nodes; they hear of it instead of consume-ok."""
    connections = [
        await aio_pika.connect(f"amqp://guest:guest@127.0.0.1:{nodes.ports[name]}/")
        for name in ("n2", "n3", "n1")
    ]
    first, *others = [await each.channel() for each in connections]
    queue = await first.get_queue("jobs")
    came = asyncio.Event()

    async def take(message: aio_pika.abc.AbstractIncomingMessage) -> None:
        del message
        came.set()

    await queue.consume(take, exclusive=True)
    async with asyncio.timeout(30):
        await came.wait()
    for channel in others:
        again = await channel.get_queue("jobs")
        with pytest.raises(aiormq.exceptions.ChannelAccessRefused, match="in exclusive use"):
            await again.consume(take)
    for each in connections:
        await each.close()


async def require_commands(asked: Asked) -> None:
    moved = await asyncio.to_thread(asked.do, "n3", "POST", f"{QUEUE}/leader", {"node": "n2"})
    assert moved == {"leader": "n2"}
    for name in NAMES:
        await asked.nodes.until(partial(asked.is_node, name, "n2"))
    await asyncio.to_thread(asked.do, "n1", "DELETE", f"{QUEUE}/replicas/n3")
    assert {each["node"] for each in asked.of("n1", QUEUE)["replicas"]} == {"n1", "n2"}
    await asyncio.to_thread(asked.do, "n3", "PUT", f"{QUEUE}/replicas/n3")


def require_no_hang(asked: Asked) -> None:
    """n2 leads, and stands still."""
    asked.nodes.freeze("n2")
    begun_s = time.monotonic()
    assert asked.of("n1", QUEUE)["name"] == "jobs"
    asked.of("n1", "api/nodes/n2")
    assert time.monotonic() - begun_s < 5
    asked.nodes.thaw("n2")


def test_any_node_answers_for_all(tmp_path: Path) -> None:
    async def run() -> None:
        await nodes.start_all()
        asked = Asked(nodes)
        connection = await filled(nodes)

        def are_in_sync() -> bool:
            return set(asked.of("n2", QUEUE).get("in_sync", ())) == set(NAMES)

        await nodes.until(are_in_sync)
        await require_single_forms(asked, connection)
        await require_lists(asked)
        await require_exclusive_use(nodes)
        await require_commands(asked)
        require_no_hang(asked)

    with running_nodes(tmp_path, 3) as nodes:
        asyncio.run(run())
