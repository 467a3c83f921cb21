"""What a user of the second generation of ``rabbitmqadmin`` types: ``declare queue --name x``.

Options in front of the group are for the whole call; behind the command they are its own, but a few
that hold everywhere.

Source: rabbitmqadmin 2, its help.
"""

from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from command_line import exit_status
from command_line.errors import CommandError

_VALUES: Final[Mapping[str, str]] = {
    "-H": "host",
    "--host": "host",
    "--hostname": "host",
    "-P": "port",
    "--port": "port",
    "-U": "base-uri",
    "--base-uri": "base-uri",
    "--path-prefix": "path-prefix",
    "-V": "vhost",
    "--vhost": "vhost",
    "-u": "username",
    "--username": "username",
    "-p": "password",
    "--password": "password",
    "--table-style": "table-style",
}
_FLAGS: Final[Mapping[str, str]] = {
    "-k": "insecure",
    "--insecure": "insecure",
    "--use-tls": "ssl",
    "-q": "quiet",
    "--quiet": "quiet",
    "--non-interactive": "non-interactive",
}
_EVERYWHERE: Final = frozenset({"-V", "--vhost", "--table-style", "--non-interactive"})
_NOT_HERE: Final[Mapping[str, str]] = {
    "-c": "give the address by --base-uri, or a profile to haremq",
    "--config": "give the address by --base-uri, or a profile to haremq",
    "-N": "give the address by --base-uri, or a profile to haremq",
    "--node": "give the address by --base-uri, or a profile to haremq",
    "--tls-ca-cert-file": "haremq reads those of the system, or HAREMQ_CACERT",
    "--tls-cert-file": "certificates of clients are not sent",
    "--tls-key-file": "certificates of clients are not sent",
}
_SURELY: Final = frozenset({"--non-interactive", "--table-style", "--use-tls", "--insecure"})
"""Options that the first generation does not have."""

_ONLY_HERE: Final = frozenset(
    {"definitions", "health_check", "rebalance", "queues", "exchanges", "users", "vhosts"}
    | {"bindings", "policies", "parameters", "shovels", "feature_flags"}
)
"""Groups that the first generation does not have."""

_COMMANDS_ONLY_HERE: Final = frozenset(
    {"message", "messages", "stream", "user_connections", "user_limit", "user_limits", "churn"}
    | {"feature_flags", "deprecated_features", "deprecated_features_in_use", "shovel", "shovels"}
)
"""Commands that it does not have."""

STYLES: Final = ("modern", "borderless", "ascii", "markdown", "sharp", "psql", "dots")


class Line(NamedTuple):
    """A command line, taken apart.

    Attributes:
        group, command: the two words, such as ``declare`` and ``queue``; empty is none.
        options: of the whole call, by their long names.
        own: those of the command, by their long names; a flag is ``true``.
    """

    group: str
    command: str
    options: Mapping[str, str]
    own: Mapping[str, str]


def is_second(words: Sequence[str]) -> bool:
    """Whether a command line is in the words of the second generation.

    What is right in both, such as ``list queues``, is taken for the first.
    """
    names = [word.partition("=")[0] for word in words]
    if _SURELY.intersection(names):
        return True
    plain = [place for place, word in enumerate(words) if _is_word(words, place)]
    if not plain:
        return False
    first, *others = plain
    if words[first] in _ONLY_HERE:
        return True
    second = words[others[0]] if others else ""
    if second in _COMMANDS_ONLY_HERE:
        return True
    own = [name for name in names[first + 1 :] if name.startswith("-")]
    return any(name not in _VALUES and name not in _OF_FIRST for name in own)


_OF_FIRST: Final = frozenset(
    {"-h", "--help", "-q", "--quiet", "-s", "--ssl", "-k", "--ssl-insecure", "-R"}
    | {"--sort-reverse", "-b", "-f", "--format", "-S", "--sort", "-d", "--depth"}
)


def _is_word(words: Sequence[str], place: int) -> bool:
    """Whether a word is neither an option in front of the group nor its value."""
    if words[place].startswith("-"):
        return False
    before = words[place - 1] if place else ""
    return before not in _VALUES and before not in {"-f", "--format", "-S", "--sort"}


def taken_apart(words: Sequence[str], short: Mapping[str, Mapping[str, str]]) -> Line:
    """Return a command line by its parts.

    Args:
        words: behind the name of the program.
        short: the short options of commands by group: the letter, and the long name.

    Raises:
        CommandError: 64, an option is not here, or has no value.
    """
    plain: list[str] = []
    options: dict[str, str] = {}
    own: dict[str, str] = {}
    left = list(words)
    while left:
        word = left.pop(0)
        name, equals, value = word.partition("=")
        given = value if equals else None
        if not word.startswith("-"):
            plain.append(word)
        elif len(plain) < _COMMAND_WORDS or name in _EVERYWHERE:
            _take(options, name, given, left)
        else:
            long_name = short.get(plain[0], {}).get(name, name)
            if not long_name.startswith("--"):
                raise _unexpected(name)
            is_flag = long_name in _OWN_FLAGS
            own[long_name[2:]] = "true" if is_flag else _value(name, given, left)
    if options.get("table-style", "modern") not in STYLES:
        text = f"--table-style: one of {', '.join(STYLES)}"
        raise CommandError(text, exit_status.USAGE)
    if len(plain) > _COMMAND_WORDS:
        raise _unexpected(plain[2])
    group, command = [*plain, "", ""][:_COMMAND_WORDS]
    return Line(group, command, options, own)


def _take(options: dict[str, str], name: str, given: str | None, left: list[str]) -> None:
    """Take an option of the whole call."""
    if name in _NOT_HERE:
        raise CommandError(f"{name} is not here: {_NOT_HERE[name]}", exit_status.USAGE)
    if name in _FLAGS:
        options[_FLAGS[name]] = "true"
    elif name in _VALUES:
        options[_VALUES[name]] = _value(name, given, left)
    else:
        raise _unexpected(name)


def _value(name: str, given: str | None, left: list[str]) -> str:
    if given is None and not left:
        text = f"a value is required for '{name}' but none was supplied"
        raise CommandError(text, exit_status.USAGE)
    return left.pop(0) if given is None else given


def _unexpected(name: str) -> CommandError:
    return CommandError(f"unexpected argument '{name}' found", exit_status.USAGE)


_COMMAND_WORDS: Final = 2
_OWN_FLAGS: Final = frozenset(
    {"--idempotently", "--stdout", "--stdin", "--tracing", "--predeclared-source"}
    | {"--predeclared-destination", "--help"}
)
