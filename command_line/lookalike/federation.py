"""``rabbitmqctl federation_status`` and ``restart_federation_link``."""

from collections.abc import Mapping
from typing import Any, Final

from command_line import exit_status
from command_line.api import path_of
from command_line.errors import CommandError
from command_line.lookalike.results import Done, Result, Rows
from command_line.lookalike.words import FLAG, Call, Command

LINE_MAX: Final = 80
"""Characters in a line of a term."""

_ATOMS: Final = frozenset({"error", "status", "type"})
_ALWAYS: Final = (
    "error",
    "exchange",
    "id",
    "last_changed",
    "local_connection",
    "queue",
    "status",
    "type",
    "upstream",
    "upstream_exchange",
    "upstream_queue",
    "uri",
    "vhost",
)


def federation_status(call: Call) -> Result:
    """List the links."""
    place = ["state", "down"] if call.has("only-down") else []
    rows = [_told(row) for row in call.api.things(path_of("federation-links", *place))]
    columns = ("consumer_tag", *_ALWAYS)
    return Rows(columns, rows, term="[" + ",\n ".join(map(_term, rows)) + "]")


def restart_federation_link(call: Call) -> Result:
    """Connect a link anew."""
    for row in call.api.things(path_of("federation-links")):
        if row.get("id") == call.args[0]:
            place = (str(row["vhost"]), call.args[0], str(row["node"]))
            call.api.call("DELETE", path_of("federation-links", "vhost", *place, "restart"))
            return Done(call.node)
    raise CommandError("Error:\nLink with the given ID was not found", exit_status.UNAVAILABLE)


def _told(row: Mapping[str, Any]) -> dict[str, str]:
    """Return a link as the tools have it: what is not there is an empty text."""
    found = {**row, "last_changed": row.get("timestamp", "")}
    told = {name: str(found.get(name, "")) for name in _ALWAYS}
    if "consumer_tag" in row:
        told = {"consumer_tag": str(row["consumer_tag"]), **told}
    return told


def _term(row: Mapping[str, str]) -> str:
    """Return a link as an Erlang map, in lines."""
    lines: list[str] = []
    line = "#{"
    items = [f"{name} => {_value(name, value)}" for name, value in row.items()]
    for number, item in enumerate(items):
        text = item + ("," if number < len(items) - 1 else "}")
        if len(line) > len("#{") and len(line) + len(text) > LINE_MAX:
            lines.append(line)
            line = "   "
        line += text
    return "\n".join([*lines, line])


def _value(name: str, value: str) -> str:
    if not value:
        return "<<>>"
    return value if name in _ATOMS else f'<<"{value}">>'


COMMANDS: Final[Mapping[str, Command]] = {
    "federation_status": Command(
        federation_status,
        "Listing federation links {down}on node {call.node}...",
        most=None,
        options={"--only-down": FLAG},
    ),
    "restart_federation_link": Command(
        restart_federation_link,
        "Restarting federation link {0} on node {call.node}",
        least=1,
        most=1,
    ),
}
