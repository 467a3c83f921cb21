"""The log's handler: when lines are written, in which order, and what a flood leaves of them."""

import io
import json
import logging
import re
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest

from amqp_server.net import log_output
from amqp_server.net.log_flood import PERIOD_S
from amqp_server.net.log_output import (
    INFO_LINES_FACTOR,
    LINE_CHARACTERS_MAX,
    WAITING_CHARACTERS_MAX,
    WRITE_DELAY_MS,
    LineRecord,
    LogOutput,
    begin_logging,
)
from tests.support.fake_loop import FakeLoop

LINES_MAX = 4


class Stream(io.StringIO):
    """Notes how many writes there were."""

    def __init__(self) -> None:
        super().__init__()
        self.writes_count = 0

    def write(self, text: str) -> int:
        self.writes_count += 1
        return super().write(text)

    @property
    def messages(self) -> list[str]:
        return [line.split(" ", 4)[4] for line in self.getvalue().splitlines()]


@pytest.fixture
def stream() -> Stream:
    return Stream()


@pytest.fixture
def loop() -> FakeLoop:
    return FakeLoop()


@pytest.fixture
def output(stream: Stream) -> LogOutput:
    return LogOutput(stream, LINES_MAX)


@pytest.fixture
def log(output: LogOutput) -> Iterator[logging.Logger]:
    yield from logging_to(output)
    output.close()


def logging_to(output: LogOutput) -> Iterator[logging.Logger]:
    """A logger that goes to this handler only."""
    logger = logging.getLogger("amqp_server.test")
    logger.propagate = False
    logger.setLevel(logging.INFO)
    logger.addHandler(output)
    yield logger
    logger.removeHandler(output)
    logger.setLevel(logging.NOTSET)
    logger.propagate = True


@pytest.fixture
def wall(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The time of day: of the handler, and of every record made."""
    now_s = [1_000_000.5]
    monkeypatch.setattr(log_output, "wall_ms", lambda: int(now_s[0] * 1000))
    monkeypatch.setattr("time.time", lambda: now_s[0])
    return now_s


def test_a_line_has_time_level_logger_and_message(stream: Stream, log: logging.Logger) -> None:
    log.info("listening port=%d", 5672)
    when = r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3}"
    assert re.fullmatch(rf"{when} INFO amqp_server\.test listening port=5672\n", stream.getvalue())


def test_the_time_is_that_of_logging_itself(stream: Stream, output: LogOutput) -> None:
    for created in (0.0, 0.0015, 1_700_000_000.999, 1_700_000_001.0):
        record = logging.LogRecord("a", logging.INFO, "", 0, "text", (), None)
        record.created, record.msecs = created, int((created - int(created)) * 1000) + 0.0
        output.emit(record)
        expected = logging.Formatter("%(asctime)s %(levelname)s %(name)s %(message)s")
        assert stream.getvalue().splitlines()[-1] == expected.format(record)


def test_without_a_loop_each_line_is_written_at_once(stream: Stream, log: logging.Logger) -> None:
    log.info("one")
    log.info("two")
    assert (stream.messages, stream.writes_count) == (["one", "two"], 2)


def test_with_a_loop_lines_are_written_together_and_soon(
    stream: Stream, log: logging.Logger, output: LogOutput, loop: FakeLoop
) -> None:
    output.attach(loop.as_loop)
    log.info("one")
    log.warning("two")
    assert stream.messages == []
    loop.run_until(loop.time_ms + WRITE_DELAY_MS)
    assert (stream.messages, stream.writes_count) == (["one", "two"], 1)
    log.info("three")
    loop.run_until(loop.time_ms + WRITE_DELAY_MS)
    assert stream.messages == ["one", "two", "three"]


def test_an_error_is_written_at_once_after_what_came_before(
    stream: Stream, log: logging.Logger, output: LogOutput, loop: FakeLoop
) -> None:
    output.attach(loop.as_loop)
    log.info("one")
    log.error("two")
    assert stream.messages == ["one", "two"]


def test_many_lines_do_not_wait(
    stream: Stream, log: logging.Logger, output: LogOutput, loop: FakeLoop
) -> None:
    output.attach(loop.as_loop)
    log.info("a" * (LINE_CHARACTERS_MAX - 1))
    assert stream.writes_count == 0
    for number in range(WAITING_CHARACTERS_MAX // LINE_CHARACTERS_MAX):
        log.info(str(number) * (LINE_CHARACTERS_MAX - 1))
    assert stream.writes_count == 1


def test_another_threads_line_is_written_at_once_and_in_order(
    stream: Stream, log: logging.Logger, output: LogOutput, loop: FakeLoop
) -> None:
    output.attach(loop.as_loop)
    log.info("from the loop")
    thread = threading.Thread(target=log.info, args=("from a thread",))
    thread.start()
    thread.join()
    assert stream.messages == ["from the loop", "from a thread"]
    assert loop.armed_count == 1, "no thread but the loop's touches its timers"


def test_without_its_loop_the_log_goes_on(
    stream: Stream, log: logging.Logger, output: LogOutput, loop: FakeLoop
) -> None:
    output.attach(loop.as_loop)
    log.info("one")
    output.detach()
    assert stream.messages == ["one"]
    log.info("two")
    assert stream.messages == ["one", "two"]
    loop.run_until(loop.time_ms + WRITE_DELAY_MS)
    assert stream.writes_count == 2


def test_a_traceback_is_in_the_line(stream: Stream, log: logging.Logger) -> None:
    try:
        [""].index("what is not there")
    except ValueError:
        log.exception("a bug")
    text = stream.getvalue()
    assert "a bug\nTraceback (most recent call last):\n" in text
    assert text.endswith("ValueError: 'what is not there' is not in list\n")


def test_a_long_line_is_cut(stream: Stream, log: logging.Logger) -> None:
    log.info("x" * LINE_CHARACTERS_MAX)
    log.info("y" * (LINE_CHARACTERS_MAX + 1))
    whole, cut = stream.messages
    assert whole == "x" * LINE_CHARACTERS_MAX
    assert cut == "y" * LINE_CHARACTERS_MAX + f"… ({LINE_CHARACTERS_MAX + 1} characters)"


def test_a_line_that_cannot_be_put_together_fails_nobody(
    stream: Stream, output: LogOutput, capsys: pytest.CaptureFixture[str]
) -> None:
    for message in ("a number=%d", "next: %s"):
        output.handle(logging.LogRecord("a", logging.INFO, "", 0, message, ("none",), None))
    assert stream.messages == ["next: none"]
    assert "Logging error" in capsys.readouterr().err


def test_a_stream_that_is_gone_fails_nobody(stream: Stream, log: logging.Logger) -> None:
    stream.close()
    log.error("nobody reads this")


# ── floods ──


def test_a_flood_of_warnings_is_cut_off_and_counted_when_its_period_ends(
    stream: Stream, log: logging.Logger, output: LogOutput, loop: FakeLoop, wall: list[float]
) -> None:
    output.attach(loop.as_loop)
    for number in range(1_000):
        log.warning("login refused peer=%d", number)
    log.warning("something else")
    loop.run_until(loop.time_ms + WRITE_DELAY_MS)
    assert stream.messages == [
        *(f"login refused peer={number}" for number in range(LINES_MAX)),
        "something else",
    ]
    wall[0] += PERIOD_S
    loop.run_until(loop.time_ms + PERIOD_S * 1_000)
    told = f"suppressed lines=996 within_s={PERIOD_S} format='login refused peer=%d'"
    assert stream.messages[LINES_MAX + 1 :] == [told]
    log.warning("login refused peer=%d", 1_000)
    loop.run_until(loop.time_ms + WRITE_DELAY_MS)
    assert stream.messages[-1] == "login refused peer=1000"


def test_the_count_comes_before_the_next_windows_lines(
    stream: Stream, log: logging.Logger, wall: list[float]
) -> None:
    for _ in range(LINES_MAX + 3):
        log.warning("again")
    wall[0] += PERIOD_S
    log.warning("again")
    told = f"suppressed lines=3 within_s={PERIOD_S} format='again'"
    assert stream.messages == ["again"] * LINES_MAX + [told, "again"]


def test_a_timer_of_a_period_that_is_over_leaves_the_next_one_alone(
    stream: Stream, log: logging.Logger, output: LogOutput, loop: FakeLoop, wall: list[float]
) -> None:
    output.attach(loop.as_loop)
    for _ in range(LINES_MAX + 1):
        log.warning("again")
    wall[0] += PERIOD_S
    for _ in range(LINES_MAX + 1):
        log.warning("again")
    loop.run_until(loop.time_ms + PERIOD_S * 1_000)
    told = f"suppressed lines=1 within_s={PERIOD_S} format='again'"
    assert stream.messages == ["again"] * LINES_MAX + [told] + ["again"] * LINES_MAX
    wall[0] += PERIOD_S
    loop.run_until(loop.time_ms + PERIOD_S * 1_000)
    assert stream.messages[-1] == told


def test_what_was_left_out_is_told_at_the_end(
    stream: Stream, log: logging.Logger, output: LogOutput, wall: list[float]
) -> None:
    for _ in range(LINES_MAX + 1):
        log.warning("again")
    output.close()
    assert stream.messages[-1].startswith("suppressed lines=1 ")


def test_lines_at_info_may_be_more(stream: Stream, log: logging.Logger, wall: list[float]) -> None:
    for _ in range(2 * INFO_LINES_FACTOR * LINES_MAX):
        log.info("connection opened")
    assert len(stream.messages) == INFO_LINES_FACTOR * LINES_MAX


def test_zero_is_no_limit(stream: Stream, wall: list[float]) -> None:
    for logger in logging_to(LogOutput(stream, 0)):
        for _ in range(1_000):
            logger.warning("again")
    assert len(stream.messages) == 1_000


# ── a record that nothing is looked up for ──


@pytest.mark.parametrize(
    ("text", "args"),
    [
        ("no argument", ()),
        ("two: %s %d", ("a", 1)),
        ("by name: %(user)s", ({"user": "guest"},)),
        ("an empty table: %s", ({},)),
    ],
)
def test_a_line_is_as_logging_would_have_it(
    stream: Stream, text: str, args: tuple[object, ...]
) -> None:
    output = LogOutput(stream, LINES_MAX)
    for kind in (logging.LogRecord, LineRecord):
        output.handle(kind("amqp_server.test", logging.INFO, "here.py", 7, text, args, None, "f"))
    output.close()
    assert len(stream.messages) == 2
    assert stream.messages[0] == stream.messages[1]


def test_a_line_that_cannot_be_made_is_told_of(
    stream: Stream, capsys: pytest.CaptureFixture[str]
) -> None:
    output = LogOutput(stream, LINES_MAX)
    output.handle(LineRecord("amqp_server.test", logging.INFO, "", 0, "%d", ("no number",), None))
    output.close()
    assert not stream.messages
    assert "Logging error" in capsys.readouterr().err


# ── a process ──

CRASH = """
import logging, sys
from amqp_server.net.log_output import begin_logging
class Loop:
    def call_later(self, delay_s, work):
        return None
begin_logging(sys.stderr, 1000).attach(Loop())
logging.getLogger("amqp_server.test").info("the last words of peer=%s", "a")
raise RuntimeError("this process ends")
"""


def test_a_process_that_ends_by_an_exception_loses_no_line() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", CRASH], capture_output=True, text=True, check=False
    )
    assert ended.returncode == 1
    assert "INFO amqp_server.test the last words of peer=a\n" in ended.stderr
    assert "RuntimeError: this process ends" in ended.stderr


def test_a_log_that_goes_somewhere_already_stays_as_it_is(stream: Stream) -> None:
    assert logging.getLogger().handlers, "pytest's own"
    assert begin_logging(stream, LINES_MAX) is None


def test_a_peer_cannot_forge_a_line(stream: Stream, log: logging.Logger) -> None:
    log.warning("login refused user=%s", "eve\n2026-01-01 00:00:00,000 INFO forged")
    assert stream.getvalue().count("\n") == 1
    assert "eve\\n2026" in stream.getvalue()


def test_the_last_lines_stay_in_memory_with_what_was_left_out(
    output: LogOutput, log: logging.Logger
) -> None:
    log.info("one")
    log.error("two")
    kept = [(line.number, line.level, line.message) for line in output.recent.behind(0)]
    assert kept == [(1, "info", "one"), (2, "error", "two")]


def test_lines_are_json_where_it_is_asked_for(stream: Stream) -> None:
    output = LogOutput(stream, LINES_MAX, "json")
    for logger in logging_to(output):
        logger.warning("a=%s", "b")
    assert json.loads(stream.getvalue())["message"] == "a=b"
