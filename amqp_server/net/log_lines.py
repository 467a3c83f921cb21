"""Lines of the log: as text, as JSON, and the last ones in memory for whoever asks.

What a peer sent may stand in a line: a name, a reason, an error. Characters that would begin a line
of their own, move the cursor of a terminal, or turn the direction of writing are shown as escapes.
"""

import json
import re
import time
from collections import deque
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Final, Literal, NamedTuple, TypeAlias

LINES_MAX: Final = 2_000
"""Lines that are kept in memory."""

CHARACTERS_MAX: Final = 1_048_576
"""Characters of all lines that are kept in memory."""

LogForm: TypeAlias = Literal["text", "json"]

_CONTROLS: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
_CONTROLS_IN_LINES: Final = re.compile(_CONTROLS.pattern.replace("\x00-\x1f", "\x00-\x09\x0b-\x1f"))


class LogLine(NamedTuple):
    """A line.

    Attributes:
        number: counts the lines of this start of the node.
        at_ms: when, in ms since 1970.
        level: ``info``, ``warning``, ``error`` and the like.
        logger: which part of the node says it.
        message: without controls.
        traceback: in several lines; empty without.
    """

    number: int
    at_ms: int
    level: str
    logger: str
    message: str
    traceback: str = ""


class RecentLines:
    """The last lines, up to a number of lines and of characters.

    A line is added in any thread. Whoever asks does so in one thread, as often as it likes.
    """

    def __init__(self, lines_max: int = LINES_MAX, characters_max: int = CHARACTERS_MAX) -> None:
        self._lines_max = lines_max
        self._characters_max = characters_max
        self._lines: deque[LogLine] = deque()
        self._characters_count = 0
        self.last_number = 0

    def add(self, line: LogLine) -> None:
        """Keep a line, and forget the oldest ones for it."""
        self._lines.append(line)
        self._characters_count += _size(line)
        self.last_number = line.number
        while len(self._lines) > self._lines_max or (
            self._characters_count > self._characters_max and len(self._lines) > 1
        ):
            self._characters_count -= _size(self._lines.popleft())

    def behind(self, number: int) -> Iterator[LogLine]:
        """Return the lines after the one of this number, oldest first."""
        # One call of the interpreter: no other thread adds a line meanwhile.
        held = tuple(self._lines)
        if held:
            start = max(0, number - held[0].number + 1)
            yield from held[start:]


def _size(line: LogLine) -> int:
    return len(line.message) + len(line.traceback) + len(line.logger)


def printable(text: str, *, lines: bool = False) -> str:
    """Return a text with its controls as escapes.

    Args:
        text: of any origin.
        lines: whether ends of lines stay.
    """
    if text.isprintable():
        return text
    return (_CONTROLS_IN_LINES if lines else _CONTROLS).sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    return found.group().encode("unicode_escape", "surrogatepass").decode("ascii")


class TextForm:
    """A line as ``logging`` itself writes it: time, level, logger, message."""

    def __init__(self) -> None:
        self._second = -1
        self._second_text = ""

    def __call__(self, line: LogLine) -> str:
        """Return the line, and its traceback in lines of its own."""
        second, millisecond = divmod(line.at_ms, 1_000)
        if second != self._second:
            self._second = second
            self._second_text = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(second))
        behind = f"\n{line.traceback}" if line.traceback else ""
        begin = f"{self._second_text},{millisecond:03d} {line.level.upper()} {line.logger}"
        return f"{begin} {line.message}{behind}\n"


def json_form(line: LogLine) -> str:
    """Return the line as a JSON object, in one line."""
    second, millisecond = divmod(line.at_ms, 1_000)
    time_text = datetime.fromtimestamp(second, UTC).strftime("%Y-%m-%dT%H:%M:%S")
    shown = {
        "time": f"{time_text}.{millisecond:03d}Z",
        "level": line.level,
        "logger": line.logger,
        "message": line.message,
    }
    if line.traceback:
        shown["traceback"] = line.traceback
    return json.dumps(shown) + "\n"


def form_of(name: LogForm) -> Callable[[LogLine], str]:
    """Return what makes lines of a form."""
    return json_form if name == "json" else TextForm()
