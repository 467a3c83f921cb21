"""A command that runs: the node it asks, what it prints, and whether the user agrees.

``Surface`` is the process around it: variables, files, terminal, clock. Tests hand in their own.
"""

import os
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TextIO

from command_line import exit_status
from command_line.address import Address, Surroundings, is_trusted_socket
from command_line.api import Api
from command_line.errors import CommandError
from command_line.escape import escaped
from command_line.output import Output
from command_line.transport import HttpTransport, Transport


def _read(name: str) -> str:
    """Return the text of a file; ``-`` is the standard input.

    Raises:
        CommandError: it cannot be read.
    """
    try:
        if name == "-":
            if sys.stdin is None:
                raise CommandError("the standard input is closed", exit_status.IO)
            return sys.stdin.read()
        return Path(name).read_text(encoding="utf-8")
    except OSError as error:
        raise CommandError(f"{name}: {error.strerror}", exit_status.IO) from error
    except UnicodeDecodeError as error:
        raise CommandError(f"{name}: no UTF-8", exit_status.DATA) from error


def _ask_secret(prompt: str) -> str:
    import getpass  # noqa: PLC0415 -- seldom

    return getpass.getpass(prompt)


def _is_ours(path: Path) -> bool:
    return is_trusted_socket(path, (0, os.geteuid()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Surface:
    """The process around a command.

    Attributes:
        environ: its variables.
        out, err: standard output and error; None: closed.
        is_terminal: whether the output is a terminal.
        can_ask: whether a person can be asked: input and error are terminals.
        read: returns the text of a file, ``-`` is the standard input.
        read_line: returns a line that the user types, after a prompt.
        read_secret: returns what the user types unseen, after a prompt.
        is_ours: whether a path is a socket that may be asked without being named.
        connect: returns the way to a node; the longest wait is in seconds.
        sleep: waits for some seconds.
        clock_s: seconds since some instant.
    """

    environ: Mapping[str, str] = field(default_factory=lambda: os.environ)
    out: TextIO | None = field(default_factory=lambda: sys.stdout)
    err: TextIO | None = field(default_factory=lambda: sys.stderr)
    is_terminal: bool = False
    can_ask: bool = False
    read: Callable[[str], str] = _read
    read_line: Callable[[str], str] = input
    read_secret: Callable[[str], str] = _ask_secret
    is_ours: Callable[[Path], bool] = _is_ours
    connect: Callable[[Address, float], Transport] = HttpTransport
    sleep: Callable[[float], None] = time.sleep
    clock_s: Callable[[], float] = time.monotonic

    def around(self) -> Surroundings:
        """Return what an address is looked for in."""
        ask = self.ask_password if self.can_ask else None
        return Surroundings(self.environ, ask, self.read, self.is_ours)

    def ask_password(self, user: str) -> str:
        """Return the password that a person types."""
        return self.read_secret(f"Password of {escaped(user)}: ")


def own_surface() -> Surface:
    """Return the surface of this process; texts that its output cannot show are escaped."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="backslashreplace")
    return Surface(
        is_terminal=_is_terminal(sys.stdout),
        can_ask=_is_terminal(sys.stdin) and _is_terminal(sys.stderr),
    )


def _is_terminal(stream: TextIO | None) -> bool:
    try:
        return stream is not None and stream.isatty()
    except ValueError:
        return False


class Session:
    """A command that runs.

    Attributes:
        api: of the node.
        output: what it prints.
        surface: the process around it.
        named_vhost: that the user names; None names none.
    """

    def __init__(
        self,
        api: Api,
        output: Output,
        surface: Surface,
        *,
        named_vhost: str | None = None,
        is_agreed: bool = False,
    ) -> None:
        """Begin.

        Args:
            api: of the node.
            output: where it prints.
            surface: the process around it.
            named_vhost: that the user names; None names none.
            is_agreed: whether the user has agreed to what cannot be undone.
        """
        self.api = api
        self.output = output
        self.surface = surface
        self.named_vhost = named_vhost
        self._is_agreed = is_agreed

    @property
    def vhost(self) -> str:
        """The vhost that the command is about; ``/`` where the user names none."""
        return "/" if self.named_vhost is None else self.named_vhost

    def agree(self, what: str) -> None:
        """Have the user agree to what cannot be undone.

        Args:
            what: is done, such as ``delete the queue orders with 12 messages``.

        Raises:
            CommandError: the user does not, or cannot be asked and has not said ``--yes``.
        """
        if self._is_agreed:
            return
        if not self.surface.can_ask:
            text = f"this would {what}: say --yes to do it"
            raise CommandError(text, exit_status.USAGE)
        answer = self.surface.read_line(f"{escaped(what[0].upper() + what[1:])}? [y/N] ")
        if answer.strip().lower() not in {"y", "yes"}:
            raise CommandError("nothing was done", exit_status.FAILED)

    def secret(self, file: str | None, prompt: str) -> str:
        """Return a secret: the first line of a file (``-``: standard input), or what is typed.

        Raises:
            CommandError: there is neither.
        """
        if file is None and self.surface.can_ask:
            return self.surface.read_secret(prompt)
        if file is None:
            text = "give the password with --password-file FILE; - reads it from standard input"
            raise CommandError(text, exit_status.USAGE)
        return self.surface.read(file).partition("\n")[0].removesuffix("\r")

    def note(self, text: str) -> None:
        """Tell a person something that is no part of the output."""
        tell(self.surface, text)


def tell(surface: Surface, text: str) -> None:
    """Write a line to standard error, if it is there."""
    if surface.err is None:
        return
    try:
        surface.err.write(escaped(text) + "\n")
        surface.err.flush()
    except (OSError, ValueError):
        return
