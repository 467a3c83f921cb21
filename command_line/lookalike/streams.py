"""``rabbitmq-streams``: streams, and who reads and writes them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

from command_line import exit_status
from command_line.api import Thing, path_of
from command_line.errors import CommandError
from command_line.lookalike.lists import Value, pid_of, shown
from command_line.lookalike.queues import queue_of
from command_line.lookalike.results import Result, Rows
from command_line.lookalike.words import FLAG, Call, Command, known_columns
from command_line.table import value_at


def _field(path: str) -> Value:
    return lambda row, _call: value_at(row, path)


def _pid(row: Thing, call: Call) -> object:
    return pid_of(str(value_at(row, "connection_details.name") or ""), call.node)


CONNECTIONS: Final[Mapping[str, Value]] = {
    "conn_name": _field("name"),
    **{
        name: _field(name)
        for name in ("port", "host", "peer_port", "peer_host", "user", "vhost", "ssl", "frame_max")
    },
    "connection_state": _field("state"),
    "connected_at": _field("connected_at"),
}
PUBLISHERS: Final[Mapping[str, Value]] = {
    "connection_pid": _pid,
    "publisher_id": _field("publisher_id"),
    "stream": _field("queue.name"),
    "reference": _field("reference"),
    "messages_published": _field("published"),
    "messages_confirmed": _field("confirmed"),
    "messages_errored": _field("errored"),
}
CONSUMERS: Final[Mapping[str, Value]] = {
    "connection_pid": _pid,
    "subscription_id": _field("subscription_id"),
    "stream": _field("queue.name"),
    "messages_consumed": _field("consumed"),
    "offset": _field("offset"),
    "offset_lag": _field("offset_lag"),
    "credits": _field("credits"),
    "properties": _field("properties"),
}


def _listing(
    place: str, known: Mapping[str, Value], usual: Sequence[str], *, of_vhost: bool
) -> Callable[[Call], Result]:
    def run(call: Call) -> Result:
        names = call.columns(*usual)
        path = path_of("stream", place, call.vhost) if of_vhost else path_of("stream", place)
        rows = shown(call, known, names, call.api.things(path))
        return Rows(rows.columns, rows.rows, is_drawn=True)

    return run


_STATUS: Final = (
    "role",
    "node",
    "offset",
    "committed_offset",
    "first_offset",
    "readers",
    "segments",
)


def stream_status(call: Call) -> Result:
    """Say how the replicas of a stream are: there is one, the writer."""
    found = queue_of(call)
    if found.get("type") != "stream":
        text = f"Cannot get stream status of a {found.get('type')} queue"
        raise CommandError(text, exit_status.UNAVAILABLE)
    if call.has("tracking"):
        path = path_of("stream", call.vhost, call.args[0], "tracking")
        kept = call.api.thing(path)
        rows = [
            {"type": kind, "reference": reference, "value": value}
            for kind, part in (("offset", "offsets"), ("sequence", "writers"))
            for reference, value in (kept.get(part) or {}).items()
        ]
        return Rows(("type", "reference", "value"), rows, is_drawn=True)
    readers = found.get("readers")
    count = sum(readers.values()) if isinstance(readers, dict) else readers or 0
    row = {
        "role": "writer",
        "node": call.node,
        "offset": found.get("committed_offset", 0),
        "committed_offset": found.get("committed_offset", 0),
        "first_offset": found.get("first_offset", 0),
        "readers": count,
        "segments": found.get("segments", 0),
    }
    return Rows(_STATUS, [row], is_drawn=True)


COMMANDS: Final[Mapping[str, Command]] = {
    "list_stream_connections": Command(
        _listing("connections", CONNECTIONS, ("conn_name",), of_vhost=False),
        "Listing stream connections ...",
        most=None,
        check=known_columns(CONNECTIONS),
    ),
    "list_stream_consumers": Command(
        _listing("consumers", CONSUMERS, tuple(CONSUMERS), of_vhost=True),
        "Listing stream consumers ...",
        most=None,
        check=known_columns(CONSUMERS),
    ),
    "list_stream_publishers": Command(
        _listing("publishers", PUBLISHERS, tuple(PUBLISHERS), of_vhost=True),
        "Listing stream publishers ...",
        most=None,
        check=known_columns(PUBLISHERS),
    ),
    "stream_status": Command(
        stream_status,
        "Status of stream {0} on node {call.node} ...",
        least=1,
        most=1,
        options={"--tracking": FLAG},
    ),
}
