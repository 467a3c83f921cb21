"""The log of the node: ``logs``, and ``livelog`` as it is written."""

from collections import deque
from typing import Final

from management.call import Call
from management.http.errors import bad_request
from management.http.event_stream import EVENT_STREAM, event_stream
from management.http.response import Response, answer
from management.live.listeners import Listener
from management.live.log import LEVELS, LogFollower, is_as_severe, line_body
from management.routing.route import Right, Route

LINES_USUAL: Final = 500
LINES_MAX: Final = 2_000

_DIGITS_MAX: Final = 15


async def logs(call: Call) -> Response:
    """Return the last lines of the log, the newest last."""
    level = _level_of(call)
    since_ms = _number_of(call, "since", 0)
    after = _number_of(call, "after", 0)
    count = min(_number_of(call, "count", LINES_USUAL), LINES_MAX)
    found = deque(
        [
            line
            for line in call.services.log.behind(after)
            if line.at_ms >= since_ms and is_as_severe(line, level)
        ],
        maxlen=count,
    )
    return answer([line_body(line) for line in found])


async def livelog(call: Call) -> Response:
    """Return the lines of the log as they are written."""
    level = _level_of(call)
    log, listeners = call.services.log, call.services.listeners
    number = _number_of(call, "after", log.last_number)
    last = call.request.header("last-event-id")
    if last is not None and last.isascii() and last.isdigit() and len(last) <= _DIGITS_MAX:
        number = int(last)
    listeners.require_room()
    follower = LogFollower(log, level, number)
    listener = Listener(call.still_stands)
    return event_stream(listeners.serve(listener, follower.begin, follower.end))


def _level_of(call: Call) -> str:
    level = call.request.query.get("level") or "debug"
    if level not in LEVELS:
        raise bad_request(f"level: expected one of {', '.join(LEVELS)}")
    return level


def _number_of(call: Call, name: str, default: int) -> int:
    text = call.request.query.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= _DIGITS_MAX):
        raise bad_request(f"{name}: expected a number")
    return int(text)


ROUTES: Final = (
    Route(
        method="GET",
        path="logs",
        right=Right.ADMINISTRATOR,
        handler=logs,
        summary="The last lines of the log; level, since (ms), after (number) and count choose.",
        answer="log_line",
        is_list=True,
        extension=True,
    ),
    Route(
        method="GET",
        path="livelog",
        right=Right.ADMINISTRATOR,
        handler=livelog,
        summary="The lines of the log as they are written, as server-sent events.",
        extension=True,
        media_type=EVENT_STREAM,
    ),
)
