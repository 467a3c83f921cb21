"""Server-sent events: the octets of a ``text/event-stream``.

Source: WHATWG HTML, server-sent events. A line may not be in a field, so data is JSON in one line.
"""

from collections.abc import AsyncIterator
from typing import Final

from management.http.errors import OK
from management.http.json_text import dumped
from management.http.response import Response

EVENT_STREAM: Final = "text/event-stream"

END: Final = b"\n\n"
"""What an event ends with, and has nowhere else."""

BEAT: Final = b": beat" + END
"""A comment. It keeps proxies from closing a connection, and finds clients that are gone."""

BEAT_S: Final = 15
"""How often a stream without events beats."""


def event(data: object, name: str = "", number: int | None = None) -> bytes:
    """Return an event.

    Args:
        data: a JSON value.
        name: of its kind, a word of ours; empty is the usual ``message``.
        number: its id, which a client that comes again sends as ``Last-Event-ID``; None has none.
    """
    begin = b"" if number is None else f"id: {number}\n".encode()
    kind = f"event: {name}\n".encode() if name else b""
    return begin + kind + b"data: " + dumped(data) + END


def event_stream(events: AsyncIterator[bytes]) -> Response:
    """Return an answer that goes on; it keeps no place among the requests that are worked on."""
    headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
    return Response(OK, events, headers, EVENT_STREAM, is_live=True)
