"""``rabbitmqadmin`` in the words of its first generation: ``declare queue name=x durable=true``.

Lines in the words of the second one are passed on to ``admin_second``. The real programs work on
the HTTP API unchanged. This one is for where they are not installed.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final

from command_line import exit_status
from command_line.address import Address, Wanted, resolve
from command_line.api import DEFAULT, Api, Thing, encoded, path_of
from command_line.commands.definitions import write_file
from command_line.commands.fields import json_object, json_or_text
from command_line.commands.messages import decoded
from command_line.errors import CommandError
from command_line.leaf import TIMEOUT_S
from command_line.lookalike.admin_forms import formatted
from command_line.lookalike.admin_second import run_second
from command_line.lookalike.admin_second_words import is_second
from command_line.lookalike.admin_words import FORMATS, LISTS, OBJECTS, given, taken_apart
from command_line.output import Output
from command_line.session import Surface, tell

_COLUMNS: Final[Mapping[str, Sequence[str]]] = {
    "queues": ("name", "messages"),
    "exchanges": ("name", "type"),
    "bindings": ("source", "destination", "routing_key"),
    "connections": ("name", "user", "channels"),
    "channels": ("name", "user"),
    "vhosts": ("name", "messages"),
    "nodes": ("name", "type", "mem_used"),
}


class Admin:
    """A call of the program.

    Args:
        words: behind the options.
        options: by their long names.
        api: of the node.
        output: what it prints.
    """

    def __init__(
        self,
        words: Sequence[str],
        options: Mapping[str, str],
        api: Api,
        output: Output,
        surface: Surface,
    ) -> None:
        """Keep what is needed."""
        self.words = words
        self.options = options
        self.api = api
        self.output = output
        self.surface = surface

    def say(self, text: str) -> None:
        """Print a line for a person, unless it is to be quiet."""
        if "quiet" not in self.options:
            self.output.text(text + "\n")


def run_admin(words: Sequence[str], surface: Surface) -> int:
    """Carry out a command line; return the exit status: 1 is refused, 64 wrong."""
    if is_second(words):

        def connect(options: Mapping[str, str]) -> Api:
            return Api(surface.connect(_address(options, surface), TIMEOUT_S))

        return run_second(words, surface, connect, Output(_Out(surface)))
    try:
        rest, options = taken_apart(words)
        if not rest or "help" in rest[:1]:
            Output(_Out(surface)).text("\n".join(_help()) + "\n")
            return exit_status.OK if rest else exit_status.USAGE
        verb = _VERBS.get(rest[0])
        if verb is None:
            raise CommandError(f"Action {rest[0]} not understood", exit_status.USAGE)  # noqa: TRY301
        address = _address(options, surface)
        admin = Admin(
            rest[1:],
            options,
            Api(surface.connect(address, TIMEOUT_S)),
            Output(_Out(surface)),
            surface,
        )
        verb(admin)
        admin.output.flush()
    except CommandError as error:
        tell(surface, f"*** {error}")
        return error.status if error.status == exit_status.USAGE else exit_status.FAILED
    return exit_status.OK


def _address(options: Mapping[str, str], surface: Surface) -> Address:
    uri = options.get("base-uri", "")
    if not uri and ("host" in options or "port" in options):
        host = options.get("host", "localhost")
        scheme = "https" if "ssl" in options else "http"
        port = options.get("port", "")
        prefix = options.get("path-prefix", "")
        uri = f"{scheme}://{host}{f':{port}' if port else ''}{prefix}"
    address, _ = resolve(Wanted(uri=uri, is_insecure="insecure" in options), surface.around())
    if "username" in options:
        address = replace(
            address, user=options["username"], password=options.get("password", "guest")
        )
    return address


def _need(words: Sequence[str], known: Sequence[str], what: str) -> str:
    if not words or words[0] not in known:
        text = f"Don't know how to {what} {words[0] if words else 'nothing'}"
        raise CommandError(text, exit_status.USAGE)
    return words[0]


def _list(admin: Admin) -> None:
    what = _need(admin.words, LISTS, "list")
    path = what.replace("_", "-")
    vhost = admin.options.get("vhost")
    if vhost is not None and what in {"queues", "exchanges", "bindings", "policies", "consumers"}:
        path = f"{path}/{encoded(vhost)}"
    names = [name for word in admin.words[1:] for name in word.split(",") if name]
    query: dict[str, object] = {"columns": ",".join(names) or None}
    if "sort" in admin.options:
        query["sort"] = admin.options["sort"]
        query["sort_reverse"] = admin.options.get("sort-reverse")
    rows = admin.api.things(f"/api/{path}", **query)
    _print(admin, rows, names or _COLUMNS.get(what, ()))


def _show(admin: Admin) -> None:
    _need(admin.words, ("overview",), "show")
    found = admin.api.thing(path_of("overview"))
    _print(admin, [found], ("cluster_name", "node", "rabbitmq_version", "product_name"))


def _path(place: str, values: Mapping[str, Any]) -> str:
    segments = []
    for part in place.split("/"):
        name = part.strip("{}")
        value = str(values.get(name, "")) if part.startswith("{") else part
        segments.append(DEFAULT if name in {"source", "name"} and not value else value)
    return path_of(*segments)


def _declare(admin: Admin) -> None:
    what = _need(admin.words, tuple(OBJECTS), "declare")
    row = OBJECTS[what]
    named = given(admin.words[1:])
    values: dict[str, Any] = {"vhost": admin.options.get("vhost", "/"), **row.usual, **named}
    missing = [name for name in row.needs if name not in values]
    if missing:
        raise CommandError(f"mandatory argument {missing[0]} not given", exit_status.USAGE)
    unknown = set(named) - {*row.needs, *row.usual, "vhost"}
    if unknown:
        text = f"Argument {min(unknown)} not recognised"
        raise CommandError(text, exit_status.USAGE)
    for name in row.json:
        if isinstance(values.get(name), str):
            values[name] = json_or_text(values[name])
    body = {name: value for name, value in values.items() if value is not None}
    queue_type = body.pop("queue_type", None)
    if queue_type is not None:
        body["arguments"] = {**body["arguments"], "x-queue-type": queue_type}
    values["destination_char"] = str(values.get("destination_type", "queue"))[:1]
    method = "POST" if what == "binding" else "PUT"
    admin.api.call(method, _path(row.place, values), body)
    admin.say(f"{what} declared")


def _delete(admin: Admin) -> None:
    what = _need(admin.words, tuple(OBJECTS), "delete")
    row = OBJECTS[what]
    named = given(admin.words[1:])
    values: dict[str, Any] = {"vhost": admin.options.get("vhost", "/"), **named}
    inside = [part[1:-1] for part in row.place.split("/") if part.startswith("{")]
    for name in row.to_delete or inside:
        if name not in values:
            raise CommandError(f"mandatory argument {name} not given", exit_status.USAGE)
    values["destination_char"] = str(values.get("destination_type", "queue"))[:1]
    path = _path(row.place, values)
    if what == "binding":
        path = f"{path}/{encoded(values.get('properties_key', '~'))}"
    admin.api.call("DELETE", path)
    admin.say(f"{what} deleted")


def _purge(admin: Admin) -> None:
    _need(admin.words, ("queue",), "purge")
    named = given(admin.words[1:])
    path = path_of("queues", admin.options.get("vhost", "/"), _required(named, "name"))
    admin.api.call("DELETE", f"{path}/contents")
    admin.say("queue purged")


def _required(named: Mapping[str, str], name: str) -> str:
    if name not in named:
        raise CommandError(f"mandatory argument {name} not given", exit_status.USAGE)
    return named[name]


def _close(admin: Admin) -> None:
    _need(admin.words, ("connection",), "close")
    named = given(admin.words[1:])
    admin.api.call("DELETE", path_of("connections", _required(named, "name")))
    admin.say("connection closed")


def _publish(admin: Admin) -> None:
    named = given(admin.words)
    payload = named.get("payload")
    body = {
        "routing_key": _required(named, "routing_key"),
        "properties": json_object(named.get("properties", "{}"), "properties"),
        "payload": admin.surface.read("-") if payload is None else payload,
        "payload_encoding": named.get("payload_encoding", "string"),
    }
    path = path_of("exchanges", admin.options.get("vhost", "/"), named.get("exchange") or DEFAULT)
    answer = admin.api.call("POST", f"{path}/publish", body)
    is_routed = isinstance(answer, dict) and answer.get("routed")
    admin.say("Message published" if is_routed else "Message published but NOT routed")


def _get(admin: Admin) -> None:
    named = given(admin.words)
    body = {
        "count": named.get("count", "1"),
        "ackmode": named.get("ackmode", "ack_requeue_true"),
        "encoding": named.get("encoding", "auto"),
    }
    path = path_of("queues", admin.options.get("vhost", "/"), _required(named, "queue"))
    rows = admin.api.call("POST", f"{path}/get", body) or []
    if "payload_file" in named and rows:
        write_file(named["payload_file"], str(decoded(rows[0]).get("payload", "")))
        return
    columns = (
        "routing_key",
        "exchange",
        "message_count",
        "payload",
        "payload_bytes",
        "payload_encoding",
        "redelivered",
    )
    _print(admin, rows, columns)


def _export(admin: Admin) -> None:
    vhost = admin.options.get("vhost")
    path = path_of("definitions", *([] if vhost is None else [vhost]))
    file = admin.words[0] if admin.words else "-"
    text = json.dumps(admin.api.thing(path), ensure_ascii=False)
    if file == "-":
        admin.output.raw(text + "\n")
        return
    write_file(file, text)
    admin.say(f'Exported definitions for {admin.api.shown} to "{file}"')


def _import(admin: Admin) -> None:
    vhost = admin.options.get("vhost")
    path = path_of("definitions", *([] if vhost is None else [vhost]))
    file = admin.words[0] if admin.words else "-"
    text = admin.surface.read(file).removeprefix("\ufeff")
    admin.api.call("POST", path, json_object(text, file))
    admin.say(f'Uploaded definitions from {admin.api.shown} to "{file}".')


def _print(admin: Admin, rows: Sequence[Thing], columns: Sequence[str]) -> None:
    form = admin.options.get("format", "table")
    names = list(columns) or list(dict.fromkeys(name for row in rows for name in row))
    if not rows and form not in {"raw_json", "pretty_json", "bash"}:
        admin.say("No items")
        return
    admin.output.raw(formatted(form, rows, names))


class _Out:
    """The output of a surface; no form is chosen by it."""

    def __init__(self, surface: Surface) -> None:
        self.out = surface.out
        self.is_terminal = False


_VERBS: Final[Mapping[str, Callable[[Admin], None]]] = {
    "list": _list,
    "show": _show,
    "declare": _declare,
    "delete": _delete,
    "purge": _purge,
    "close": _close,
    "publish": _publish,
    "get": _get,
    "export": _export,
    "import": _import,
}


def _help() -> list[str]:
    return [
        "Usage: rabbitmqadmin [options] command",
        "",
        f"  list {{{'|'.join(LISTS)}}} [column...]",
        "  show overview",
        f"  declare {{{'|'.join(OBJECTS)}}} name=value...",
        f"  delete {{{'|'.join(OBJECTS)}}} name=value...",
        "  purge queue name=...",
        "  close connection name=...",
        "  publish routing_key=... [exchange= payload= properties= payload_encoding=]",
        "  get queue=... [count= ackmode= payload_file= encoding=]",
        "  export FILE",
        "  import FILE",
        "",
        f"Formats (-f): {', '.join(FORMATS)}",
    ]
