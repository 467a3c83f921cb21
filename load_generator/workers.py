"""Generator processes.

Each publisher or consumer process has its own interpreter, so that none waits for another's. They
count on a board in shared memory. A worker that fails sends the reason through a pipe.
"""

import gc
import multiprocessing
import signal
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkProcess
from typing import Final, NamedTuple, TypeAlias

from load_generator.wire import LoadError

READY_TIMEOUT_S: Final = 30.0
STOP_TIMEOUT_S: Final = 15.0


class _Outcome(NamedTuple):
    """The result of a worker's set-up or work; ``error`` is None if it went well."""

    error: str | None


_GOOD: Final = _Outcome(None)

Task: TypeAlias = Callable[[Callable[[], None]], None]
"""The work of a worker. It calls its argument when it is set up, and returns when told to stop."""


class Worker:
    """One generator process."""

    def __init__(self, name: str, task: Task) -> None:
        self.name = name
        self._outcomes, child_end = multiprocessing.Pipe(duplex=False)
        context = multiprocessing.get_context("fork")
        self._process: ForkProcess = context.Process(
            target=_run, args=(task, child_end), name=name, daemon=True
        )
        self._process.start()
        child_end.close()

    @property
    def pid(self) -> int:
        """The process id, for its CPU time."""
        assert self._process.pid is not None, "a worker starts when it is made"
        return self._process.pid

    def await_ready(self) -> None:
        """Wait until the worker is set up.

        Raises:
            LoadError: it failed, or took longer than READY_TIMEOUT_S.
        """
        self._receive(READY_TIMEOUT_S)

    def check(self) -> None:
        """Raise the error that made the worker end early, if it has.

        Raises:
            LoadError: it ended, or failed.
        """
        if self._outcomes.poll():
            self._receive(0)
            raise LoadError(f"{self.name} ended before it was told to")

    def await_end(self) -> None:
        """Wait for the worker's end, after the board has told it to stop.

        Raises:
            LoadError: it failed, or took longer than STOP_TIMEOUT_S.
        """
        self._receive(STOP_TIMEOUT_S)

    def end(self) -> None:
        """End the process, also in the middle of its work."""
        self._process.join(0.5)
        if self._process.is_alive():
            self._process.terminate()
            self._process.join()
        self._outcomes.close()

    def _receive(self, timeout_s: float) -> None:
        if not self._outcomes.poll(timeout_s):
            raise LoadError(f"{self.name} sent no result for {timeout_s:.0f} s")
        try:
            outcome = self._outcomes.recv()
        except EOFError as error:
            raise LoadError(f"{self.name} died") from error
        assert isinstance(outcome, _Outcome), "workers send nothing else"
        if outcome.error is not None:
            raise LoadError(f"{self.name}: {outcome.error}")


def _run(task: Task, outcomes: Connection) -> None:
    """Run the task in the child process, then send its outcome through the pipe."""
    # The measuring process handles the interrupt and stops its workers in order.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    # A garbage collection would be a pause in the figures, and it would find nothing: the objects
    # that a worker makes per message have no cycles.
    gc.disable()
    try:
        task(lambda: outcomes.send(_GOOD))
        outcome = _GOOD
    except (LoadError, OSError) as error:
        outcome = _Outcome(str(error) or type(error).__name__)
    outcomes.send(outcome)
