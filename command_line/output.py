"""What commands print, in the form that the user asks for: table, JSON, JSON lines, CSV or YAML.

Names and texts of others never drive a terminal (``escape``). A reader that leaves early is no
error; an output that cannot be written is one.
"""

import csv
import errno
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final, Protocol, TextIO

from command_line import exit_status
from command_line.errors import CommandError
from command_line.escape import escaped, escaped_in_json, escaped_lines
from command_line.table import cell, table_lines, value_at

FORMS: Final = ("table", "json", "jsonl", "csv", "yaml")

REPLACE: Final = "\r\x1b[K"
"""Has a terminal begin the line anew."""


class ReaderLeftError(Exception):
    """Whoever reads the output has had enough."""


class Terminal(Protocol):
    """Where the output goes, and whether a person looks at it."""

    @property
    def out(self) -> TextIO | None:
        """The standard output; None: it is closed."""

    @property
    def is_terminal(self) -> bool:
        """Whether the output is a terminal."""


class Output:
    """Prints in one form.

    Attributes:
        form: one of ``FORMS``.

    Args:
        terminal: where it goes.
        form: one of ``FORMS``.
        has_head: whether tables and CSV have the names of columns.
        columns: that the user asks for; empty are those of the command.
    """

    def __init__(
        self,
        terminal: Terminal,
        form: str = "table",
        *,
        has_head: bool = True,
        columns: Sequence[str] = (),
    ) -> None:
        self._terminal = terminal
        self.form = form
        self._has_head = has_head
        self._columns = tuple(columns)

    @property
    def is_terminal(self) -> bool:
        """Whether a person looks at it."""
        return self._terminal.is_terminal

    def columns_of(self, usual: Sequence[str]) -> Sequence[str]:
        """Return the columns that a list has: the user's, or the usual ones."""
        return self._columns or usual

    def rows(self, rows: Sequence[Mapping[str, Any]], usual: Sequence[str]) -> None:
        """Print a list.

        Args:
            rows: its things.
            usual: columns that tables and CSV have where the user names none.
        """
        columns = self.columns_of(usual)
        if self.form == "table":
            is_cut = self.is_terminal and not self._columns
            lines = table_lines(rows, columns, has_head=self._has_head, is_cut=is_cut)
            self._write("".join(f"{line}\n" for line in lines))
        elif self.form == "csv":
            self._write(_csv(rows, columns, has_head=self._has_head))
        else:
            shown = [_only(row, self._columns) for row in rows] if self._columns else list(rows)
            self._values(shown)

    def thing(self, thing: Mapping[str, Any]) -> None:
        """Print one thing: in a table, a line for each of its fields."""
        shown = _only(thing, self._columns) if self._columns else dict(thing)
        if self.form == "table":
            rows = [{"field": name, "value": cell(value)} for name, value in shown.items()]
            lines = table_lines(rows, ("field", "value"), has_head=False, is_cut=False)
            self._write("".join(f"{line}\n" for line in lines))
        elif self.form == "csv":
            self._write(_csv([shown], list(shown), has_head=self._has_head))
        elif self.form == "jsonl":
            self._write(json_text(shown) + "\n")
        else:
            self._values(shown)

    def event(self, thing: Mapping[str, Any], usual: Sequence[str]) -> None:
        """Print one thing of many that come over time: a line of JSON, or of a table."""
        if self.form in {"json", "jsonl"}:
            self._write(json_text(dict(thing)) + "\n")
        elif self.form == "yaml":
            self._values([dict(thing)])
        else:
            columns = self.columns_of(usual)
            self._write("  ".join(cell(value_at(thing, each)) for each in columns) + "\n")

    def said(self, text: str) -> None:
        """Print a line for a person: only as a table, and in one line."""
        if self.form == "table":
            self._write(escaped(text) + "\n")

    def progress(self, text: str) -> None:
        """Show a person a line that the next one takes the place of; empty takes it away."""
        if self.form == "table" and self.is_terminal:
            self._write(f"{REPLACE}{escaped(text)}")

    def text(self, text: str) -> None:
        """Print a text of several lines."""
        self._write(escaped_lines(text))

    def raw(self, text: str) -> None:
        """Print a text of ours as it is."""
        self._write(text)

    def flush(self) -> None:
        """Have all of it written."""
        with _writing():
            if self._terminal.out is not None:
                self._terminal.out.flush()

    def _values(self, shown: object) -> None:
        if self.form == "yaml":
            self._write(_yaml(shown))
        elif self.form == "jsonl" and isinstance(shown, list):
            self._write("".join(json_text(each) + "\n" for each in shown))
        else:
            self._write(json_text(shown, indent=2) + "\n")

    def _write(self, text: str) -> None:
        out = self._terminal.out
        if out is None:
            raise CommandError("the output is closed", exit_status.IO)
        with _writing():
            out.write(text)
            if self.is_terminal or self.form == "jsonl":
                out.flush()


@contextmanager
def _writing() -> Iterator[None]:
    """Tell apart a reader that left from an output that fails."""
    try:
        yield
    except BrokenPipeError as error:
        raise ReaderLeftError from error
    except OSError as error:
        if error.errno == errno.EPIPE:
            raise ReaderLeftError from error
        raise CommandError(f"the output: {error.strerror}", exit_status.IO) from error
    except ValueError as error:  # written to a closed file
        raise CommandError("the output is closed", exit_status.IO) from error


def json_text(value: object, indent: int | None = None) -> str:
    """Return a value as JSON that drives no terminal; what is no number is null."""
    try:
        text = json.dumps(value, ensure_ascii=False, indent=indent, allow_nan=False)
    except ValueError:
        text = json.dumps(_finite(value), ensure_ascii=False, indent=indent)
    return escaped_in_json(text)


def _finite(value: object) -> object:
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {name: _finite(each) for name, each in value.items()}
    return [_finite(each) for each in value] if isinstance(value, list | tuple) else value


def _csv(rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, has_head: bool) -> str:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    if has_head:
        writer.writerow(map(cell, columns))
    writer.writerows([cell(value_at(row, column)) for column in columns] for row in rows)
    return text.getvalue()


def _yaml(value: object) -> str:
    import yaml  # noqa: PLC0415 -- it takes as long to load as most commands run

    text: str = yaml.safe_dump(value, sort_keys=False, allow_unicode=True)
    if escaped_lines(text) != text:
        # The library prints what changes the direction of text, too.
        text = yaml.safe_dump(value, sort_keys=False)
    return text


def _only(row: Mapping[str, Any], columns: Sequence[str]) -> dict[str, Any]:
    return {column: value_at(row, column) for column in columns}
