"""``haremq vhosts`` and ``haremq limits``."""

from typing import Any

import click

from command_line import exit_status
from command_line.api import Thing, path_of
from command_line.commands.listing import listing
from command_line.errors import CommandError
from command_line.leaf import argument, group, leaf, option
from command_line.session import Session

COLUMNS = ("name", "description", "tags", "default_queue_type", "messages")
VHOST_LIMITS = ("max-connections", "max-queues")
USER_LIMITS = ("max-connections", "max-channels")


@leaf(argument("name"), shows=True)
def show(session: Session, name: str) -> None:
    """Show a vhost."""
    session.output.thing(session.api.thing(path_of("vhosts", name)))


@leaf(
    argument("name"),
    option("--description", text="What it is for.", default=None, metavar="TEXT"),
    option("--tags", text="Its tags.", default=None, metavar="A,B"),
    option("--default-queue-type", text="Kind of queues that name none.", metavar="TYPE"),
)
def declare(session: Session, name: str, **given: Any) -> None:  # noqa: ANN401 -- of options
    """Create a vhost, or describe it anew."""
    body = {key: value for key, value in given.items() if value is not None}
    session.api.call("PUT", path_of("vhosts", name), body)


@leaf(argument("name"), asks=True)
def delete(session: Session, name: str) -> None:
    """Delete a vhost with everything in it."""
    count = session.api.thing(path_of("vhosts", name)).get("messages", 0)
    session.agree(f"delete the vhost {name} with its queues ({count} messages)")
    session.api.call("DELETE", path_of("vhosts", name))


_OF_USER = option("--of", "owner", text="Of this user, not of a vhost.", metavar="USER")


@leaf(name="list", shows=True)
def list_limits(session: Session) -> None:
    """List limits of vhosts and users."""
    rows = [_row("vhost", each) for each in session.api.things(path_of("vhost-limits"))]
    rows += [_row("user", each) for each in session.api.things(path_of("user-limits"))]
    session.output.rows(rows, ("kind", "name", "limits"))


def _row(kind: str, found: Thing) -> Thing:
    return {"kind": kind, "name": found.get(kind), "limits": found.get("value")}


@leaf(argument("limit"), argument("value"), _OF_USER, name="declare")
def set_limit(session: Session, limit: str, value: str, owner: str | None) -> None:
    """Set a limit: max-connections, max-queues of a vhost, max-channels of a user; -1 is none."""
    try:
        number = int(value)
    except ValueError as error:
        raise CommandError(f"expected a number, not {value}", exit_status.USAGE) from error
    session.api.call("PUT", _path(session, limit, owner), {"value": number})


@leaf(argument("limit"), _OF_USER, name="delete")
def clear_limit(session: Session, limit: str, owner: str | None) -> None:
    """Lift a limit."""
    session.api.call("DELETE", _path(session, limit, owner))


def _path(session: Session, limit: str, owner: str | None) -> str:
    known = VHOST_LIMITS if owner is None else USER_LIMITS
    if limit not in known:
        raise CommandError(f"the limits are {' and '.join(known)}", exit_status.USAGE)
    if owner is None:
        return path_of("vhost-limits", session.vhost, limit)
    return path_of("user-limits", owner, limit)


vhosts: click.Group = group(
    "vhosts",
    "Vhosts: list, show, declare, delete.",
    listing("vhosts", COLUMNS, "List the vhosts that you see."),
    show,
    declare,
    delete,
)
limits: click.Group = group(
    "limits",
    "Limits of vhosts and users: list, declare, delete.",
    list_limits,
    set_limit,
    clear_limit,
)
