"""``haremq streams``: what a stream holds, and who reads and writes it."""

from typing import Final

import click

from command_line import exit_status
from command_line.api import Thing, path_of
from command_line.commands.browse import stream
from command_line.errors import CommandError
from command_line.leaf import argument, group, leaf, option
from command_line.session import Session

FIELDS: Final = (
    "vhost",
    "name",
    "state",
    "messages",
    "message_bytes",
    "first_offset",
    "committed_offset",
    "segments",
    "readers",
    "arguments",
    "policy",
)
CONSUMER_COLUMNS: Final = (
    "connection_details.name",
    "queue.name",
    "subscription_id",
    "offset",
    "offset_lag",
    "credits",
    "consumed",
)
PUBLISHER_COLUMNS: Final = (
    "connection_details.name",
    "queue.name",
    "publisher_id",
    "reference",
    "published",
    "confirmed",
    "errored",
)
CONNECTION_COLUMNS: Final = ("name", "user", "vhost", "state")


@leaf(argument("name"), shows=True)
def info(session: Session, name: str) -> None:
    """Show a stream: offsets, segments, and what readers and writers keep there."""
    found = session.api.thing(path_of("queues", session.vhost, name))
    if found.get("type") != "stream":
        raise CommandError(f"{name} is a {found.get('type')} queue", exit_status.DATA)
    kept = session.api.thing(path_of("stream", session.vhost, name, "tracking"))
    shown: Thing = {field: found[field] for field in FIELDS if field in found}
    session.output.thing({**shown, **kept})


def _listing(place: str, columns: tuple[str, ...], text: str) -> click.Command:
    @leaf(argument("name", required=False), name=place, shows=True)
    def listed(session: Session, name: str | None) -> None:
        path = path_of("stream", place)
        if session.named_vhost is not None or name is not None:
            more = () if name is None or place != "publishers" else (name,)
            path = path_of("stream", place, session.vhost, *more)
        rows = session.api.things(path)
        if name is not None:
            rows = [row for row in rows if (row.get("queue") or {}).get("name") == name]
        session.output.rows(rows, columns)

    listed.help = text
    return listed


@leaf(
    argument("name"),
    option("--partitions", text="So many.", type=click.IntRange(1), default=3),
    name="declare-super",
)
def declare_super(session: Session, name: str, partitions: int) -> None:
    """Create a super stream: an exchange and its partitions."""
    path = path_of("stream", "super-streams", session.vhost, name)
    session.api.call("PUT", path, {"partitions": partitions})


streams: click.Group = group(
    "streams",
    "Streams: info, read, consumers, publishers, declare-super.",
    info,
    click.Command("read", params=stream.params, callback=stream.callback, help=stream.help),
    _listing("consumers", CONSUMER_COLUMNS, "List subscriptions: all of them, or of one stream."),
    _listing("publishers", PUBLISHER_COLUMNS, "List publishers: all of them, or of one stream."),
    declare_super,
)
