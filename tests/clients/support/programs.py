"""Client programs as processes of their own, whose output a test can wait for."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from tests.clients.support.deadlines import PATIENCE_S, Deadline

# Enough for the chattiest program here; a program gone wild must not fill the test's memory.
OUTPUT_LINES_MAX: Final = 20_000
_KILL_AFTER_S: Final = 10.0
_SIGNAL_INTERVAL_S: Final = 0.002


class Program:
    """A started process; its lines of output and errors, in order, are in ``lines``."""

    def __init__(
        self,
        argv: Sequence[str | Path],
        env: Mapping[str, str] | None = None,
        directory: Path | None = None,
        text_in: str | None = None,
    ) -> None:
        self.name = Path(argv[0]).name
        self.lines: list[str] = []
        self._is_asked_to_end = False
        self._changed = threading.Condition()
        self._process = subprocess.Popen(
            [str(word) for word in argv],
            env={**os.environ, "PYTHONUNBUFFERED": "1", **(env or {})},
            cwd=directory,
            stdin=subprocess.DEVNULL if text_in is None else subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()
        if text_in is not None:
            assert self._process.stdin is not None
            with self._process.stdin as stdin:
                stdin.write(text_in)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    def _read(self) -> None:
        assert self._process.stdout is not None
        with self._process.stdout as stdout:
            for line in stdout:
                with self._changed:
                    if len(self.lines) < OUTPUT_LINES_MAX:
                        self.lines.append(line.rstrip("\n"))
                    self._changed.notify_all()

    @property
    def output(self) -> str:
        """Everything that the program has written so far."""
        with self._changed:
            return "\n".join(self.lines)

    @property
    def is_running(self) -> bool:
        """Whether the process has not ended yet."""
        return self._process.poll() is None

    @property
    def memory_kib(self) -> int:
        """The resident memory of the running process."""
        status = Path(f"/proc/{self._process.pid}/status").read_text(encoding="ascii")
        (line,) = (line for line in status.splitlines() if line.startswith("VmRSS:"))
        return int(line.split()[1])

    def wait_for_line(self, text: str, timeout_s: float = PATIENCE_S) -> str:
        """Return the first line, past or to come, that contains ``text``.

        Raises:
            AssertionError: the program ended, or the time passed, without such a line.
        """
        return self.wait_for_lines(text, 1, timeout_s)[0]

    def wait_for_lines(self, text: str, count: int, timeout_s: float = PATIENCE_S) -> list[str]:
        """Return the lines that contain ``text`` once there are at least ``count``."""
        deadline = Deadline(timeout_s)
        while True:
            ended = not self._reader.is_alive()
            with self._changed:
                found = [line for line in self.lines if text in line]
                if len(found) >= count:
                    return found
                if not ended:
                    self._changed.wait(min(deadline.left_s, 0.2))
            said = f"{count} times {text!r} from {self.name}, which said:\n{self.output}"
            assert not ended, f"waited in vain for {said}"
            deadline.check(said)

    def wait(self, timeout_s: float = PATIENCE_S) -> int:
        """Return the exit code once the program has ended by itself.

        Raises:
            AssertionError: it is still running after ``timeout_s`` seconds.
        """
        try:
            code = self._process.wait(timeout_s)
        except subprocess.TimeoutExpired:
            message = f"{self.name} did not end in {timeout_s} s; it said:\n{self.output}"
            raise AssertionError(message) from None
        self._reader.join(timeout_s)
        return code

    def terminate(self) -> None:
        """Send SIGTERM, once, and return at once."""
        if self.is_running and not self._is_asked_to_end:
            self._is_asked_to_end = True
            self._process.terminate()

    def terminate_until_it_ends(self, timeout_s: float = PATIENCE_S) -> int:
        """Send SIGTERM every few milliseconds; return the exit code."""
        deadline = Deadline(timeout_s)
        while self.is_running:
            deadline.check(f"the end of {self.name}")
            self._process.terminate()
            time.sleep(_SIGNAL_INTERVAL_S)
        return self.wait()

    def interrupt(self) -> None:
        """Send SIGINT, as Ctrl-C does."""
        self._is_asked_to_end = True
        self._process.send_signal(signal.SIGINT)

    def kill(self) -> None:
        """Send SIGKILL to it and what it started, and return when it is gone."""
        os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._reader.join()

    def stop(self) -> int:
        """Send SIGTERM if it still runs and return the exit code; a deaf one is killed."""
        self.terminate()
        try:
            return self.wait(_KILL_AFTER_S)
        except AssertionError:
            self.kill()
            raise


def run(
    argv: Sequence[str | Path],
    env: Mapping[str, str] | None = None,
    text_in: str | None = None,
    directory: Path | None = None,
    timeout_s: float = PATIENCE_S,
) -> tuple[int, str]:
    """Run a program to its end; return its exit code and all it wrote."""
    with Program(argv, env, directory, text_in) as program:
        return program.wait(timeout_s), program.output


def python(script: Path) -> list[str | Path]:
    """Return the start of a command line that runs ``script`` with this interpreter."""
    return [sys.executable, script]
