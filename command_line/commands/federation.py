"""``haremq federation``: the links to upstreams, and the upstreams themselves."""

from typing import Any, Final

import click

from command_line.api import path_of
from command_line.commands.fields import json_object
from command_line.leaf import argument, group, leaf, option
from command_line.session import Session

COLUMNS: Final = ("vhost", "type", "name", "upstream", "status", "uri", "id", "error")
COMPONENT: Final = "federation-upstream"


@leaf(option("--down", text="Only those that do not run.", is_flag=True), name="list", shows=True)
def list_links(session: Session, *, down: bool) -> None:
    """List the links: of all vhosts, or of one."""
    place = [] if session.named_vhost is None else [session.named_vhost]
    rows = session.api.things(path_of("federation-links", *place, *(["state", "down"] * down)))
    for row in rows:
        row["name"] = row.get("exchange") or row.get("queue")
    session.output.rows(rows, COLUMNS)


@leaf(argument("link"))
def restart(session: Session, link: str) -> None:
    """Connect a link anew; list shows its id."""
    rows = session.api.things(path_of("federation-links"))
    found = next((row for row in rows if row.get("id") == link), None)
    place = [session.vhost, link, "none"]
    if found is not None:
        place = [str(found["vhost"]), link, str(found["node"])]
    session.api.call("DELETE", path_of("federation-links", "vhost", *place, "restart"))


@leaf(name="upstreams", shows=True)
def upstreams(session: Session) -> None:
    """List the upstreams: of all vhosts, or of one."""
    rows = session.api.things(path_of("parameters", COMPONENT))
    if session.named_vhost is not None:
        rows = [row for row in rows if row.get("vhost") == session.named_vhost]
    session.output.rows(rows, ("vhost", "name", "value"))


@leaf(
    argument("name"),
    argument("address"),
    option("--settings", text='More of it, as JSON: {"max-hops": 2}.', default="{}"),
)
def declare(session: Session, name: str, address: str, **given: Any) -> None:  # noqa: ANN401
    """Create or replace an upstream; a policy with federation-upstream makes links to it."""
    value = {"uri": address, **json_object(given["settings"], "the settings")}
    path = path_of("parameters", COMPONENT, session.vhost, name)
    session.api.call("PUT", path, {"value": value})


@leaf(argument("name"), asks=True)
def delete(session: Session, name: str) -> None:
    """Delete an upstream; its links end."""
    session.agree(f"delete the upstream {name} of the vhost {session.vhost}")
    session.api.call("DELETE", path_of("parameters", COMPONENT, session.vhost, name))


federation: click.Group = group(
    "federation",
    "Links to other brokers: list, restart, upstreams, declare, delete.",
    list_links,
    restart,
    upstreams,
    declare,
    delete,
)
