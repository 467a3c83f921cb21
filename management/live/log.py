"""The log of the node, as management sees it: its last lines, and those that come."""

import asyncio
from collections.abc import Iterator
from typing import Any, Final, Protocol

from management.http.event_stream import event
from management.live.listeners import Listener

LOOK_S: Final = 0.5
"""How often somebody who listens is shown what has come."""

LEVELS: Final = ("debug", "info", "warning", "error", "critical")


class Line(Protocol):
    """A line of the log; ``net.log_lines.LogLine``."""

    @property
    def number(self) -> int:
        """Counts the lines of this start of the node."""

    @property
    def at_ms(self) -> int:
        """When, in ms since 1970."""

    @property
    def level(self) -> str:
        """``info``, ``warning``, ``error`` and the like."""

    @property
    def logger(self) -> str:
        """Which part of the node says it."""

    @property
    def message(self) -> str:
        """What it says, without controls."""

    @property
    def traceback(self) -> str:
        """In several lines; empty without."""


class RecentLog(Protocol):
    """The last lines of the log; ``net.log_lines.RecentLines``."""

    @property
    def last_number(self) -> int:
        """The number of the last line; 0 before the first."""

    def behind(self, number: int) -> Iterator[Line]:
        """Return the lines after the one of this number, oldest first."""


class NoLog:
    """Where the log goes elsewhere."""

    last_number = 0

    def behind(self, _number: int) -> Iterator[Line]:
        """Return no line."""
        return iter(())


def line_body(line: Line) -> dict[str, Any]:
    """Return a line as a JSON object."""
    body: dict[str, Any] = {
        "number": line.number,
        "timestamp": line.at_ms,
        "severity": line.level,
        "source": line.logger,
        "message": line.message,
    }
    if line.traceback:
        body["traceback"] = line.traceback
    return body


def is_as_severe(line: Line, level: str) -> bool:
    """Whether a line has this level, or a worse one."""
    return line.level not in LEVELS or LEVELS.index(line.level) >= LEVELS.index(level)


class LogFollower:
    """Shows the lines that come to one who listens.

    Args:
        log: of the node.
        level: the least that is shown.
        number: of the last line that the client has.
    """

    def __init__(self, log: RecentLog, level: str, number: int) -> None:
        self._log = log
        self._level = level
        self._number = number
        self._task: asyncio.Task[None] | None = None

    def begin(self, listener: Listener) -> None:
        """Begin to show lines."""
        self._task = asyncio.get_running_loop().create_task(self._follow(listener))

    def end(self, _listener: Listener) -> None:
        """Show no more."""
        if self._task is not None:
            self._task.cancel()

    def look(self, listener: Listener) -> None:
        """Show what has come since the last look."""
        if self._log.last_number == self._number:
            return
        for line in self._log.behind(self._number):
            if is_as_severe(line, self._level):
                listener.put(event(line_body(line), number=line.number))
            self._number = line.number

    async def _follow(self, listener: Listener) -> None:
        while True:
            self.look(listener)
            await asyncio.sleep(LOOK_S)
