"""What a call of a look-alike answers, in the form that is asked for."""

import json
from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeAlias

from command_line.escape import escaped_in_json
from command_line.lookalike.terms import cell, plain
from command_line.table import width

FORMATTERS: Final = (
    "table",
    "json",
    "csv",
    "pretty_table",
    "erlang",
    "plain",
    "string",
    "json_stream",
)


class Rows(NamedTuple):
    """A list.

    Attributes:
        columns: names, in order.
        rows: values by name.
        is_drawn: whether its usual form is a drawn table.
        json: what JSON has in its place; None is the rows.
        term: its usual form where that is no table; None is a table.
    """

    columns: Sequence[str]
    rows: Sequence[Mapping[str, Any]]
    is_drawn: bool = False
    json: object = None
    term: str | None = None


class Told(NamedTuple):
    """A text, and what JSON has in its place.

    Attributes:
        text: of one or more lines; None is no line.
        json: anything.
        is_check: whether a silent call prints nothing.
    """

    text: str | None
    json: object
    is_check: bool = False


class Done(NamedTuple):
    """Something that was done and has nothing to tell.

    Attributes:
        node: that did it.
    """

    node: str


Result: TypeAlias = Rows | Told | Done


def written(result: Result, form: str, *, has_head: bool, is_silent: bool) -> str:
    """Return a result as text.

    Args:
        result: what a call answers.
        form: one of ``FORMATTERS``; empty is the usual one.
        has_head: whether lists have the names of their columns.
        is_silent: whether only what was asked for is printed.
    """
    if isinstance(result, Rows):
        return _rows(result, form, has_head=has_head)
    if form in {"json", "json_stream"}:
        value = result.json if isinstance(result, Told) else {"node": result.node, "result": "ok"}
        return _json(value)
    if isinstance(result, Done) or (result.is_check and is_silent):
        return ""
    return "" if result.text is None else f"{result.text}\n"


def _rows(result: Rows, form: str, *, has_head: bool) -> str:
    if result.term is not None and form in {"", "erlang"}:
        return f"{result.term}\n"
    chosen = form or ("pretty_table" if result.is_drawn else "table")
    if result.json is not None and chosen in {"json", "json_stream"}:
        return _json(result.json)
    if chosen == "json":
        rows = "\n,".join(_json(_plain(result, row)).rstrip("\n") for row in result.rows)
        return f"[\n{rows}\n]\n" if rows else "[\n]\n"
    if chosen == "json_stream":
        return "".join(_json(_plain(result, row)) for row in result.rows)
    cells = [[cell(row.get(name)) for name in result.columns] for row in result.rows]
    if chosen == "csv":
        lines = [list(result.columns), *cells] if cells and has_head else cells
        return "".join(",".join(map(_quoted, line)) + "\n" for line in lines)
    if chosen == "pretty_table":
        return _drawn(result.columns, cells)
    lines = [list(result.columns), *cells] if cells and has_head else cells
    return "".join("\t".join(line) + "\n" for line in lines)


def _plain(result: Rows, row: Mapping[str, Any]) -> dict[str, Any]:
    # Erlang's maps have each what it has.
    names = result.columns if result.term is None else row
    return {name: plain(row.get(name)) for name in names}


def _json(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    return escaped_in_json(text) + "\n"


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"'


_SIDE: Final = "\x1b(0x\x1b(B"
"""A line between two cells, in the alphabet that terminals have for drawings."""


def _drawn(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    if not cells:
        return ""
    widths = [max(map(width, each)) for each in zip(columns, *cells, strict=True)]

    def line(left: str, middle: str, right: str) -> str:
        return (
            "\x1b(0" + left + middle.join("q" * (each + 2) for each in widths) + right + "\x1b(B\n"
        )

    def row(texts: Sequence[str], *, bold: bool = False) -> str:
        shown = [
            (f"\x1b[1m{text}\x1b[0m" if bold else text) + " " * (places - width(text))
            for text, places in zip(texts, widths, strict=True)
        ]
        return _SIDE + _SIDE.join(f" {each} " for each in shown) + _SIDE + "\n"

    body = line("t", "n", "u").join(row(each) for each in cells)
    head = line("l", "w", "k") + row(columns, bold=True) + line("t", "n", "u")
    return head + body + line("m", "v", "j")
