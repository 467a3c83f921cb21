"""A command of ``haremq`` on a running node: the options that all of them have, and how it ends."""

import inspect
from collections.abc import Callable, Sequence
from typing import Any, Final, NoReturn, TypeAlias

import click

from command_line import exit_status
from command_line.address import Wanted, resolve
from command_line.api import Api
from command_line.errors import CommandError
from command_line.output import FORMS, Output, ReaderLeftError
from command_line.session import Session, Surface, own_surface, tell

Run: TypeAlias = Callable[..., None]
"""A command: takes the session, and its own arguments and options by name."""

TIMEOUT_S: Final = 30.0
_LINE_MAX: Final = 1_000
"""Characters of what a command says of itself: all of them."""

CLEAR: Final = "\x1b[H\x1b[2J\x1b[3J"
"""Has a terminal begin anew."""


def _address_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--uri"],
            metavar="URI",
            default="",
            help="The node: http://HOST:PORT, https://… or unix:PATH.",
        ),
        click.Option(["--profile"], metavar="NAME", default="", help="Take it from the profiles."),
        click.Option(["--user", "-u"], metavar="NAME", default="", help="Log in as this user."),
        click.Option(
            ["--password-file"],
            metavar="FILE",
            default="",
            help="Its password; - is standard input. Without: HAREMQ_PASSWORD, or it is asked for.",
        ),
        click.Option(["--tls-ca"], metavar="FILE", default="", help="Authorities to trust."),
        click.Option(["--insecure"], is_flag=True, help="Take any certificate."),
        click.Option(
            ["--timeout", "-t"],
            type=click.FloatRange(0, 86_400, min_open=True),
            default=TIMEOUT_S,
            metavar="S",
            help="Longest wait for the node.",
        ),
        click.Option(["--vhost", "-p"], metavar="NAME", default=None, help="The vhost."),
    ]


def _output_options() -> list[click.Parameter]:
    return [
        click.Option(
            ["--output", "-o"],
            type=click.Choice(FORMS),
            default="table",
            help="Form of the output.",
        ),
        click.Option(["--columns", "-c"], metavar="A,B", default="", help="Only these fields."),
        click.Option(["--no-head"], is_flag=True, help="Without the names of columns."),
    ]


_YES: Final = click.Option(["--yes", "-y"], is_flag=True, help="Do not ask.")


def argument(name: str, *, required: bool = True, many: bool = False) -> click.Argument:
    """Return an argument.

    Args:
        name: of it.
        required: whether it must be there.
        many: whether any number may be there.
    """
    return click.Argument([name], required=required, nargs=-1 if many else 1)


def option(*names: str, text: str, **details: Any) -> click.Option:  # noqa: ANN401 -- click's
    """Return an option; ``text`` is its help."""
    return click.Option(names, help=text, **details)


def flag(*names: str, text: str) -> click.Option:
    """Return an option that is there or not."""
    return click.Option(names, is_flag=True, help=text)


def leaf(
    *params: click.Parameter,
    name: str = "",
    shows: bool = False,
    asks: bool = False,
    watches: bool = True,
) -> Callable[[Run], click.Command]:
    """Return what makes a command of a function.

    Args:
        params: arguments and options of its own.
        name: of the command; empty is that of the function.
        shows: whether it prints things; it then has ``--output``.
        asks: whether it does what cannot be undone; it then has ``--yes``.
        watches: whether what it shows can be looked at again; it then has ``--watch``.
    """

    def made(function: Run) -> click.Command:
        return click.Command(
            name or function.__name__.strip("_").replace("_", "-"),
            params=[*params, *_shared(shows=shows, asks=asks, watches=watches)],
            callback=_callback(function),
            help=inspect.getdoc(function),
        )

    return made


def _shared(*, shows: bool, asks: bool, watches: bool) -> list[click.Parameter]:
    watch = click.Option(
        ["--watch"],
        type=click.FloatRange(0.2, 86_400),
        metavar="S",
        default=None,
        help="Again every so many seconds.",
    )
    return [
        *([_YES] if asks else []),
        *(_output_options() if shows else []),
        *([watch] if shows and watches and not asks else []),
        *_address_options(),
    ]


class _Group(click.Group):
    """A group whose help has the first line of each command whole; click cuts it."""

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002
        rows = [(name, each.get_short_help_str(_LINE_MAX)) for name, each in self.commands.items()]
        with formatter.section("Commands"):
            formatter.write_dl(sorted(rows))


def group(name: str, text: str, *commands: click.Command) -> click.Group:
    """Return a group of commands; ``text`` is its help."""
    return _Group(name, commands={each.name: each for each in commands if each.name}, help=text)


def _callback(function: Run) -> Callable[..., None]:
    def callback(**given: Any) -> None:  # noqa: ANN401 -- of options
        found = click.get_current_context().find_object(Surface)
        surface = own_surface() if found is None else found
        run_to_end(surface, lambda: _run(function, given, surface))

    return callback


def run_to_end(surface: Surface, run: Callable[[], None]) -> None:
    """Run a command, and end with its status: what went wrong is one line.

    Raises:
        SystemExit: it did not go well.
    """
    try:
        run()
        if surface.out is not None:
            Output(_OutputOf(surface)).flush()
    except CommandError as error:
        if str(error):
            tell(surface, f"haremq: {error}")
        _end(error.status)
    except ReaderLeftError:
        _end_quietly(surface)
    except (KeyboardInterrupt, EOFError):
        _end(exit_status.INTERRUPTED)


class _OutputOf:
    """The terminal of a surface."""

    def __init__(self, surface: Surface) -> None:
        self.out = surface.out
        self.is_terminal = surface.is_terminal


def _end(status: int) -> NoReturn:
    raise SystemExit(status)


def _end_quietly(surface: Surface) -> NoReturn:
    """End without another attempt to write what is left: the reader is gone."""
    import os  # noqa: PLC0415 -- seldom

    if surface.out is not None:
        try:
            nothing = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nothing, surface.out.fileno())
        except (OSError, ValueError):
            pass
    raise SystemExit(exit_status.OK)


def _run(function: Run, given: dict[str, Any], surface: Surface) -> None:
    interval_s = given.pop("watch", None)
    session = open_session(given, surface)
    if interval_s is None:
        function(session, **given)
        return
    while True:
        if surface.is_terminal:
            session.output.raw(CLEAR)
        function(session, **given)
        session.output.flush()
        surface.sleep(interval_s)


def open_session(given: dict[str, Any], surface: Surface) -> Session:
    """Take the options that all commands have out of ``given``; return the session.

    Raises:
        CommandError: the address cannot be found.
    """
    wanted = Wanted(
        uri=given.pop("uri"),
        profile=given.pop("profile"),
        user=given.pop("user"),
        password_file=given.pop("password_file"),
        ca=given.pop("tls_ca"),
        is_insecure=given.pop("insecure"),
    )
    timeout_s, vhost = given.pop("timeout"), given.pop("vhost")
    address, of_profile = resolve(wanted, surface.around())
    named = vhost or of_profile or surface.environ.get("HAREMQ_VHOST") or None
    output = Output(
        _OutputOf(surface),
        given.pop("output", "table"),
        has_head=not given.pop("no_head", False),
        columns=_names(given.pop("columns", "")),
    )
    return Session(
        Api(surface.connect(address, timeout_s)),
        output,
        surface,
        named_vhost=named,
        is_agreed=given.pop("yes", False),
    )


def _names(text: str) -> Sequence[str]:
    return [name for name in text.split(",") if name]
