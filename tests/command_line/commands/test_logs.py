"""``haremq logs``."""

import json
from collections.abc import Iterator

from command_line.commands.logs import timed
from command_line.transport import Answer
from tests.support.typed_commands import Scripted, Typed

LINE = {"number": 5, "timestamp": 0, "severity": "info", "source": "a.b", "message": "x\x1b[2J"}


class Log(Scripted):
    """Answers with a line of the log, and then goes on with another."""

    def lines(self, path: str) -> Iterator[bytes]:
        assert path == "/api/livelog?level=info&after=5"
        yield b"event: log\n"
        yield b'data: {"number": 6, "message": "next"}\n'
        yield b"\n"


def test_lines_and_those_to_come() -> None:
    typed = Typed(way=Log(Answer(200, {}, json.dumps([LINE]).encode())))
    said = typed("logs", "--follow")
    assert said.out.splitlines()[0] == "1970-01-01T00:00:00.000+00:00  info  a.b  x\\x1b[2J"
    assert said.out.splitlines()[1].endswith("next")
    assert typed("logs", "-o", "jsonl").out.count("\n") == 1


def test_a_line_without_a_time_stays() -> None:
    assert timed({"message": "x"}) == {"message": "x"}
