"""``haremq queues``: what there is, and what comes and goes."""

from typing import Any

import click

from command_line.api import path_of
from command_line.commands.browse import peek, tail_queue, unacked
from command_line.commands.fields import argument_options, arguments_of
from command_line.commands.listing import listing
from command_line.commands.moves import copy, move, redrive
from command_line.commands.picking import delete_message, move_message
from command_line.commands.replicas import leader, promote, replicas
from command_line.leaf import argument, flag, group, leaf, option
from command_line.session import Session

COLUMNS = (
    "vhost",
    "name",
    "type",
    "state",
    "messages_ready",
    "messages_unacknowledged",
    "messages",
    "consumers",
)


@leaf(argument("name"), shows=True)
def show(session: Session, name: str) -> None:
    """Show a queue."""
    session.output.thing(session.api.thing(path_of("queues", session.vhost, name)))


@leaf(
    argument("name"),
    option(
        "--type",
        "kind",
        text="Kind of queue.",
        metavar="TYPE",
        type=click.Choice(["classic", "quorum", "stream"]),
    ),
    flag("--transient", text="Gone after a restart."),
    flag("--auto-delete", text="Gone with its last consumer."),
    *argument_options(),
)
def declare(session: Session, name: str, **given: Any) -> None:  # noqa: ANN401 -- of options
    """Declare a queue; it is durable unless you say --transient."""
    arguments = arguments_of(given["argument"], given["arguments"])
    if given["kind"]:
        arguments["x-queue-type"] = given["kind"]
    body = {
        "durable": not given["transient"],
        "auto_delete": given["auto_delete"],
        "arguments": arguments,
    }
    session.api.call("PUT", path_of("queues", session.vhost, name), body)


@leaf(
    argument("name"),
    flag("--if-empty", text="Only if it has no messages."),
    flag("--if-unused", text="Only if it has no consumers."),
    asks=True,
)
def delete(session: Session, name: str, *, if_empty: bool, if_unused: bool) -> None:
    """Delete a queue with its messages."""
    path = path_of("queues", session.vhost, name)
    session.agree(f"delete {_described(session, path, name)}")
    conditions = {"if-empty": if_empty, "if-unused": if_unused}
    query = "&".join(f"{each}=true" for each, is_wanted in conditions.items() if is_wanted)
    session.api.call("DELETE", f"{path}?{query}" if query else path)


@leaf(argument("name"), asks=True)
def purge(session: Session, name: str) -> None:
    """Drop the ready messages of a queue."""
    path = path_of("queues", session.vhost, name)
    session.agree(f"drop the ready messages of {_described(session, path, name)}")
    session.api.call("DELETE", f"{path}/contents")


@leaf(argument("name"))
def pause(session: Session, name: str) -> None:
    """Have the consumers of a queue get nothing, also after a restart."""
    session.api.call("PUT", f"{path_of('queues', session.vhost, name)}/pause")


@leaf(argument("name"))
def resume(session: Session, name: str) -> None:
    """Have the consumers of a paused queue get messages again."""
    session.api.call("PUT", f"{path_of('queues', session.vhost, name)}/resume")


@leaf(argument("name"), shows=True)
def bindings(session: Session, name: str) -> None:
    """List what leads to a queue."""
    rows = session.api.things(f"{path_of('queues', session.vhost, name)}/bindings")
    session.output.rows(rows, ("source", "routing_key", "arguments"))


def _described(session: Session, path: str, name: str) -> str:
    found = session.api.thing(path, columns="messages,consumers")
    messages, consumers = found.get("messages", 0), found.get("consumers", 0)
    return (
        f"the queue {name} of the vhost {session.vhost}"
        f" ({messages} messages, {consumers} consumers)"
    )


queues = group(
    "queues",
    "Queues: list, show, declare, delete, purge, pause, peek, tail, move, copy, redrive, messages.",
    listing("queues", COLUMNS, "List queues: of all vhosts, or of one."),
    show,
    declare,
    delete,
    purge,
    pause,
    resume,
    bindings,
    peek,
    tail_queue,
    unacked,
    move,
    copy,
    redrive,
    delete_message,
    move_message,
    leader,
    replicas,
    promote,
)
