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


def styled(style: str, rows: Sequence[Thing], names: Sequence[str], *, has_head: bool) -> str:
    """Return a list as a table of the second generation.

    Args:
        style: ``borderless``, ``ascii`` or ``markdown``; any other is lines around each cell.
        rows: what it has.
        names: columns, in order.
        has_head: whether the names are shown.
    """
    cells = [[cell(value_at(row, name)) for name in names] for row in rows]
    if style == "ascii" and has_head:
        return boxed(names, cells)
    lines = [list(names), *cells] if has_head else cells
    if not lines:
        return ""
    widths = [max(map(width, each)) for each in zip(*lines, strict=True)]
    padded = [
        [text + " " * (room - width(text)) for text, room in zip(line, widths, strict=True)]
        for line in lines
    ]
    if style == "borderless":
        return "".join(" ".join(line) + " \n" for line in padded)
    if style == "markdown":
        marks = ["-" * room for room in widths]
        padded.insert(has_head, marks)
        return "".join(f"| {' | '.join(line)} |\n" for line in padded)
    ruled = ["─" * (room + 2) for room in widths]
    between = f"├{'┼'.join(ruled)}┤\n"
    shown = between.join(f"│ {' │ '.join(line)} │\n" for line in padded)
    return f"┌{'┬'.join(ruled)}┐\n{shown}└{'┴'.join(ruled)}┘\n"


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
