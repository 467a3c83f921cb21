"""``haremq users``, ``haremq permissions`` and ``haremq topic-permissions``.

A password is never an argument, because others see the arguments of a process.
"""

from typing import Any

import click

from command_line.api import path_of
from command_line.commands.listing import listing
from command_line.leaf import argument, flag, group, leaf, option
from command_line.session import Session

_NEW_PASSWORD = option(
    "--new-password-file",
    text="First line is the password; - is standard input. Without, it is asked for.",
    metavar="FILE",
)


@leaf(argument("name"), shows=True)
def show(session: Session, name: str) -> None:
    """Show a user."""
    found = session.api.thing(path_of("users", name))
    session.output.thing({key: value for key, value in found.items() if key != "password_hash"})


@leaf(
    argument("name"),
    option("--tags", text="Such as administrator,monitoring.", default="", metavar="A,B"),
    flag("--no-password", text="Nobody can log in by password."),
    option("--password-hash", text="Hash, as definitions have it.", metavar="HASH"),
    _NEW_PASSWORD,
)
def declare(session: Session, name: str, tags: str, **given: Any) -> None:  # noqa: ANN401
    """Create a user, or replace it."""
    body: dict[str, object] = {"tags": tags}
    if given["password_hash"] is not None:
        body["password_hash"] = given["password_hash"]
    elif given["no_password"]:
        body["password_hash"] = ""
    else:
        body["password"] = session.secret(given["new_password_file"], "New password: ")
    session.api.call("PUT", path_of("users", name), body)


@leaf(argument("name"), _NEW_PASSWORD)
def set_password(session: Session, name: str, new_password_file: str | None) -> None:
    """Give a user another password."""
    found = session.api.thing(path_of("users", name))
    password = session.secret(new_password_file, "New password: ")
    session.api.call("PUT", path_of("users", name), {"password": password, "tags": found["tags"]})


@leaf(argument("name"), argument("tags", required=False, many=True))
def set_tags(session: Session, name: str, tags: tuple[str, ...]) -> None:
    """Give a user these tags and no others."""
    found = session.api.thing(path_of("users", name))
    body = {
        "tags": ",".join(tags),
        "password_hash": found.get("password_hash", ""),
        "hashing_algorithm": found.get("hashing_algorithm"),
    }
    session.api.call("PUT", path_of("users", name), body)


@leaf(argument("name"), asks=True)
def delete(session: Session, name: str) -> None:
    """Delete a user."""
    session.api.thing(path_of("users", name))
    session.agree(f"delete the user {name} with all its rights")
    session.api.call("DELETE", path_of("users", name))


def _pattern(name: str, what: str) -> click.Parameter:
    return option(name, text=f"Names that it may {what}.", default=".*", metavar="REGEX")


@leaf(
    argument("name"),
    _pattern("--configure", "declare and delete"),
    _pattern("--write", "publish to"),
    _pattern("--read", "read from"),
    name="declare",
)
def grant(session: Session, name: str, configure: str, write: str, read: str) -> None:
    """Give a user rights in a vhost: all of them, but for the patterns that you name."""
    body = {"configure": configure, "write": write, "read": read}
    session.api.call("PUT", path_of("permissions", session.vhost, name), body)


@leaf(argument("name"), name="delete", asks=True)
def revoke(session: Session, name: str) -> None:
    """Take the rights of a user in a vhost away."""
    session.agree(f"take the rights of {name} in the vhost {session.vhost} away")
    session.api.call("DELETE", path_of("permissions", session.vhost, name))


@leaf(
    argument("name"),
    argument("exchange"),
    _pattern("--write", "publish with"),
    _pattern("--read", "bind with"),
    name="declare",
)
def restrict(session: Session, name: str, exchange: str, write: str, read: str) -> None:
    """Restrict the routing keys of a user at an exchange."""
    body = {"exchange": exchange, "write": write, "read": read}
    session.api.call("PUT", path_of("topic-permissions", session.vhost, name), body)


@leaf(argument("name"), argument("exchange", required=False), name="delete", asks=True)
def lift(session: Session, name: str, exchange: str | None) -> None:
    """Lift the restriction of a user at an exchange, or all of them in the vhost."""
    session.agree(f"lift restrictions of {name} in the vhost {session.vhost}")
    more = () if exchange is None else (exchange,)
    session.api.call("DELETE", path_of("topic-permissions", session.vhost, name, *more))


def _in_vhost(place: str, columns: tuple[str, ...], text: str) -> click.Command:
    @leaf(name="list", shows=True)
    def list_rights(session: Session) -> None:
        path = path_of(place)
        if session.named_vhost is not None:
            path = f"{path_of('vhosts', session.named_vhost)}/{place}"
        session.output.rows(session.api.things(path), columns)

    list_rights.help = text
    return list_rights


users: click.Group = group(
    "users",
    "Users: list, show, declare, delete, set-password, set-tags.",
    listing("users", ("name", "tags", "limits"), "List users.", is_paged=False),
    show,
    declare,
    delete,
    set_password,
    set_tags,
)
permissions: click.Group = group(
    "permissions",
    "Rights in vhosts: list, declare, delete.",
    _in_vhost(
        "permissions",
        ("vhost", "user", "configure", "write", "read"),
        "List rights: in all vhosts, or in one.",
    ),
    grant,
    revoke,
)
topic_permissions: click.Group = group(
    "topic-permissions",
    "Rights on routing keys: list, declare, delete.",
    _in_vhost(
        "topic-permissions",
        ("vhost", "user", "exchange", "write", "read"),
        "List rights on routing keys: in all vhosts, or in one.",
    ),
    restrict,
    lift,
)
