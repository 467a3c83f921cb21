"""What a user of a look-alike types: options anywhere, then a command and its arguments."""

from collections.abc import Callable, Container, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from command_line import exit_status
from command_line.api import Api
from command_line.errors import CommandError
from command_line.lookalike.results import FORMATTERS, Result
from command_line.session import Surface

FLAG: Final = "flag"
TEXT: Final = "text"

_GLOBAL: Final[Mapping[str, str]] = {
    "--quiet": FLAG,
    "--silent": FLAG,
    "--longnames": FLAG,
    "--node": TEXT,
    "--timeout": TEXT,
    "--vhost": TEXT,
    "--formatter": TEXT,
    "--no-table-headers": FLAG,
    "--script-name": TEXT,
    "--erlang-cookie": TEXT,
    "--dry-run": FLAG,
}
_SHORT: Final[Mapping[str, str]] = {
    "-q": "--quiet",
    "-s": "--silent",
    "-l": "--longnames",
    "-n": "--node",
    "-t": "--timeout",
    "-p": "--vhost",
    "-d": "--dry-run",
}


class PlainError(CommandError):
    """An error whose text stands alone."""


class WrongWordsError(CommandError):
    """Arguments that are wrong: the text is said with them, and with the usage."""


class Command(NamedTuple):
    """A command of a tool.

    Attributes:
        run: carries it out.
        banner: what is printed before; ``{0}`` is the first argument, ``{call.node}`` the node.
        least, most: numbers of arguments; ``most`` None: any number.
        options: its own, by name: ``FLAG`` or ``TEXT``.
        short: short names of them.
        check: refuses what is wrong with the arguments, before anything is printed.
    """

    run: Callable[["Call"], Result]
    banner: str = ""
    least: int = 0
    most: int | None = 0
    options: Mapping[str, str] = {}
    short: Mapping[str, str] = {}
    check: Callable[["Call"], None] | None = None


@dataclass
class Call:
    """A command that is carried out.

    Attributes:
        name: of the command.
        args: its arguments.
        options: given, by their long names without dashes; flags are empty texts.
        api: of the node.
        surface: the process around it.
    """

    name: str
    args: Sequence[str]
    options: Mapping[str, str]
    api: Api
    surface: Surface
    _node: list[str] = field(default_factory=list)

    @property
    def vhost(self) -> str:
        """The vhost that is named; ``/`` where none is."""
        return self.options.get("vhost", "/")

    @property
    def node(self) -> str:
        """The name of the node."""
        if not self._node:
            from command_line.api import path_of  # noqa: PLC0415 -- see above

            self._node.append(str(self.api.thing(path_of("overview")).get("node", "")))
        return self._node[0]

    def columns(self, *usual: str) -> Sequence[str]:
        """Return the columns that are named, or the usual ones."""
        return [name for each in self.args for name in each.replace(",", " ").split()] or usual

    def has(self, flag: str) -> bool:
        """Return whether a flag is given."""
        return flag in self.options


def known_columns(known: Container[str]) -> Callable[[Call], None]:
    """Return what refuses columns that are not known."""

    def check(call: Call) -> None:
        unknown = [name for name in call.columns() if name not in known]
        if unknown:
            text = f"Info key(s) {','.join(unknown)} are not supported"
            raise WrongWordsError(text, exit_status.USAGE)

    return check


class Typed(NamedTuple):
    """A command line, taken apart.

    Attributes:
        name: of the command; empty is none.
        args: its arguments.
        options: as those of ``Call``.
        unknown: options that the command does not have.
    """

    name: str
    args: list[str]
    options: dict[str, str]
    unknown: list[str]


def taken_apart(words: Sequence[str], commands: Mapping[str, Command]) -> Typed:
    """Take a command line apart.

    Args:
        words: behind the name of the tool.
        commands: of the tool, by name.
    """
    name = _name_in(words)
    command = commands.get(name)
    own = {} if command is None else command.options
    short = {**_SHORT, **({} if command is None else command.short)}
    args: list[str] = []
    options: dict[str, str] = {}
    unknown: list[str] = []
    rest = list(words)
    while rest:
        word = rest.pop(0)
        if word == "--":
            args += rest
            break
        if not word.startswith("-") or word == "-" or _is_number(word):
            args.append(word)
            continue
        given, equals, value = word.partition("=")
        long = short.get(given, given).replace("_", "-")
        kind = own.get(long) or _GLOBAL.get(long)
        if kind is None:
            unknown.append(given)
        elif kind == FLAG:
            options[long[2:]] = value
        elif equals or rest:
            options[long[2:]] = value if equals else rest.pop(0)
        else:
            unknown.append(given)
    return Typed(args[0] if args else "", args[1:], options, unknown)


def _name_in(words: Sequence[str]) -> str:
    """Return the first word that is no option and no value of one."""
    values = {name for name, kind in _GLOBAL.items() if kind == TEXT}
    skips = False
    for word in words:
        if skips:
            skips = False
        elif word.startswith("-"):
            skips = _SHORT.get(word, word) in values
        else:
            return word
    return ""


def _is_number(word: str) -> bool:
    return word[1:].replace(".", "", 1).isdigit()


def wrong(typed: Typed, command: Command) -> str:
    """Return what is wrong with a command line; empty is nothing."""
    if typed.unknown:
        listed = "\n".join(f"{each} : " for each in typed.unknown)
        return f"Invalid options for this command:\n{listed}"
    form = typed.options.get("formatter", "")
    if form and form not in FORMATTERS:
        return f"there is no formatter {form}: the formatters are {', '.join(FORMATTERS)}"
    if form == "json" and "no-table-headers" in typed.options:
        return "Invalid options for this command:\n--no-table-headers : "
    if len(typed.args) < command.least:
        return "not enough arguments."
    if command.most is not None and len(typed.args) > command.most:
        return "too many arguments."
    return ""


def number(text: str, what: str) -> int:
    """Return a whole number that a user typed.

    Raises:
        CommandError: it is none.
    """
    try:
        return int(text)
    except ValueError as error:
        raise CommandError(f"{what} must be a number, not {text}", 64) from error
