"""Rows as a table of text: columns of one width, numbers to the right."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any, Final

from command_line.escape import escaped

CELL_WIDTH_MAX: Final = 60
"""Widest column on a terminal; longer cells are cut."""

ELLIPSIS: Final = "…"


def value_at(row: Mapping[str, Any], column: str) -> Any:  # noqa: ANN401 -- JSON is anything
    """Return a field of a row, ``a.b`` is one inside another; None: it has none."""
    if column in row:
        return row[column]
    found: Any = row
    for name in column.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found


def cell(value: object) -> str:
    """Return a value in one line that drives no terminal."""
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return f"{value:.2f}".rstrip("0").rstrip(".")
    if isinstance(value, str):
        return escaped(value)
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return escaped(",".join(value))
    if isinstance(value, dict | list):
        return escaped(json.dumps(value, ensure_ascii=False, separators=(",", ":")))
    return str(value)


def width(text: str) -> int:
    """Return how many places a text takes on a terminal."""
    if text.isascii():
        return len(text)
    return sum(map(_places, text))


def _places(character: str) -> int:
    if unicodedata.combining(character):
        return 0
    return 2 if unicodedata.east_asian_width(character) in "WF" else 1


def table_lines(
    rows: Sequence[Mapping[str, Any]], columns: Sequence[str], *, has_head: bool, is_cut: bool
) -> list[str]:
    """Return a table.

    Args:
        rows: what it shows.
        columns: fields, in order.
        has_head: whether the names of columns come first.
        is_cut: whether long cells are cut.
    """
    values = [[value_at(row, column) for column in columns] for row in rows]
    texts = [[_fitting(cell(value), is_cut=is_cut) for value in row] for row in values]
    if has_head:
        texts.insert(0, [column.rpartition("details.")[2] for column in columns])
    widths = [max(map(width, column), default=0) for column in zip(*texts, strict=True)]
    to_the_right = [_are_numbers(column) for column in zip(*values, strict=True)]
    if not values:
        to_the_right = [False] * len(columns)
    return ["  ".join(map(_aligned, row, widths, to_the_right)).rstrip() for row in texts]


def _aligned(text: str, places: int, to_the_right: bool) -> str:  # noqa: FBT001 -- of a map
    room = " " * (places - width(text))
    return room + text if to_the_right else text + room


def _are_numbers(column: Sequence[object]) -> bool:
    numbers = [value for value in column if value is not None]
    return bool(numbers) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in numbers
    )


def _fitting(text: str, *, is_cut: bool) -> str:
    if not is_cut or width(text) <= CELL_WIDTH_MAX:
        return text
    kept, places = "", 1
    for character in text:
        places += _places(character)
        if places > CELL_WIDTH_MAX:
            break
        kept += character
    return kept + ELLIPSIS
