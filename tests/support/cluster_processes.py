"""Nodes of a cluster as processes, and a publisher that goes from one to the other."""

import asyncio
import json
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Callable
from pathlib import Path
from typing import Any

from cluster.metadata.etcd.address import EtcdAddress
from cluster.metadata.keys import KeySpace
from cluster.metadata.port import Absent, Done, Put, Transaction
from cluster.metadata.records import StoredQueueState, encode_queue_state
from cluster.replication.state import QueueOptions, QueueState, ReplicaId
from tests.support.etcd_server import EtcdServer

PATIENCE_S = 100.0
ANSWER_S = 0.5


class NodeProcess:
    """One process, and a connection to it that is made anew when it breaks."""

    def __init__(self, name: str, folder: Path, etcd: EtcdServer) -> None:
        self.name = name
        self._folder = folder
        self._etcd = etcd
        self._process: Process | None = None
        self._port = 0
        self._streams: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None

    @property
    def is_up(self) -> bool:
        return self._process is not None

    async def start(self) -> None:
        words = (self.name, str(self._folder / self.name), self._etcd.url, self._folder.name)
        self._process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "tests.support.cluster_program", *words, stdout=PIPE
        )
        assert self._process.stdout is not None
        async with asyncio.timeout(PATIENCE_S):
            self._port = int(await self._process.stdout.readline())

    async def kill(self) -> None:
        """End it as ``kill -9`` does; what it had on its disk stays."""
        self._forget()
        process, self._process = self._process, None
        if process is not None:
            process.kill()
            await process.communicate()

    def stand_still(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    async def ask(self, question: dict[str, Any]) -> dict[str, Any] | None:
        """Return its answer; None: there was none in time."""
        try:
            async with asyncio.timeout(ANSWER_S):
                if self._streams is None:
                    self._streams = await asyncio.open_connection("127.0.0.1", self._port)
                reader, writer = self._streams
                writer.write(json.dumps(question).encode() + b"\n")
                answer: dict[str, Any] | None = json.loads(await reader.readline() or "null")
        except (OSError, TimeoutError):
            answer = None
        if answer is None:
            self._forget()
        return answer

    def _forget(self) -> None:
        if self._streams is not None:
            self._streams[1].close()
            self._streams = None


class ProcessCluster:
    """Nodes a, b and c, and one queue on all of them."""

    def __init__(self, folder: Path, etcd: EtcdServer) -> None:
        self._etcd = etcd
        self._folder = folder
        self.nodes = {name: NodeProcess(name, folder, etcd) for name in "abc"}
        self.confirmed: set[int] = set()
        self.next_number = 1

    async def start(self) -> None:
        await asyncio.gather(*(node.start() for node in self.nodes.values()))
        replicas = [(await self.state(node))["replica"] for node in self.nodes.values()]
        members = frozenset(ReplicaId(*each) for each in replicas)
        stored = StoredQueueState(
            "q1", QueueState("", 0, 0, members), QueueOptions(("a", "b", "c"), 2)
        )
        key = KeySpace(self._folder.name).queue_state("v", "jobs")
        store = EtcdAddress((self._etcd.url,)).opened(lambda: 0)
        put = Put(key, encode_queue_state(stored))
        assert isinstance(await store.transact(Transaction((Absent(key),), (put,))), Done)
        await store.close()

    async def end(self) -> None:
        for node in self.nodes.values():
            await node.kill()

    async def state(self, node: NodeProcess) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE_S):
            while (answer := await node.ask({})) is None:
                pass
        return answer

    async def publish(self, count: int) -> float:
        """Publish so many, one after the other; return the longest that one took, in s."""
        longest_s = 0.0
        loop = asyncio.get_running_loop()
        for _ in range(count):
            began_s = loop.time()
            async with asyncio.timeout(PATIENCE_S):
                while not await self._is_confirmed(self.next_number):
                    pass
            self.confirmed.add(self.next_number)
            self.next_number += 1
            longest_s = max(longest_s, loop.time() - began_s)
        return longest_s

    async def _is_confirmed(self, number: int) -> bool:
        for node in self.nodes.values():
            if node.is_up:
                answer = await node.ask({"number": number})
                if answer is not None and answer["confirmed"]:
                    return True
        return False

    async def leader(self) -> NodeProcess:
        """Return who leads, of those that answer, in the highest epoch."""
        async with asyncio.timeout(PATIENCE_S):
            while True:
                found = [(node, await node.ask({})) for node in self.nodes.values() if node.is_up]
                leading = [(node, told) for node, told in found if told and told["epoch"]]
                if leading:
                    return max(leading, key=lambda each: int(each[1]["epoch"]))[0]

    async def until(self, node: NodeProcess, holds: Callable[[dict[str, Any]], bool]) -> None:
        async with asyncio.timeout(PATIENCE_S):
            while not holds(await self.state(node)):
                pass
