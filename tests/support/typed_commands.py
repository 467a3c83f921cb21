"""Commands of ``haremq`` as a user types them, on a node in memory.

with Typed() as typed:
    said = typed("queues", "list", "-o", "json")
    assert (said.status, said.json) == (0, [])
"""

import io
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from types import TracebackType
from typing import Any, NamedTuple, Self

from click.testing import CliRunner

from amqp_server.cli import haremq
from command_line.address import Address
from command_line.errors import CommandError
from command_line.session import Surface
from command_line.transport import Answer, StreamRefusedError, Transport
from tests.support.management_api import Api

END = "\x04"
"""Typed where a user ends the input."""


class Said(NamedTuple):
    """What a command printed, and how it ended."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401 -- JSON is anything
        """The output as JSON."""
        return json.loads(self.out)


@dataclass
class InMemory:
    """The way to a node in memory; keeps what was asked."""

    api: Api
    user: str | None = "guest"
    asked: list[tuple[str, str]] | None = None
    shown: str = "http://in.memory"

    def request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Have the node answer, as the user."""
        if self.asked is not None:
            self.asked.append((method, path))
        reply = self.api.call(method, path, user=self.user, body=body, headers=headers)
        return Answer(reply.status, reply.headers, reply.body)

    def lines(self, path: str) -> Iterator[bytes]:
        """Yield the lines of a whole answer."""
        answer = self.request("GET", path, b"", {})
        if answer.status != 200:
            raise StreamRefusedError(answer)
        yield from answer.body.splitlines(keepends=True)


@dataclass
class Scripted:
    """A way that answers what the test hands in, to every request; an error is raised.

    Attributes:
        asked: requests so far: method, path and body.
    """

    answer: Answer | CommandError
    shown: str = "http://scripted"
    asked: list[tuple[str, str, bytes]] = field(default_factory=list)

    def request(self, method: str, path: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """Return the answer."""
        self.asked.append((method, path, body))
        if isinstance(self.answer, CommandError):
            raise self.answer
        return self.answer

    def lines(self, path: str) -> Iterator[bytes]:
        """Yield the lines of the answer."""
        yield from self.request("GET", path, b"", {}).body.splitlines(keepends=True)


class Typed:
    """A user at a terminal, or a script, and a node in memory.

    Attributes:
        asked: requests so far: method and path.
        way: to the node.
        addresses: that commands asked for.
        naps: how long commands waited, in seconds.
    """

    def __init__(self, api: Api | None = None, way: Transport | None = None) -> None:
        self._api = api or (None if way else Api())
        self.asked: list[tuple[str, str]] = []
        self.way: Transport = way or InMemory(self.api, asked=self.asked)
        self.addresses: list[Address] = []
        self.naps: list[float] = []
        self.environ: dict[str, str] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._api is not None:
            self._api.__exit__(kind, error, trace)

    @property
    def api(self) -> Api:
        """The node in memory, where there is one."""
        assert self._api is not None, "the test hands in another way"
        return self._api

    def __call__(
        self,
        *words: str,
        typed: str | None = None,
        files: Mapping[str, str] | None = None,
        is_terminal: bool = False,
    ) -> Said:
        """Run a command.

        Args:
            words: behind ``haremq``.
            typed: what the user types when asked; None: nobody can be asked.
            files: texts by name; ``-`` is the standard input.
            is_terminal: whether the output is one.
        """
        out, err = io.StringIO(), io.StringIO()
        surface = self.surface(out, err, files or {}, typed)
        surface = replace(surface, is_terminal=is_terminal)
        result = CliRunner().invoke(haremq, list(words), obj=surface)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Said(result.exit_code, out.getvalue(), err.getvalue() + result.output)

    def surface(
        self, out: io.StringIO, err: io.StringIO, files: Mapping[str, str], typed: str | None
    ) -> Surface:
        """Return a process around a command."""

        def answer(_prompt: str) -> str:
            if typed == END:
                raise EOFError
            return typed or ""

        return Surface(
            environ=self.environ,
            out=out,
            err=err,
            can_ask=typed is not None,
            read=lambda name: _text_of(files, name),
            read_line=answer,
            read_secret=answer,
            is_ours=lambda _path: False,
            connect=self._connect,
            sleep=self.naps.append,
            clock_s=lambda: float(len(self.naps)),
        )

    def _connect(self, address: Address, _timeout_s: float) -> Transport:
        self.addresses.append(address)
        return self.way


def _text_of(files: Mapping[str, str], name: str) -> str:
    if name not in files:
        raise CommandError(f"{name}: No such file or directory", 74)
    return files[name]


class Tool:
    """A tool of RabbitMQ by its name: ``tool("rabbitmqctl list_queues name")``."""

    def __init__(self, typed: Typed) -> None:
        self._typed = typed

    def __call__(self, line: str, *more: str, files: Mapping[str, str] | None = None) -> Said:
        """Carry out a command line, split at blanks, and further words as they are."""
        return self._typed("as", *line.split(), *more, files=files)
