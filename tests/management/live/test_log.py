"""The lines that come, shown to one who listens."""

import asyncio

from amqp_server.net.log_lines import LogLine, RecentLines
from management.live.listeners import Listener
from management.live.log import LogFollower, NoLog, is_as_severe, line_body


def line(number: int, level: str = "info", traceback: str = "") -> LogLine:
    return LogLine(number, 5, level, "a", f"line {number}", traceback)


async def shown(listener: Listener) -> str:
    listener.end()
    return b"".join([octets async for octets in listener.sent()]).decode()


def test_only_new_lines_of_a_level_are_shown() -> None:
    recent = RecentLines()
    for number, level in ((1, "error"), (2, "info"), (3, "error")):
        recent.add(line(number, level))

    async def follow() -> str:
        listener = Listener(lambda: True)
        follower = LogFollower(recent, "warning", 1)
        follower.look(listener)
        follower.look(listener)
        recent.add(line(4, "critical"))
        follower.look(listener)
        return await shown(listener)

    text = asyncio.run(follow())
    assert [row for row in text.splitlines() if row.startswith("id:")] == ["id: 3", "id: 4"]


def test_it_looks_until_it_is_ended() -> None:
    recent = RecentLines()
    recent.add(line(1))

    async def follow() -> str:
        listener = Listener(lambda: True)
        follower = LogFollower(recent, "debug", 0)
        follower.begin(listener)
        await asyncio.sleep(0)
        follower.end(listener)
        return await shown(listener)

    assert "line 1" in asyncio.run(follow())


def test_a_line_as_json() -> None:
    assert line_body(line(1, traceback="t"))["traceback"] == "t"
    assert is_as_severe(line(1, "unknown"), "critical")
    assert list(NoLog().behind(0)) == []
