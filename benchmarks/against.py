"""What requests cost in another checkout and here: ``python -m benchmarks.against --tree PATH``.

A node of each checkout runs, and both get the same bytes in turn, over sockets. It prints the CPU
time of one unit there and here, system calls included, and the ratio; it judges none. It is the
least of some rounds. With ``--instructions`` both nodes run under valgrind, and the figures are
instructions outside of the system's kernel. They hardly vary, also on a busy machine. The cyclic
collector is off there: it walks thousands of objects at once, in one of the trees in one round and
in the other in none. CPU time has it.

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

The other checkout may have its own ``.venv``; both need the same build of the kernels.
"""

import argparse
import contextlib
import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.brokers import free_port
from benchmarks.requests import CASES, Case, Client
from load_generator.session import Endpoint, Session
from load_generator.wire import LoadError

HERE: Final = Path(__file__).parent.parent
ROUNDS: Final = 9
ROUNDS_OF_INSTRUCTIONS: Final = 2
START_TIMEOUT_S: Final = 120.0
END_TIMEOUT_S: Final = 60.0
WITHOUT_MANAGEMENT: Final = "management: {listeners: []}\n"
WITHOUT_METRICS: Final = "management: {listeners: [], metrics_listeners: []}\n"
SLOW: Final = "net: {turn_us: 1000000, busy_poll_us: 0}\n"
"""Settings under valgrind: all takes fifty times as long, and no turn should end early for that."""
WITHOUT_COLLECTOR: Final = "import gc\ngc.disable()\ngc.enable = lambda: None\n"
"""The ``sitecustomize`` of a node whose instructions are counted."""
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


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and print the cases that are named; all of them if there are none."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.against")
    parser.add_argument("--tree", type=Path, required=True, help="the other checkout")
    parser.add_argument("--instructions", action="store_true", help="count them, by valgrind")
    parser.add_argument("case", nargs="*", choices=[*CASES, []], help="which; all if none")
    options = parser.parse_args(arguments)
    # SIGTERM, too, must end the nodes that were started here.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    unit = "instructions" if options.instructions else "us"
    print(f"{unit:12} {'there':>10} {'here':>10}  ratio", flush=True)
    for name in options.case or CASES:
        with ExitStack() as stack:
            nodes = [
                stack.enter_context(node_of(tree, counts_instructions=options.instructions))
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
def node_of(tree: Path, *, counts_instructions: bool) -> Iterator[Node]:
    """Start a node of a checkout, and end it with the block."""
    endpoint = Endpoint("127.0.0.1", free_port(), "guest", "guest", "/")
    with tempfile.TemporaryDirectory(prefix="haremq-against-") as name:
        directory = Path(name)
        profiles = directory / "profiles" if counts_instructions else None
        python = tree / ".venv/bin/python"
        command = [str(python) if python.exists() else sys.executable, "-m", "amqp_server", "start"]
        command += ["--port", str(endpoint.port), "--data-dir", str(directory / "data")]
        settings = directory / "haremq.yaml"
        # A tree that has management looks at all counters now and then, and the other does not.
        text = WITHOUT_MANAGEMENT if (tree / "management/server.py").exists() else ""
        text = WITHOUT_METRICS if (tree / "management/metrics").exists() else text
        settings.write_text(text if profiles is None else text + SLOW, encoding="utf-8")
        command += ["--config", str(settings)]
        if profiles is not None:
            profiles.mkdir()
            command = [*VALGRIND, f"--callgrind-out-file={profiles / 'profile'}", *command]
        environment = {**os.environ, "PYTHONPATH": str(tree), "PYTHONHASHSEED": "0"}
        if profiles is not None:
            (profiles / "sitecustomize.py").write_text(WITHOUT_COLLECTOR, encoding="utf-8")
            environment["PYTHONPATH"] += f"{os.pathsep}{profiles}"
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
