"""The log of the node: ``logs``, and ``livelog`` as it is written."""

from collections import deque
from typing import Final

from management.call import Call
from management.http.errors import bad_request
from management.http.event_stream import EVENT_STREAM, event_stream
from management.http.request import whole_number
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
    query = call.request.query
    since_ms = query.number("since", 0, _DIGITS_MAX)
    after = query.number("after", 0, _DIGITS_MAX)
    count = min(query.number("count", LINES_USUAL), LINES_MAX)
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
    after = call.request.query.number("after", log.last_number, _DIGITS_MAX)
    last = whole_number(call.request.header("last-event-id") or "", _DIGITS_MAX)
    listeners.require_room()
    follower = LogFollower(log, level, after if last is None else last)
    listener = Listener(call.still_stands)
    return event_stream(listeners.serve(listener, follower.begin, follower.end))


def _level_of(call: Call) -> str:
    level = call.request.query.get("level") or "debug"
    if level not in LEVELS:
        raise bad_request(f"level: expected one of {', '.join(LEVELS)}")
    return level


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
