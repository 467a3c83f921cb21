"""Starts a cluster of ours on loopback for the checks, and ends it by its pids.

``python -m conformance --cluster`` plays the checks against one of its nodes. It must do as a node
by itself does, but for the checks that rows of rules.yaml name under ``fails_in_cluster``. A check
that fails and has no row is a failure, and so is one that has a row and holds.

A policy has each queue led by the node that leads fewest, so that many are led elsewhere.
"""

import json
import os
import random
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from conformance.address import Address
from conformance.deviations import Rule
from conformance.http import imported
from conformance.runner import Outcome

NODES: Final = 3
PORTS: Final = range(13_000, 20_000)
"""Below those that the kernel gives to connections, and so are those of HTTP."""

COMPANIONS: Final = (0, -120, 10_000, 10_020)
"""AMQP, streams, HTTP, metrics: the distances of a node's ports."""

START_TIMEOUT_S: Final = 90.0
STOP_TIMEOUT_S: Final = 30.0
IMPORT_TRIES: Final = 20
TERMINATED: Final = 128 + signal.SIGTERM
READY: Final = "To end one of them"
LED_ELSEWHERE: Final = {
    "vhost": "/",
    "name": "led-elsewhere",
    "pattern": ".*",
    "apply-to": "queues",
    "priority": -1,
    "definition": {"queue-leader-locator": "balanced"},
}
DEFINITIONS: Final = Path(__file__).with_name("definitions.json")
_PIDS: Final = re.compile(r"^haremq-\d+@localhost +(\d+) |, pid (\d+)$", re.MULTILINE)


class Cluster:
    """A cluster that lives as long as the ``with`` block."""

    has = frozenset({"admin", "http"})
    """Its set-up, in the names that checks use."""

    def __init__(self) -> None:
        self._port = 0
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def uri(self) -> str:
        """Of the second node, which is not the one that has taken the definitions in."""
        return self.uris[1]

    @property
    def uris(self) -> list[str]:
        """Of all nodes."""
        ports = range(self._port, self._port + NODES)
        return [f"amqp://guest:guest@127.0.0.1:{port}/%2F" for port in ports]

    def __enter__(self) -> Self:
        """Start it, and give it the definitions of the checks; SIGTERM ends it, too.

        Raises:
            TimeoutError: it did not come up in time.
            OSError: it ended at once, or takes no definitions; the text has the end of its log.
        """
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
        self._directory = tempfile.TemporaryDirectory(prefix="conformance-cluster-")
        try:
            self._start()
            self._await_ready()
            self._import()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def _folder(self) -> Path:
        assert self._directory is not None, "it has been started"
        return Path(self._directory.name)

    def _start(self) -> None:
        self._port = _free_port()
        command = [sys.executable, "-m", "amqp_server", "dev-cluster", "--port", str(self._port)]
        with (self._folder / "output").open("wb") as output:
            self._process = subprocess.Popen(
                [*command, "--nodes", str(NODES), "--dir", str(self._folder / "data")],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _await_ready(self) -> None:
        assert self._process is not None, "it has been started"
        deadline_s = time.monotonic() + START_TIMEOUT_S
        while READY not in self._output():
            if self._process.poll() is not None:
                raise OSError(f"the cluster ended while starting: {self._output()[-2_000:]}")
            if time.monotonic() > deadline_s:
                raise TimeoutError(f"the cluster is not there: {self._output()[-2_000:]}")
            time.sleep(0.1)

    def _import(self) -> None:
        first = Address.of(self.uris[0])
        definitions = json.loads(DEFINITIONS.read_bytes())
        definitions["policies"].append(LED_ELSEWHERE)
        octets = json.dumps(definitions).encode()
        for _ in range(IMPORT_TRIES):
            if imported(first, octets):
                return
            time.sleep(0.5)
        raise OSError("the cluster takes no definitions")

    def _output(self) -> str:
        return (self._folder / "output").read_text(encoding="utf-8", errors="replace")

    def tracebacks(self) -> list[str]:
        """Return the logs of its nodes that hold a traceback, with that."""
        found = []
        for log in sorted(self._folder.glob("data/node-*/log")):
            text = log.read_text(encoding="utf-8", errors="replace")
            at = text.find("\nTraceback")
            if at >= 0:
                found.append(f"{log.parent.name}: {text[max(0, at - 500) : at + 3_000]}")
        return found

    def stop(self) -> None:
        """End it and all of its processes."""
        process, self._process = self._process, None
        if process is not None:
            pids = [int(one or other) for one, other in _PIDS.findall(self._output())]
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(STOP_TIMEOUT_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for pid in pids:
                _kill(pid, str(self._folder))
        if self._directory is not None:
            directory, self._directory = self._directory, None
            directory.cleanup()


def judged(outcomes: dict[str, Outcome], rules: list[Rule]) -> dict[str, Outcome]:
    """Return the outcomes on a node of a cluster as its rows have them.

    A check that fails as its row says ``deviates``; one that holds though it has a row has failed.
    """
    rows = {check_id: rule for rule in rules for check_id in rule.fails_in_cluster}
    found = dict(outcomes)
    for check_id, outcome in outcomes.items():
        rule = rows.get(check_id)
        if rule is None or outcome.status == "skipped":
            continue
        if outcome.status == "ok":
            seen = f"it holds: take it out of {rule.rule_id} in rules.yaml"
            found[check_id] = outcome._replace(status="failed", seen=seen)
        elif rule.seen_in_cluster in outcome.seen:
            found[check_id] = outcome._replace(status="deviates")
    return found


def _free_port() -> int:
    """Return the port of the first node; all ports of all nodes are free now."""
    while True:
        port = random.choice(PORTS)
        try:
            for each in (port + node + to for to in COMPANIONS for node in range(NODES)):
                socket.create_server(("127.0.0.1", each)).close()
        except OSError:
            continue
        return port


def _kill(pid: int, folder: str) -> None:
    """Kill a process that is still there, and is one of this folder: pids are given anew."""
    try:
        if folder.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    except (FileNotFoundError, ProcessLookupError):
        return
