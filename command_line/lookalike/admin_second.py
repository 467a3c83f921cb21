"""``rabbitmqadmin`` in the words of its second generation: ``declare queue --name x``.

Source: rabbitmqadmin 2, its help, and what it prints.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from command_line import exit_status
from command_line.api import DEFAULT, Api, Thing, path_of
from command_line.commands.definitions import write_file
from command_line.commands.fields import json_object, json_or_text
from command_line.errors import CommandError, RefusedError
from command_line.lookalike.admin_forms import styled
from command_line.lookalike.admin_second_rows import LISTS, OBJECTS, SHORT, Row
from command_line.lookalike.admin_second_words import Line, taken_apart
from command_line.output import Output, json_text
from command_line.session import Surface, tell

_NOT_FOUND: Final = 404
_FAILED: Final = 500


class Second:
    """A call of the program.

    Args:
        line: what was typed.
        api: of the node.
        output: what it prints.
        surface: the process around it.
    """

    def __init__(self, line: Line, api: Api, output: Output, surface: Surface) -> None:
        """Keep what is needed."""
        self.line = line
        self.api = api
        self.output = output
        self.surface = surface

    @property
    def vhost(self) -> str:
        """The vhost that is meant."""
        given = self.surface.environ.get("RABBITMQADMIN_TARGET_VHOST")
        return self.line.options.get("vhost") or given or "/"

    def own(self, name: str, usual: str | None = None) -> str:
        """Return an option of the command.

        Raises:
            CommandError: 64, it is missing, and there is no usual value.
        """
        found = self.line.own.get(name, usual)
        if found is None:
            text = f"the following required arguments were not provided: --{name}"
            raise CommandError(text, exit_status.USAGE)
        return found

    def only(self, *names: str) -> None:
        """Refuse options that the command does not have.

        Raises:
            CommandError: 64, there is one.
        """
        for name in self.line.own:
            if name not in names:
                raise CommandError(f"unexpected argument '--{name}' found", exit_status.USAGE)

    def show(self, rows: Sequence[Thing], columns: Sequence[str], *, has_head: bool = True) -> None:
        """Print a table in the style that is asked for."""
        options = self.line.options
        style = options.get("table-style", "modern")
        if "non-interactive" in options:
            style, has_head = "borderless", False
        self.output.raw(styled(style, rows, columns, has_head=has_head))

    def say(self, text: str) -> None:
        """Print a line for a person, unless it is to be quiet."""
        if "quiet" not in self.line.options:
            self.output.text(text + "\n")


def run_second(
    words: Sequence[str],
    surface: Surface,
    connect: Callable[[Mapping[str, str]], Api],
    output: Output,
) -> int:
    """Carry out a command line; return the exit status.

    Args:
        words: behind the name of the program.
        surface: the process around it.
        connect: returns the API of the node that options name.
        output: what is printed.
    """
    try:
        line = taken_apart(words, SHORT)
        group, command = _ALIASES.get((line.group, line.command), (line.group, line.command))
        action = _ACTIONS.get((group, command)) or _ACTIONS.get((group, ""))
        if action is None:
            text = f"unrecognized subcommand '{line.group} {line.command}'".rstrip()
            raise CommandError(text, exit_status.USAGE)  # noqa: TRY301
        line = line._replace(group=group, command=command)
        action(Second(line, connect(_options(line, surface)), output, surface))
        output.flush()
    except RefusedError as error:
        tell(surface, f"error: {error.reason or error}")
        return exit_status.UNAVAILABLE if error.http_status >= _FAILED else exit_status.DATA
    except CommandError as error:
        tell(surface, f"error: {error}")
        return exit_status.IO if error.status == exit_status.UNAVAILABLE else error.status
    return exit_status.OK


def _options(line: Line, surface: Surface) -> Mapping[str, str]:
    """Return the options of the call, with those of the environment."""
    named = {
        "host": "RABBITMQADMIN_TARGET_HOST",
        "port": "RABBITMQADMIN_TARGET_PORT",
        "base-uri": "RABBITMQADMIN_BASE_URI",
        "username": "RABBITMQADMIN_USERNAME",
        "password": "RABBITMQADMIN_PASSWORD",
    }
    around = surface.environ
    found = {name: around[variable] for name, variable in named.items() if around.get(variable)}
    return {**found, **line.options}


def _object(call: Second) -> Row:
    row = OBJECTS.get(call.line.command)
    if row is None:
        text = f"unrecognized subcommand '{call.line.command}'"
        raise CommandError(text, exit_status.USAGE)
    return row


def _path(call: Second, row: Row) -> str:
    segments = []
    for part in row.place.split("/"):
        if part == "{vhost}":
            segments.append(call.vhost)
        elif part.startswith("{"):
            segments.append(call.own(part[1:-1]))
        else:
            segments.append(part)
    return path_of(*segments)


def _declare(call: Second) -> None:
    if call.line.command == "binding":
        _bind(call)
        return
    row = _object(call)
    if call.line.command == "shovel":
        raise CommandError("declare a shovel as a parameter", exit_status.USAGE)
    call.only(*row.in_path, *row.needs, *row.usual)
    path = _path(call, row)
    values: dict[str, Any] = {name: call.own(name) for name in row.needs}
    for name, usual in row.usual.items():
        given = call.line.own.get(name, usual)
        if given is not None:
            values[name] = given
    for name in row.json:
        if isinstance(values.get(name), str):
            values[name] = json_or_text(values[name])
    call.api.call("PUT", path, row.body(values))


def _delete(call: Second) -> None:
    if call.line.command == "binding":
        _unbind(call)
        return
    row = _object(call)
    call.only(*row.in_path, "idempotently")
    try:
        call.api.call("DELETE", _path(call, row))
    except RefusedError as error:
        if error.http_status != _NOT_FOUND or "idempotently" not in call.line.own:
            raise


_BINDING: Final = ("source", "destination-type", "destination", "routing-key", "arguments")


def _binding_path(call: Second) -> str:
    call.only(*_BINDING)
    kind = call.own("destination-type").lower()
    if kind not in {"queue", "exchange"}:
        raise CommandError("--destination-type: queue or exchange", exit_status.USAGE)
    source = call.own("source") or DEFAULT
    return path_of("bindings", call.vhost, "e", source, kind[0], call.own("destination"))


def _bind(call: Second) -> None:
    arguments = json_object(call.own("arguments", "{}"), "arguments")
    body = {"routing_key": call.own("routing-key"), "arguments": arguments}
    call.api.call("POST", _binding_path(call), body)


def _unbind(call: Second) -> None:
    path, key = _binding_path(call), call.own("routing-key")
    arguments = json_object(call.own("arguments", "{}"), "arguments")
    rows = [
        row
        for row in call.api.things(path)
        if (row["routing_key"], row["arguments"]) == (key, arguments)
    ]
    if not rows:
        raise CommandError("there is no such binding")
    # The key is in the form of a path already.
    call.api.call("DELETE", f"{path}/{rows[0]['properties_key']}")


def _list(call: Second) -> None:
    found = LISTS.get(call.line.command)
    if found is None:
        text = f"unrecognized subcommand '{call.line.command}'"
        raise CommandError(text, exit_status.USAGE)
    call.only("columns", *found.options)
    segments = found.place.split("/")
    place = [call.vhost if part == "{vhost}" else part for part in segments]
    place += [call.own(name) for name in found.options if name in call.line.own or found.is_needed]
    named = call.line.own.get("columns")
    call.show(call.api.things(path_of(*place)), named.split(",") if named else found.columns)


def _purge(call: Second) -> None:
    call.only("name")
    call.api.call("DELETE", f"{path_of('queues', call.vhost, call.own('name'))}/contents")


def _publish(call: Second) -> None:
    call.only("routing-key", "exchange", "payload", "properties")
    body = {
        "routing_key": call.own("routing-key", ""),
        "properties": json_object(call.own("properties", "{}"), "properties"),
        "payload": call.own("payload", "test"),
        "payload_encoding": "string",
    }
    path = path_of("exchanges", call.vhost, call.own("exchange", "") or DEFAULT)
    answer = call.api.call("POST", f"{path}/publish", body)
    is_routed = isinstance(answer, dict) and bool(answer.get("routed"))
    _pairs(call, {"routed": is_routed})


_MESSAGE: Final = (
    "payload_bytes",
    "redelivered",
    "exchange",
    "routing_key",
    "message_count",
    "properties",
    "payload",
    "payload_encoding",
)


def _get(call: Second) -> None:
    call.only("queue", "count", "ack-mode")
    body = {
        "count": call.own("count", "1"),
        "ackmode": call.own("ack-mode", "ack_requeue_false"),
        "encoding": "auto",
    }
    path = path_of("queues", call.vhost, call.own("queue"))
    call.show(call.api.call("POST", f"{path}/get", body) or [], _MESSAGE)


def _definitions(call: Second) -> None:
    command = call.line.command
    path = path_of("definitions", *([call.vhost] if command.endswith("_vhost") else []))
    if command.startswith("export"):
        call.only("file", "stdout")
        file = "-" if "stdout" in call.line.own else call.own("file", "-")
        text = json.dumps(call.api.thing(path), ensure_ascii=False, indent=2)
        if file == "-":
            call.output.raw(text + "\n")
        else:
            write_file(file, text)
        return
    if not command.startswith("import"):
        text = f"unrecognized subcommand '{command}'"
        raise CommandError(text, exit_status.USAGE)
    call.only("file", "stdin")
    file = "-" if "stdin" in call.line.own else call.own("file")
    text = call.surface.read(file).removeprefix("\ufeff")
    call.api.call("POST", path, json_object(text, file))


_CHECKS: Final[Mapping[str, tuple[str, str | None]]] = {
    "local_alarms": ("local-alarms", None),
    "cluster_wide_alarms": ("alarms", None),
    "node_is_quorum_critical": ("node-is-quorum-critical", None),
    "port_listener": ("port-listener", "port"),
    "protocol_listener": ("protocol-listener", "protocol"),
}


def _check(call: Second) -> None:
    name = call.line.command
    if name == "deprecated_features_in_use":
        call.only()
        used = call.api.things(path_of("deprecated-features", "used"))
        if used:
            raise CommandError(json_text(used), exit_status.UNAVAILABLE)
    elif name in _CHECKS:
        check, option = _CHECKS[name]
        call.only(*([option] if option else []))
        call.api.call(
            "GET", path_of("health", "checks", check, *([call.own(option)] if option else []))
        )
    else:
        raise CommandError(f"unrecognized subcommand '{name}'", exit_status.USAGE)
    call.say("health check passed")


def _close(call: Second) -> None:
    if call.line.command == "user_connections":
        call.only("username")
        call.api.call("DELETE", path_of("connections", "username", call.own("username")))
        return
    call.only("name")
    call.api.call("DELETE", path_of("connections", call.own("name")))


def _rebalance(call: Second) -> None:
    call.only()
    call.api.call("POST", path_of("rebalance", "queues"), {})


def _overview(call: Second) -> None:
    call.only()
    found = call.api.thing(path_of("overview"))
    names = ("product_name", "product_version", "rabbitmq_version", "erlang_version")
    pairs = {name.replace("_", " ").capitalize(): found.get(name) for name in names}
    pairs |= {f"{name} (total)": count for name, count in found["object_totals"].items()}
    totals = found.get("queue_totals") or {}
    pairs["messages (total)"] = totals.get("messages", 0)
    _pairs(call, pairs)


def _churn(call: Second) -> None:
    call.only()
    rates = call.api.thing(path_of("overview"))["churn_rates"]
    _pairs(call, {name: value for name, value in rates.items() if isinstance(value, int)})


def _pairs(call: Second, pairs: Mapping[str, object]) -> None:
    rows = [{"key": name, "value": value} for name, value in pairs.items()]
    call.show(rows, ("key", "value"))


_ACTIONS: Final[Mapping[tuple[str, str], Callable[[Second], None]]] = {
    ("declare", ""): _declare,
    ("delete", ""): _delete,
    ("list", ""): _list,
    ("purge", "queue"): _purge,
    ("publish", "message"): _publish,
    ("get", "messages"): _get,
    ("definitions", ""): _definitions,
    ("health_check", ""): _check,
    ("close", "connection"): _close,
    ("close", "user_connections"): _close,
    ("rebalance", "queues"): _rebalance,
    ("show", "overview"): _overview,
    ("show", "churn"): _churn,
}

_KINDS: Final[Mapping[str, str]] = {
    "queues": "queue",
    "exchanges": "exchange",
    "users": "user",
    "vhosts": "vhost",
    "bindings": "binding",
    "policies": "policy",
    "parameters": "parameter",
}
_ALIASES: Final[Mapping[tuple[str, str], tuple[str, str]]] = {
    **{
        (kinds, verb): (verb, kind)
        for kinds, kind in _KINDS.items()
        for verb in ("declare", "delete")
    },
    **{(kinds, "list"): ("list", kinds) for kinds in _KINDS},
    ("parameters", "set"): ("declare", "parameter"),
    ("parameters", "clear"): ("delete", "parameter"),
    ("queues", "purge"): ("purge", "queue"),
    ("exchanges", "bind"): ("declare", "binding"),
    ("exchanges", "unbind"): ("delete", "binding"),
    ("users", "permissions"): ("list", "permissions"),
    ("users", "connections"): ("list", "user_connections"),
    ("users", "limits"): ("list", "user_limits"),
    ("export", "definitions"): ("definitions", "export"),
    ("import", "definitions"): ("definitions", "import"),
    ("shovels", "list_all"): ("list", "shovels"),
    ("shovels", "delete"): ("delete", "shovel"),
    ("feature_flags", "list"): ("list", "feature_flags"),
}
