"""``haremq connections``, ``haremq channels`` and ``haremq consumers``."""

import click

from command_line import exit_status
from command_line.api import path_of
from command_line.commands.listing import listing
from command_line.errors import CommandError
from command_line.leaf import argument, group, leaf, option
from command_line.session import Session

CONNECTION_COLUMNS = (
    "name",
    "user",
    "vhost",
    "state",
    "protocol",
    "channels",
    "recv_oct_details.rate",
    "send_oct_details.rate",
)
CHANNEL_COLUMNS = (
    "name",
    "user",
    "vhost",
    "state",
    "consumer_count",
    "messages_unacknowledged",
    "messages_unconfirmed",
    "prefetch_count",
)
CONSUMER_COLUMNS = (
    "queue.vhost",
    "queue.name",
    "consumer_tag",
    "channel_details.name",
    "ack_required",
    "prefetch_count",
    "active",
)
_REASON = option(
    "--reason",
    text="What the client is told.",
    default="Closed via management plugin",
    metavar="TEXT",
)


@leaf(argument("name"), name="show", shows=True)
def show_connection(session: Session, name: str) -> None:
    """Show a connection; its name is ADDRESS -> ADDRESS."""
    session.output.thing(session.api.thing(path_of("connections", name)))


@leaf(
    argument("name", required=False),
    option("--of", "owner", text="All connections of this user.", metavar="USER"),
    _REASON,
    asks=True,
)
def close(session: Session, name: str | None, owner: str | None, reason: str) -> None:
    """Close a connection, or all of a user's."""
    if (name is None) == (owner is None):
        text = "name one connection, or a user with --of"
        raise CommandError(text, exit_status.USAGE)
    if name is not None:
        path = path_of("connections", name)
        found = session.api.thing(path)
        session.agree(f"close the connection {name} of {found.get('user', '')}")
    else:
        path = path_of("connections", "username", owner or "")
        count = len(session.api.things(path))
        session.agree(f"close {count} connections of {owner}")
    session.api.call("DELETE", path, headers={"x-reason": _header(reason)})


def _header(reason: str) -> str:
    if not reason.isprintable() or not reason.isascii():
        text = "the reason may have printable ASCII only"
        raise CommandError(text, exit_status.USAGE)
    return reason


@leaf(argument("name"), name="show", shows=True)
def show_channel(session: Session, name: str) -> None:
    """Show a channel; its name is that of its connection, and (N)."""
    session.output.thing(session.api.thing(path_of("channels", name)))


def _of_vhost(place: str, columns: tuple[str, ...], text: str) -> click.Command:
    @leaf(option("--sort", text="Order by this field.", metavar="FIELD"), name="list", shows=True)
    def list_them(session: Session, sort: str | None) -> None:
        path = path_of(place)
        if session.named_vhost is not None:
            path = f"{path_of('vhosts', session.named_vhost)}/{place}"
        session.output.rows(session.api.things(path, sort=sort), columns)

    list_them.help = text
    return list_them


connections: click.Group = group(
    "connections",
    "Connections: list, show, close.",
    _of_vhost("connections", CONNECTION_COLUMNS, "List connections: to all vhosts, or to one."),
    show_connection,
    close,
)
channels: click.Group = group(
    "channels",
    "Channels: list, show.",
    _of_vhost("channels", CHANNEL_COLUMNS, "List channels: to all vhosts, or to one."),
    show_channel,
)


@leaf(argument("channel"), argument("consumer_tag"), asks=True)
def cancel(session: Session, channel: str, consumer_tag: str) -> None:
    """Cancel a consumer; its client is told.

    The channel is named as a list of consumers shows it: that of its connection, and (N).
    """
    found = session.api.thing(path_of("channels", channel))
    connection, number = found["connection_details"]["name"], str(found["number"])
    session.agree(f"cancel the consumer {consumer_tag} of {found.get('user', '')} on {channel}")
    session.api.call(
        "DELETE", path_of("consumers", found["vhost"], connection, number, consumer_tag)
    )


consumers: click.Group = group(
    "consumers",
    "Consumers: list, cancel.",
    listing(
        "consumers", CONSUMER_COLUMNS, "List consumers: of all vhosts, or of one.", is_paged=False
    ),
    cancel,
)
