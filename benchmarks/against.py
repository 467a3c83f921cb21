"""What requests cost in another checkout and here: ``python -m benchmarks.against --tree PATH``.

A node of each checkout runs, and both get the same bytes in turn, over sockets. It prints the CPU
time of one unit there and here, system calls included, and the ratio; it judges none. It is the
least of some rounds. With ``--instructions`` both nodes run under valgrind, and the figures are
instructions outside of the system's kernel. They hardly vary, also on a busy machine.

    declare    queue.declare; each method waits for its answer
    bind       queue.bind to a direct exchange
    unbind     queue.unbind of it
    delete     queue.delete of a queue with one binding
    durable    queue.declare and queue.delete of a durable queue
    connect    a connection that opens a channel and closes
    auto-ack   12 bytes to a consumer that needs no ack, one message at a time
    new-key    a routing key never seen before, beside 1,000 topic bindings; 100 in a write
    spread     50 keys in turn, to 50 queues whose consumers need no ack; 1,000 in a write
    burst      persistent messages to a durable queue, confirmed; 200 in a write

The other checkout needs its own ``.venv``, and both need the same build of the kernels.
"""

import argparse
import contextlib
import os
import re
import signal
import struct
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.brokers import free_port
from load_generator import wire
from load_generator.session import Endpoint, Session
from load_generator.wire import LoadError

HERE: Final = Path(__file__).parent.parent
ROUNDS: Final = 9
ROUNDS_OF_INSTRUCTIONS: Final = 2
WARM_UP: Final = 200
"""Units before the first round."""
START_TIMEOUT_S: Final = 120.0
END_TIMEOUT_S: Final = 60.0
BODY: Final = b"x" * 12
EXCHANGE: Final = "against"
BINDING_COUNT: Final = 1_000
KEYS_PER_WRITE: Final = 100
SPREAD_OVER: Final = 50
SPREAD_PER_WRITE: Final = 1_000
BURST: Final = 200
FRAMES_OF_DELIVERY: Final = 3
PLAIN: Final = wire.properties()
QUEUE_UNBIND: Final = wire.MethodId(50, 50)
QUEUE_UNBIND_OK: Final = wire.MethodId(50, 51)
QUEUE_PURGE_OK: Final = wire.MethodId(50, 31)
PURGE: Final = wire.method(1, wire.MethodId(50, 30), b"\0\0" + wire.shortstr("burst") + b"\0")
DELIVERY_TAG_AT: Final = 4
SLOW: Final = "net: {turn_us: 1000000, busy_poll_us: 0}\n"
"""Settings under valgrind: all takes fifty times as long, and no turn should end early for that."""
VALGRIND: Final = ("valgrind", "--tool=callgrind", "--instr-atstart=no")


class Node(NamedTuple):
    """A node that answers.

    Attributes:
        endpoint: its address.
        pid: its process.
        profiles: where valgrind writes the instructions; None if the CPU time is the figure.
    """

    endpoint: Endpoint
    pid: int
    profiles: Path | None

    def cost_of(self, work: Callable[[], None]) -> float:
        """Return the nanoseconds, or the instructions, of the node during a call."""
        if self.profiles is None:
            begun_ns = _cpu_ns(self.pid)
            work()
            return _cpu_ns(self.pid) - begun_ns
        _control("--zero", self.pid)
        work()
        _control("--dump", self.pid)
        newest = max(self.profiles.glob("profile.*"), key=lambda path: int(path.suffix[1:]))
        found = re.search(r"^(?:summary|totals): (\d+)", newest.read_text(), re.MULTILINE)
        if found is None:
            raise LoadError(f"{newest} has no sum")
        return int(found[1])


class Case(NamedTuple):
    """What is measured.

    Attributes:
        prepare: declares what all rounds need, and returns what prepares a round. That is told the
            number of its first unit and the count of its units, and returns the work to measure.
        unit_count: units of one round; a tenth of it under valgrind.
    """

    prepare: Callable[["Client"], Callable[[int, int], Callable[[], None]]]
    unit_count: int


class Client:
    """A publisher and a consumer of one node."""

    def __init__(self, endpoint: Endpoint, stack: ExitStack) -> None:
        self.endpoint = endpoint
        self.publisher = stack.enter_context(Session(endpoint))
        self.consumer = stack.enter_context(Session(endpoint))
        self.confirmed_count = 0

    def declare(self, queue: str, *, durable: bool = False) -> None:
        """Declare a queue."""
        request = wire.queue_declare(1, queue, durable=durable)
        self.publisher.call(request, wire.QUEUE_DECLARE_OK)

    def exchange(self, name: str, kind: str) -> None:
        """Declare an exchange."""
        self.publisher.call(wire.exchange_declare(1, name, kind), wire.EXCHANGE_DECLARE_OK)

    def bind(self, queue: str, exchange: str, key: str) -> None:
        """Bind a queue."""
        self.publisher.call(wire.queue_bind(1, queue, exchange, key), wire.QUEUE_BIND_OK)

    def consume(self, queue: str) -> None:
        """Consume from a queue without acks."""
        request = wire.consume(1, queue, queue, no_ack=True)
        self.consumer.call(request, wire.BASIC_CONSUME_OK)

    def calls(self, requests: Sequence[bytes], reply: wire.MethodId) -> Callable[[], None]:
        """Return a function that sends requests one by one, and waits for each reply."""

        def work() -> None:
            for request in requests:
                self.publisher.call(request, reply)

        return work

    def await_confirms(self, count: int) -> None:
        """Read confirms until so many more messages are confirmed."""
        awaited = self.confirmed_count + count
        while self.confirmed_count < awaited:
            received = self.publisher.read_frame()
            if wire.method_of(received) != wire.BASIC_ACK:
                raise wire.refusal(received)
            (self.confirmed_count,) = struct.unpack_from(">Q", received.payload, DELIVERY_TAG_AT)

    def deliveries(self, writes: Sequence[bytes], per_write: int) -> Callable[[], None]:
        """Return a function that sends writes one by one, and waits for the deliveries of each."""

        def work() -> None:
            for write in writes:
                self.publisher.socket.sendall(write)
                for _ in range(FRAMES_OF_DELIVERY * per_write):
                    self.consumer.read_frame()

        return work


Work = Callable[[], None]
Round = Callable[[int, int], Work]


def declares(client: Client) -> Round:
    """Declare queues."""

    def prepared(first: int, count: int) -> Work:
        requests = [wire.queue_declare(1, f"declare.{first + n}") for n in range(count)]
        return client.calls(requests, wire.QUEUE_DECLARE_OK)

    return prepared


def binds(client: Client) -> Round:
    """Bind one queue by many keys."""
    client.exchange(EXCHANGE, "direct")
    client.declare("bound")

    def prepared(first: int, count: int) -> Work:
        keys = (f"key.{first + n}" for n in range(count))
        requests = [wire.queue_bind(1, "bound", EXCHANGE, key) for key in keys]
        return client.calls(requests, wire.QUEUE_BIND_OK)

    return prepared


def unbinds(client: Client) -> Round:
    """Remove the bindings of one queue."""
    client.exchange(EXCHANGE, "direct")
    client.declare("unbound")

    def prepared(first: int, count: int) -> Work:
        keys = [f"key.{first + n}" for n in range(count)]
        for key in keys:
            client.bind("unbound", EXCHANGE, key)
        return client.calls([_unbind("unbound", key) for key in keys], QUEUE_UNBIND_OK)

    return prepared


def _unbind(queue: str, key: str) -> bytes:
    names = wire.shortstr(queue) + wire.shortstr(EXCHANGE) + wire.shortstr(key)
    return wire.method(1, QUEUE_UNBIND, b"\0\0" + names + wire.table({}))


def deletes(client: Client) -> Round:
    """Delete queues that have a binding."""
    client.exchange(EXCHANGE, "direct")

    def prepared(first: int, count: int) -> Work:
        queues = [f"delete.{first + n}" for n in range(count)]
        for queue in queues:
            client.declare(queue)
            client.bind(queue, EXCHANGE, queue)
        requests = [wire.queue_delete(1, queue) for queue in queues]
        return client.calls(requests, wire.QUEUE_DELETE_OK)

    return prepared


def durables(client: Client) -> Round:
    """Declare and delete durable queues."""

    def prepared(first: int, count: int) -> Work:
        queues = [f"durable.{first + n}" for n in range(count)]
        declare = [wire.queue_declare(1, queue, durable=True) for queue in queues]
        delete = [wire.queue_delete(1, queue) for queue in queues]
        declaring = client.calls(declare, wire.QUEUE_DECLARE_OK)
        deleting = client.calls(delete, wire.QUEUE_DELETE_OK)

        def work() -> None:
            declaring()
            deleting()

        return work

    return prepared


def connects(client: Client) -> Round:
    """Open and close connections."""

    def prepared(_first: int, count: int) -> Work:
        def work() -> None:
            for _ in range(count):
                Session(client.endpoint).close()

        return work

    return prepared


def lone(client: Client) -> Round:
    """Publish messages one by one."""
    client.declare("lone")
    client.consume("lone")
    message = wire.publish("", "lone", wire.properties(), BODY)

    def prepared(_first: int, count: int) -> Work:
        return client.deliveries([message] * count, 1)

    return prepared


def new_keys(client: Client) -> Round:
    """Publish each message with another routing key."""
    exchange = f"{EXCHANGE}.topic"
    client.exchange(exchange, "topic")
    client.declare("keys")
    for number in range(BINDING_COUNT):
        client.bind("keys", exchange, f"{number}.#")
    client.consume("keys")

    def prepared(first: int, count: int) -> Work:
        writes = [
            b"".join(
                wire.publish(exchange, f"{number % BINDING_COUNT}.{number}", PLAIN, BODY)
                for number in range(begin, begin + KEYS_PER_WRITE)
            )
            for begin in range(first, first + count, KEYS_PER_WRITE)
        ]
        return client.deliveries(writes, KEYS_PER_WRITE)

    return prepared


def spread(client: Client) -> Round:
    """Publish to many queues in turn."""
    exchange = f"{EXCHANGE}.spread"
    client.exchange(exchange, "direct")
    queues = [f"spread.{number}" for number in range(SPREAD_OVER)]
    for queue in queues:
        client.declare(queue)
        client.bind(queue, exchange, queue)
        client.consume(queue)
    pass_over_all = b"".join(wire.publish(exchange, queue, PLAIN, BODY) for queue in queues)
    write = pass_over_all * (SPREAD_PER_WRITE // SPREAD_OVER)

    def prepared(_first: int, count: int) -> Work:
        return client.deliveries([write] * (count // SPREAD_PER_WRITE), SPREAD_PER_WRITE)

    return prepared


def bursts(client: Client) -> Round:
    """Publish persistent messages, many in a write, and wait for their confirms."""
    client.declare("burst", durable=True)
    client.publisher.call(wire.method(1, wire.CONFIRM_SELECT, b"\0"), wire.CONFIRM_SELECT_OK)
    write = wire.publish("", "burst", wire.properties(persistent=True), BODY) * BURST

    def prepared(_first: int, count: int) -> Work:
        def work() -> None:
            for _ in range(count // BURST):
                client.publisher.socket.sendall(write)
                client.await_confirms(BURST)
            client.publisher.call(PURGE, QUEUE_PURGE_OK)

        return work

    return prepared


CASES: Final = {
    "declare": Case(declares, 2_000),
    "bind": Case(binds, 2_000),
    "unbind": Case(unbinds, 2_000),
    "delete": Case(deletes, 2_000),
    "durable": Case(durables, 1_000),
    "connect": Case(connects, 500),
    "auto-ack": Case(lone, 4_000),
    "new-key": Case(new_keys, 20_000),
    "spread": Case(spread, 100_000),
    "burst": Case(bursts, 40_000),
}


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the cases that are named; all of them if there are none."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against")
    parser.add_argument("--tree", type=Path, required=True, help="the other checkout")
    parser.add_argument("--instructions", action="store_true", help="count them, by valgrind")
    parser.add_argument("case", nargs="*", choices=[*CASES, []], help="which; all if none")
    options = parser.parse_args(arguments)
    unit = "instructions" if options.instructions else "us"
    print(f"{unit:12} {'there':>10} {'here':>10}  ratio", flush=True)
    for name in options.case or CASES:
        with ExitStack() as stack:
            nodes = [
                stack.enter_context(_node(tree, counts_instructions=options.instructions))
                for tree in (options.tree.resolve(), HERE)
            ]
            there, here = _measured(CASES[name], nodes, stack)
        scale = 1 if options.instructions else 1_000
        print(
            f"{name:12} {there / scale:10,.2f} {here / scale:10,.2f} {here / there:6.3f}",
            flush=True,
        )


def _measured(case: Case, nodes: Sequence[Node], stack: ExitStack) -> list[float]:
    """Return the cost of one unit for each node; the rounds of the nodes take turns."""
    rounds = [case.prepare(Client(node.endpoint, stack)) for node in nodes]
    by_valgrind = nodes[0].profiles is not None
    count = case.unit_count // 10 if by_valgrind else case.unit_count
    costs: list[list[float]] = [[] for _ in nodes]
    for prepared in rounds:
        prepared(0, count)()
    for number in range(1, 1 + (ROUNDS_OF_INSTRUCTIONS if by_valgrind else ROUNDS)):
        for node, prepared, spent in zip(nodes, rounds, costs, strict=True):
            spent.append(node.cost_of(prepared(number * count, count)) / count)
    return [min(spent) for spent in costs]


@contextmanager
def _node(tree: Path, *, counts_instructions: bool) -> Iterator[Node]:
    """Start a node of a checkout, and end it with the block."""
    endpoint = Endpoint("127.0.0.1", free_port(), "guest", "guest", "/")
    with tempfile.TemporaryDirectory(prefix="haremq-against-") as name:
        directory = Path(name)
        profiles = directory / "profiles" if counts_instructions else None
        command = [str(tree / ".venv/bin/python"), "-m", "amqp_server", "start"]
        command += ["--port", str(endpoint.port), "--data-dir", str(directory / "data")]
        if profiles is not None:
            profiles.mkdir()
            settings = directory / "haremq.yaml"
            settings.write_text(SLOW, encoding="utf-8")
            command += ["--config", str(settings)]
            command = [*VALGRIND, f"--callgrind-out-file={profiles / 'profile'}", *command]
        environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONHASHSEED": "0"}
        with (directory / "output.log").open("wb") as log:
            process = subprocess.Popen(
                command, cwd=directory, env=environment, stdout=log, stderr=log
            )
        try:
            _await_listener(endpoint, process)
            if profiles is not None:
                _control("--instr=on", process.pid)
            yield Node(endpoint, process.pid, profiles)
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(END_TIMEOUT_S)
            process.kill()
            process.wait()


def _await_listener(endpoint: Endpoint, process: subprocess.Popen[bytes]) -> None:
    deadline_s = time.monotonic() + START_TIMEOUT_S
    while time.monotonic() < deadline_s and process.poll() is None:
        with contextlib.suppress(OSError):
            Session(endpoint).close()
            return
        time.sleep(0.1)
    raise LoadError(f"no node answers at port {endpoint.port}")


def _control(option: str, pid: int) -> None:
    subprocess.run(["callgrind_control", option, str(pid)], check=True, capture_output=True)


def _cpu_ns(pid: int) -> int:
    """Return the CPU time of a process's threads so far, in ns."""
    tasks = Path("/proc", str(pid), "task")
    return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks.iterdir())


if __name__ == "__main__":
    main()
