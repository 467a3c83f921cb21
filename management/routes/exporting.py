"""Messages of a queue as a file: ``queues/…/messages/export``, in CSV or JSON lines.

The file is made look by look while it is sent, so that memory holds one look, however long the
queue is. Nothing is taken or marked.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final, cast
from urllib.parse import quote

from amqp_server.broker.admin import BrokerError, Look, LookPlace, Wanted
from management.bodies.looks import filter_of, peeked_body
from management.bodies.message_rows import csv_head, csv_row, json_row
from management.call import Call
from management.http.errors import HttpError, bad_request, missing
from management.http.response import Chunks, Response
from management.routing.route import AnsweredBy, Right, Route
from management.vhost_commands import change, require_vhost

LOOK_COUNT: Final = 200
"""Messages of one look."""

SCAN_COUNT: Final = 20_000
"""Messages that one look goes through."""

COUNT_MAX: Final = 1_000_000_000

NAME_MAX: Final = 60
"""Characters of a queue's name that are in the name of its file."""

_FORMS: Final[Mapping[str, tuple[str, bytes, Callable[[Mapping[str, Any]], bytes]]]] = {
    "csv": ("text/csv; charset=utf-8; header=present", csv_head(), csv_row),
    "jsonl": ("application/x-ndjson", b"", json_row),
}


async def export(call: Call) -> Response:
    """Send messages of a queue as a file."""
    require_vhost(call)
    query = call.request.query
    form = _form_in(query.get("format"))
    view = call.node.views.queue(call.vhost, call.names["queue"])
    if view is None:
        raise missing("queue_not_found")
    content_type, head, row = _FORMS[form]
    matching = filter_of({"filter": _filter_in(query.get("filter"))})
    left = _count_in(query.get("count"))
    is_stream = view.kind == "stream"

    async def look(place: LookPlace | None, number: int, left: int) -> Look:
        wanted = Wanted(min(left, LOOK_COUNT), matching, SCAN_COUNT)
        name = call.names["queue"]
        came = await change(call, "peek", name=name, start=place, number=number, wanted=wanted)
        return cast("Look", came)

    # What is refused is refused before the file begins.
    first = await look(None, 0, left)

    async def lines() -> Chunks:
        found, left_count = first, left
        yield head
        while True:
            rows: list[bytes] = []
            for message in found.messages:
                rows.append(row(peeked_body(message, as_base64=False, is_stream=is_stream)))
                if call.node.slices.is_spent():
                    await call.node.slices.pause()
            yield b"".join(rows)
            left_count -= len(found.messages)
            place = found.place
            if not isinstance(place, LookPlace) or left_count <= 0:
                return
            try:
                found = await look(place, found.number, left_count)
            except (BrokerError, HttpError) as error:
                # The file is not whole: as where a client is too slow, its connection is aborted.
                raise TimeoutError(str(error)) from error

    file = {"content-disposition": _disposition(call.names["queue"], form)}
    return Response(200, lines(), file, content_type)


def _disposition(queue: str, form: str) -> str:
    """Name the file after its queue: in ASCII, and whole for those who read RFC 6266.

    Bidi marks and controls are left out of both, as they would hide what kind of file it is.
    """
    name = "".join(
        each if each.isprintable() and each not in '/\\:*?"<>|' else "_" for each in queue
    )
    name = name[:NAME_MAX].strip(". ") or "queue"
    plain = "".join(each if each.isascii() and each not in ";%" else "_" for each in name)
    return (
        f"attachment; filename=\"{plain}.{form}\"; filename*=UTF-8''{quote(name, safe='')}.{form}"
    )


def _form_in(text: str | None) -> str:
    if text and text not in _FORMS:
        raise bad_request("format: expected csv or jsonl")
    return text or "csv"


def _filter_in(text: str | None) -> object:
    if not text:
        return None
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise bad_request("filter: expected an object of JSON") from error


def _count_in(text: str | None) -> int:
    if not text:
        return COUNT_MAX
    if not (text.isascii() and text.isdigit() and len(text) <= len(str(COUNT_MAX))):
        raise bad_request("count: expected 0 or more")
    return int(text)


ROUTES: Final = (
    Route(
        method="GET",
        path="queues/{vhost}/{queue}/messages/export",
        right=Right.USER,
        handler=export,
        summary="Save messages where they are, as CSV or JSON lines; nothing is taken or marked.",
        extension=True,
        answered_by=AnsweredBy.LEADER_IN_PARTS,
    ),
)
