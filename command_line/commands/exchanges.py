"""``haremq exchanges`` and ``haremq bindings``."""

from typing import Any

import click

from command_line import exit_status
from command_line.api import DEFAULT, Thing, encoded, path_of
from command_line.commands.browse import tail_exchange
from command_line.commands.fields import argument_options, arguments_of
from command_line.commands.listing import listing
from command_line.errors import CommandError
from command_line.leaf import argument, flag, group, leaf, option
from command_line.session import Session

COLUMNS = ("vhost", "name", "type", "durable", "auto_delete", "internal", "policy")
BINDING_COLUMNS = (
    "vhost",
    "source",
    "destination",
    "destination_type",
    "routing_key",
    "arguments",
)


@leaf(argument("name"), shows=True)
def show(session: Session, name: str) -> None:
    """Show an exchange."""
    session.output.thing(session.api.thing(path_of("exchanges", session.vhost, name or DEFAULT)))


@leaf(
    argument("name"),
    option("--type", "kind", text="Type; direct without.", default="direct", metavar="TYPE"),
    flag("--transient", text="Gone after a restart."),
    flag("--auto-delete", text="Gone with its last binding."),
    flag("--internal", text="Only exchanges publish to it."),
    *argument_options(),
)
def declare(session: Session, name: str, **given: Any) -> None:  # noqa: ANN401 -- of options
    """Declare an exchange; it is durable unless you say --transient."""
    body = {
        "type": given["kind"],
        "durable": not given["transient"],
        "auto_delete": given["auto_delete"],
        "internal": given["internal"],
        "arguments": arguments_of(given["argument"], given["arguments"]),
    }
    session.api.call("PUT", path_of("exchanges", session.vhost, name), body)


@leaf(argument("name"), flag("--if-unused", text="Only if nothing is bound to it."), asks=True)
def delete(session: Session, name: str, *, if_unused: bool) -> None:
    """Delete an exchange with its bindings."""
    path = path_of("exchanges", session.vhost, name)
    count = len(session.api.things(f"{path}/bindings/source"))
    where = f"the exchange {name} of the vhost {session.vhost}"
    session.agree(f"delete {where} ({count} bindings)")
    session.api.call("DELETE", f"{path}?if-unused=true" if if_unused else path)


_TO_EXCHANGE = flag("--to-exchange", text="The destination is an exchange, not a queue.")
_KEY = argument("routing_key", required=False)


def _between(session: Session, source: str, destination: str, *, to_exchange: bool) -> str:
    kind = "e" if to_exchange else "q"
    return path_of("bindings", session.vhost, "e", source or DEFAULT, kind, destination)


@leaf(
    argument("source"),
    argument("destination"),
    _KEY,
    _TO_EXCHANGE,
    *argument_options(),
    name="declare",
)
def bind(
    session: Session,
    source: str,
    destination: str,
    routing_key: str | None,
    **given: Any,  # noqa: ANN401 -- of options
) -> None:
    """Bind an exchange to a queue, with a routing key."""
    body = {
        "routing_key": routing_key or "",
        "arguments": arguments_of(given["argument"], given["arguments"]),
    }
    path = _between(session, source, destination, to_exchange=given["to_exchange"])
    session.api.call("POST", path, body)


@leaf(
    argument("source"),
    argument("destination"),
    _KEY,
    _TO_EXCHANGE,
    *argument_options(),
    name="delete",
    asks=True,
)
def unbind(
    session: Session,
    source: str,
    destination: str,
    routing_key: str | None,
    **given: Any,  # noqa: ANN401 -- of options
) -> None:
    """Remove a binding: the one with this routing key and these arguments."""
    path = _between(session, source, destination, to_exchange=given["to_exchange"])
    arguments = arguments_of(given["argument"], given["arguments"])
    found = _the_binding(session.api.things(path), routing_key or "", arguments)
    session.agree(f"remove the binding of {destination} to {source} with key {routing_key or ''}")
    session.api.call("DELETE", f"{path}/{encoded(found['properties_key'])}")


def _the_binding(rows: list[Thing], key: str, arguments: dict[str, Any]) -> Thing:
    for row in rows:
        if row.get("routing_key") == key and (row.get("arguments") or {}) == arguments:
            return row
    raise CommandError("there is no such binding", exit_status.DATA)


exchanges: click.Group = group(
    "exchanges",
    "Exchanges: list, show, declare, delete, tail.",
    listing("exchanges", COLUMNS, "List exchanges: of all vhosts, or of one."),
    show,
    declare,
    delete,
    tail_exchange,
)
bindings: click.Group = group(
    "bindings",
    "Bindings: list, declare, delete.",
    listing("bindings", BINDING_COLUMNS, "List bindings: of all vhosts, or of one."),
    bind,
    unbind,
)
