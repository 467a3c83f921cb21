"""The loop between a supervision and its children: signals, ends, words of readiness, time."""

import os
import selectors
import signal
import socket
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from amqp_server.net.timers import now_ms
from amqp_server.supervising.children import Child
from amqp_server.supervising.supervision import (
    AllReady,
    Begin,
    ChildPlan,
    End,
    Order,
    State,
    Supervision,
    Tell,
)

STOP_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
NOT_STARTED: Final = 127
"""The exit status that a shell gives a command that it cannot start."""

_SIGNALS_BYTES_MAX: Final = 4_096
_SHOWN_BYTES: Final = 8_192
_PANIC: Final = "panic: "
"""How etcd, as all that is written in Go, begins to say why it ends."""

_SHOWN_LINES: Final = 3
"""Of the log of a child that ended without having been asked to."""

Say = Callable[[str], None]
OnReady = Callable[[Mapping[str, int]], None]
"""Is told the pids of all children, by name."""


class Runner:
    """Runs children until all have ended.

    Args:
        plans: of the children.
        say: takes a line for the user.
        on_ready: called once, when all are ready.
        environment: of the children.
    """

    def __init__(
        self,
        plans: Sequence[ChildPlan],
        say: Say,
        on_ready: OnReady,
        environment: Mapping[str, str] = os.environ,
    ) -> None:
        self._plans = {plan.name: plan for plan in plans}
        self._supervision = Supervision(plans)
        self._children: dict[str, Child] = {}
        self._orders = deque[Order]()
        self._say = say
        self._on_ready = on_ready
        self._environment = environment
        self._selector = selectors.DefaultSelector()

    def run(self) -> bool:
        """Run until a signal of ``STOP_SIGNALS``, or until nothing is left.

        Where children reload, they get a SIGHUP, and it ends nothing.

        Returns:
            Whether it ended because it was asked to.
        """
        with _signals() as asked:
            self._selector.register(asked, selectors.EVENT_READ, self._asked_to_stop)
            try:
                self._carry_out(self._supervision.begin(now_ms()))
                while not self._supervision.is_over:
                    self._wait()
            finally:
                self._kill_all()
                self._selector.close()
        return not self._supervision.has_failed

    def _wait(self) -> None:
        wait_ms = self._supervision.wait_ms(now_ms())
        for key, _ in self._selector.select(None if wait_ms is None else wait_ms / 1000):
            if key.fd in self._selector.get_map():
                self._carry_out(key.data(key.fileobj))
        self._carry_out(self._supervision.tick(now_ms()))

    def _asked_to_stop(self, asked: socket.socket) -> list[Order]:
        told = set(asked.recv(_SIGNALS_BYTES_MAX))  # Several at once are one request.
        reloading = [child for name, child in self._children.items() if self._plans[name].reloads]
        if told == {signal.SIGHUP} and reloading:
            for child in reloading:
                child.signal(signal.SIGHUP)
            return []
        return self._supervision.stop(now_ms())

    def _carry_out(self, orders: Sequence[Order]) -> None:
        """Do all of it in order, and behind it what comes of that: a child that cannot start."""
        self._orders.extend(orders)
        while self._orders:
            order = self._orders.popleft()
            match order:
                case Begin(name):
                    self._begin(name)
                case End(name, is_killed):
                    if name in self._children:
                        number = signal.SIGKILL if is_killed else signal.SIGTERM
                        self._children[name].signal(number)
                case Tell(text):
                    self._say(text)
                case AllReady():
                    self._on_ready({name: child.pid for name, child in self._children.items()})

    def _begin(self, name: str) -> None:
        try:
            child = Child(self._plans[name], self._environment)
        except OSError as error:
            self._say(f"{name} cannot be started: {error}")
            self._orders.extend(self._supervision.ended(name, NOT_STARTED, now_ms()))
            return
        self._children[name] = child

        def on_told(_: object) -> list[Order]:
            return self._supervision.is_ready(name, now_ms()) if child.is_ready() else []

        def on_gone(_: object) -> list[Order]:
            how = child.how_it_ended()
            if how is None:
                return []
            self._let_go(name)
            is_asked = self._supervision.state_of(name) is State.ENDING
            last = last_lines(self._plans[name].log_file) if how > 0 and not is_asked else ()
            told = [Tell(f"  {line}") for line in last]
            return [*told, *self._supervision.ended(name, how, now_ms())]

        self._selector.register(child.told, selectors.EVENT_READ, on_told)
        self._selector.register(child.gone, selectors.EVENT_READ, on_gone)

    def _let_go(self, name: str) -> None:
        child = self._children.pop(name)
        self._selector.unregister(child.told)
        self._selector.unregister(child.gone)
        child.close()

    def _kill_all(self) -> None:
        """End what is left after an error of ours; usually nothing is."""
        for child in self._children.values():
            child.signal(signal.SIGKILL)


def last_lines(path: Path) -> list[str]:
    """Return the end of a log, which says why a child ended; empty where it cannot be read."""
    try:
        with path.open("rb") as log_file:
            log_file.seek(max(0, path.stat().st_size - _SHOWN_BYTES))
            lines = log_file.read().decode("utf-8", "replace").splitlines()
    except OSError:
        return []
    panics = [at for at, line in enumerate(lines) if line.startswith(_PANIC)]
    if panics:
        return lines[panics[-1] :][:1]  # behind it is where in the code that was
    return lines[-_SHOWN_LINES:]


@contextmanager
def _signals() -> Iterator[socket.socket]:
    """Have signals that ask for the end as octets of a socket; restore what they did."""
    reading, writing = socket.socketpair()
    reading.settimeout(0)
    writing.settimeout(0)
    wakeup = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    before = {number: signal.signal(number, lambda *_: None) for number in STOP_SIGNALS}
    try:
        yield reading
    finally:
        signal.set_wakeup_fd(wakeup)
        for number, handler in before.items():
            signal.signal(number, handler)
        reading.close()
        writing.close()
