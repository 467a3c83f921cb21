"""What a user of ``rabbitmqadmin`` types: options, a verb, a thing, and ``name=value``."""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from command_line import exit_status
from command_line.errors import CommandError

FORMATS: Final = ("raw_json", "pretty_json", "tsv", "long", "table", "kvp", "bash")
LISTS: Final = [
    "users",
    "vhosts",
    "connections",
    "exchanges",
    "bindings",
    "permissions",
    "channels",
    "parameters",
    "consumers",
    "queues",
    "policies",
    "operator_policies",
    "nodes",
    "vhost_limits",
]


class Declared(NamedTuple):
    """Something that is declared and deleted.

    Attributes:
        place: path below ``/api``; a segment in braces is an argument.
        needs: arguments that must be there to declare it.
        usual: the others, with their values.
        json: arguments whose value is JSON.
        to_delete: arguments that must be there to delete it; None: those of the path.
    """

    place: str
    needs: Sequence[str]
    usual: Mapping[str, object]
    json: Sequence[str] = ()
    to_delete: Sequence[str] | None = None


OBJECTS: Final[Mapping[str, Declared]] = {
    "exchange": Declared(
        "exchanges/{vhost}/{name}",
        ("name", "type"),
        {"auto_delete": "false", "durable": "true", "internal": "false", "arguments": {}},
        ("arguments",),
    ),
    "queue": Declared(
        "queues/{vhost}/{name}",
        ("name",),
        {
            "auto_delete": "false",
            "durable": "true",
            "arguments": {},
            "node": None,
            "queue_type": None,
        },
        ("arguments",),
    ),
    "binding": Declared(
        "bindings/{vhost}/e/{source}/{destination_char}/{destination}",
        ("source", "destination"),
        {"destination_type": "queue", "routing_key": "", "arguments": {}},
        ("arguments",),
        ("source", "destination_type", "destination"),
    ),
    "vhost": Declared("vhosts/{name}", ("name",), {"tracing": None}),
    "user": Declared("users/{name}", ("name", "tags"), {"password": None, "password_hash": None}),
    "permission": Declared(
        "permissions/{vhost}/{user}", ("vhost", "user", "configure", "write", "read"), {}
    ),
    "parameter": Declared(
        "parameters/{component}/{vhost}/{name}", ("component", "name", "value"), {}, ("value",)
    ),
    "policy": Declared(
        "policies/{vhost}/{name}",
        ("name", "pattern", "definition"),
        {"priority": 0, "apply-to": None},
        ("definition", "priority"),
    ),
    "operator_policy": Declared(
        "operator-policies/{vhost}/{name}",
        ("name", "pattern", "definition"),
        {"priority": 0, "apply-to": None},
        ("definition", "priority"),
    ),
    "vhost_limit": Declared(
        "vhost-limits/{vhost}/{name}", ("vhost", "name", "value"), {}, ("value",)
    ),
}
_OPTIONS: Final[Mapping[str, str]] = {
    "-H": "host",
    "--host": "host",
    "-P": "port",
    "--port": "port",
    "-V": "vhost",
    "--vhost": "vhost",
    "-u": "username",
    "--username": "username",
    "-p": "password",
    "--password": "password",
    "-U": "base-uri",
    "--base-uri": "base-uri",
    "-f": "format",
    "--format": "format",
    "-S": "sort",
    "--sort": "sort",
    "--path-prefix": "path-prefix",
    "-d": "depth",
    "--depth": "depth",
}
_FLAGS: Final[Mapping[str, str]] = {
    "-q": "quiet",
    "--quiet": "quiet",
    "-s": "ssl",
    "--ssl": "ssl",
    "-k": "insecure",
    "--ssl-insecure": "insecure",
    "-R": "sort-reverse",
    "--sort-reverse": "sort-reverse",
    "-b": "bash-completion",
}


def taken_apart(words: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """Return the words behind the options, and the options by their long names.

    Raises:
        CommandError: 64, an option is not known, or has no value.
    """
    rest, options, left = list[str](), dict[str, str](), list(words)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        if name in {"-h", "--help"}:
            return ["help"], options
        if name in _FLAGS:
            options[_FLAGS[name]] = "true"
        elif name in _OPTIONS and (equals or left):
            options[_OPTIONS[name]] = value if equals else left.pop(0)
        elif word.startswith("-"):
            raise CommandError(f"no such option, or no value: {name}", exit_status.USAGE)
        else:
            rest.append(word)
    if options.get("format", "table") not in FORMATS:
        text = f"Format {options['format']} not recognised: use one of {', '.join(FORMATS)}"
        raise CommandError(text, exit_status.USAGE)
    return rest, options


def given(words: Sequence[str]) -> dict[str, str]:
    """Return arguments, each as ``name=value``.

    Raises:
        CommandError: 64, one is none.
    """
    found: dict[str, str] = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise CommandError(f"Argument {word} not in format name=value", exit_status.USAGE)
        found[name] = value
    return found
