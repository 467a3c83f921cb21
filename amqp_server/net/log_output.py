"""Writes log lines to one stream: in order, in a few writes a second, and within a flood's limit.

A line is formatted at once, because its arguments may change, and waits for the next write:

    an error, or 64 KiB of lines                  written at once, with all before it
    anything else, while a loop runs              within ``WRITE_DELAY_MS``
    before a loop runs, after it, other threads   written at once

When the interpreter ends, also by an exception, ``logging`` closes its handlers, and this writes
the waiting lines. Only a kill from outside can lose the lines of the last ``WRITE_DELAY_MS``.
"""

import asyncio
import contextlib
import logging
import threading
from collections.abc import Mapping
from typing import Any, Final, TextIO

from amqp_server.net.log_flood import PERIOD_S, FloodGuard
from amqp_server.net.log_lines import LogForm, LogLine, RecentLines, form_of, printable
from amqp_server.net.timers import wall_ms

WRITE_DELAY_MS: Final = 100
"""How long a line may wait to be written together with others."""

WAITING_CHARACTERS_MAX: Final = 65_536
"""Waiting lines are written at once when they are this long together."""

LINE_CHARACTERS_MAX: Final = 16_384
"""Longer lines are cut, so that input of a peer cannot fill the log's disk."""

INFO_LINES_FACTOR: Final = 10
"""Lines at level info may be this many times more, because well-behaved clients cause them."""

_SUPPRESSED: Final = "suppressed lines=%d within_s=%d format=%r"


class LineRecord(logging.LogRecord):
    """A record with the parts of a line, without a look-up of file, thread or process."""

    pathname = filename = module = "(not looked up)"
    lineno = 0
    funcName = "(not looked up)"  # noqa: N815 - as logging has it
    exc_text: str | None = None
    stack_info: str | None = None
    relativeCreated = 0.0  # noqa: N815 - as logging has it

    def __init__(
        self,
        name: str,
        level: int,
        _pathname: str,
        _lineno: int,
        msg: object,
        args: Any,  # noqa: ANN401 - as logging has it
        exc_info: Any,  # noqa: ANN401 - as logging has it
        *_unused: object,
        **_also_unused: object,
    ) -> None:
        # The base class is not called on purpose, because this saves its look-ups.
        self.name = name
        self.msg = msg
        is_mapping = args and len(args) == 1 and isinstance(args[0], Mapping) and args[0]
        self.args = args[0] if is_mapping else args
        self.levelno = level
        self.levelname = logging.getLevelName(level)
        self.exc_info = exc_info
        now_ms = wall_ms()
        self.created = now_ms / 1_000
        self.msecs = now_ms % 1_000


class LogOutput(logging.Handler):
    """The one handler of a node's log.

    Attributes:
        recent: the last lines that were written.

    Invariant: lines reach the stream in the order in which they were logged, each once.
    """

    def __init__(self, stream: TextIO, lines_per_kind_max: int, form: LogForm = "text") -> None:
        """Begin to write to a stream, at first each line at once.

        Args:
            stream: the stream to write to; it is not closed.
            lines_per_kind_max: warnings and errors of one kind within ``PERIOD_S``;
                ``INFO_LINES_FACTOR`` times as many lines at level info; 0 is no limit.
            form: of a line.
        """
        super().__init__()
        self.recent = RecentLines()
        self._form = form_of(form)
        self._lines_count = 0
        self._stream = stream
        self._lines_per_kind_max = lines_per_kind_max
        self._guard = FloodGuard()
        self._lines: list[str] = []
        self._characters_count = 0
        self._loop: asyncio.AbstractEventLoop | None = None
        self._loop_thread = 0
        self._write_timer: asyncio.TimerHandle | None = None
        self._period_timer: asyncio.TimerHandle | None = None
        self._tracebacks = logging.Formatter()

    def attach(self, loop: asyncio.AbstractEventLoop) -> None:
        """Collect lines from now on; called in the loop's thread."""
        self._loop = loop
        self._loop_thread = threading.get_ident()

    def detach(self) -> None:
        """Write each line at once again, because the loop is about to end."""
        self._loop = None
        for timer in (self._write_timer, self._period_timer):
            if timer is not None:
                timer.cancel()
        self._write_timer = self._period_timer = None
        with self._locked():
            if self._guard.has_suppressed:
                self._begin_period(wall_ms() / 1000)
            self._write()

    def emit(self, record: logging.LogRecord) -> None:
        """Take a line; ``logging`` holds this handler's lock during the call."""
        try:
            if self._guard.is_period_over(record.created):
                self._begin_period(record.created)
            if not self._is_admitted(record):
                self._expect_end_of_period()
                return
            self._append(record)
            if record.levelno >= logging.ERROR or self._is_write_due():
                self._write()
        except Exception:  # noqa: BLE001 — as every handler: a line must not fail its caller
            self.handleError(record)

    def flush(self) -> None:
        """Write the waiting lines."""
        with self._locked():
            self._write()

    def close(self) -> None:
        """Write the waiting lines and the counts of left-out ones; the stream stays open."""
        self.detach()
        super().close()

    def _is_admitted(self, record: logging.LogRecord) -> bool:
        lines_max = self._lines_per_kind_max
        if record.levelno <= logging.INFO:
            lines_max *= INFO_LINES_FACTOR
        return not lines_max or self._guard.admits(record.name, str(record.msg), lines_max)

    def _append(self, record: logging.LogRecord) -> None:
        line = self._line_of(record)
        self.recent.add(line)
        text = self._form(line)
        self._lines.append(text)
        self._characters_count += len(text)

    def _line_of(self, record: logging.LogRecord) -> LogLine:
        message, traceback = record.getMessage(), ""
        if record.exc_info:
            traceback = self._tracebacks.formatException(record.exc_info)
        self._lines_count += 1
        return LogLine(
            self._lines_count,
            int(record.created) * 1_000 + int(record.msecs),
            record.levelname.lower(),
            record.name,
            printable(_cut(message)),
            printable(_cut(traceback), lines=True),
        )

    def _is_write_due(self) -> bool:
        """Return whether to write now; if not, a timer will write."""
        loop = self._loop
        if loop is None or threading.get_ident() != self._loop_thread:
            return True
        if self._characters_count >= WAITING_CHARACTERS_MAX:
            return True
        if self._write_timer is None:
            self._write_timer = loop.call_later(WRITE_DELAY_MS / 1000, self._write_collected)
        return False

    def _write_collected(self) -> None:
        self._write_timer = None
        self.flush()

    def _write(self) -> None:
        """Write once; a stream that fails must not stop the broker."""
        if self._lines:
            text = "".join(self._lines)
            self._lines.clear()
            self._characters_count = 0
            with contextlib.suppress(OSError, ValueError):
                self._stream.write(text)
                self._stream.flush()

    # ── lines that the guard left out ──

    def _expect_end_of_period(self) -> None:
        """Make sure that the count is logged even if no line follows."""
        loop = self._loop
        is_ours = loop is not None and threading.get_ident() == self._loop_thread
        if loop is not None and is_ours and self._period_timer is None:
            self._period_timer = loop.call_later(PERIOD_S, self._on_period_timer)

    def _on_period_timer(self) -> None:
        self._period_timer = None
        with self._locked():
            now_s = wall_ms() / 1000
            if self._guard.is_period_over(now_s):
                self._begin_period(now_s)
                self._write()
            elif self._guard.has_suppressed:
                self._expect_end_of_period()

    def _begin_period(self, now_s: float) -> None:
        for (logger, line_format), count in self._guard.begin_period(now_s):
            arguments = (count, PERIOD_S, line_format)
            self._append(
                logging.LogRecord(logger, logging.WARNING, "", 0, _SUPPRESSED, arguments, None)
            )

    def _locked(self) -> contextlib.AbstractContextManager[object]:
        return contextlib.nullcontext() if self.lock is None else self.lock


def _cut(text: str) -> str:
    if len(text) <= LINE_CHARACTERS_MAX:
        return text
    return f"{text[:LINE_CHARACTERS_MAX]}… ({len(text)} characters)"


def begin_logging(
    stream: TextIO, lines_per_kind_max: int, form: LogForm = "text"
) -> LogOutput | None:
    """Send the log of this process to a stream, from level INFO on.

    ``logging`` would look up the caller's file, thread and process for each line, and nothing here
    prints them. This is switched off, as its documentation advises, and a record has no place for
    them. Together this saves three quarters of a line's cost.

    Args:
        stream: the stream to write to.
        lines_per_kind_max: see ``LogOutput``.
        form: see there.

    Returns:
        The handler; None if the log has a handler already, and stays as it is.
    """
    root = logging.getLogger()
    if root.handlers:
        return None
    output = LogOutput(stream, lines_per_kind_max, form)
    root.addHandler(output)
    root.setLevel(logging.INFO)
    logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False
    logging._srcfile = None  # the documented switch
    logging.setLogRecordFactory(LineRecord)
    return output
