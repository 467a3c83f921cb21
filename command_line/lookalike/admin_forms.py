"""Lists as ``rabbitmqadmin`` prints them."""

from collections.abc import Sequence

from command_line.api import Thing
from command_line.escape import escaped_lines
from command_line.output import json_text
from command_line.table import cell, table_lines, value_at, width


def formatted(form: str, rows: Sequence[Thing], names: Sequence[str]) -> str:
    """Return a list as text.

    Args:
        form: one of ``admin_words.FORMATS``.
        rows: what it has.
        names: columns, in order.
    """
    if form == "raw_json":
        return json_text(list(rows)) + "\n"
    if form == "pretty_json":
        return json_text(list(rows), indent=2) + "\n"
    cells = [[cell(value_at(row, name)) for name in names] for row in rows]
    if form == "tsv":
        return escaped_lines("".join("\t".join(line) + "\n" for line in [list(names), *cells]))
    if form == "kvp":
        pairs = [
            [f'{name}="{value}"' for name, value in zip(names, row, strict=True)] for row in cells
        ]
        return "".join(" ".join(line) + "\n" for line in pairs)
    if form == "bash":
        return " ".join(row[0] for row in cells) + "\n"
    if form == "long":
        return "".join(_long(row, names) for row in rows)
    return boxed(names, cells)


def _long(row: Thing, names: Sequence[str]) -> str:
    fields = [{"a": name, "b": value_at(row, name)} for name in names]
    lines = table_lines(fields, ("a", "b"), has_head=False, is_cut=False)
    return "\n".join(["", "-" * 80, "", *lines]) + "\n"


def boxed(columns: Sequence[str], cells: Sequence[Sequence[str]]) -> str:
    """Return a table with lines of ASCII around each cell."""
    widths = [max(map(width, each)) for each in zip(columns, *cells, strict=True)]
    line = "+" + "+".join("-" * (each + 2) for each in widths) + "+\n"

    def row(texts: Sequence[str], *, centred: bool = False) -> str:
        shown = []
        for text, places in zip(texts, widths, strict=True):
            room = places - width(text)
            left = room // 2 if centred else 0
            shown.append(f" {' ' * left}{text}{' ' * (room - left)} ")
        return "|" + "|".join(shown) + "|\n"

    return line + row(columns, centred=True) + line + "".join(map(row, cells)) + line
