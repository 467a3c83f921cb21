"""A message is one line, and no cell is a formula."""

import csv
import io
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from management.bodies import message_rows
from management.bodies.message_rows import COLUMNS, csv_head, csv_row, json_row

MESSAGE = {"position": 3, "place": "0.3", "redelivered": False, "payload": "a", "properties": {}}


def cells(line: bytes) -> dict[str, str]:
    (row,) = csv.reader(io.StringIO(line.decode(), newline=""))
    return dict(zip(COLUMNS, row, strict=True))


def test_values_are_cells() -> None:
    assert csv_head().decode() == ",".join(COLUMNS) + "\r\n"
    found = cells(csv_row({**MESSAGE, "payload": 'say "a, b"\r\nc'}))
    assert (found["position"], found["redelivered"], found["properties"]) == ("3", "false", "{}")
    assert found["payload"] == 'say "a, b"\r\nc'


@pytest.mark.parametrize(
    "text", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "  =1", "\r=1", "\uff1d1", '=cmd|"/c calc"!A1']
)
@pytest.mark.parametrize("column", ["payload", "routing_key", "exchange"])
def test_no_text_is_a_formula(text: str, column: str) -> None:
    assert cells(csv_row({**MESSAGE, column: text}))[column] == f"'{text}"


def test_a_line_of_json_is_one_line() -> None:
    line = json_row({**MESSAGE, "payload": "a\nb"})
    assert line.count(b"\n") == 1
    assert json.loads(line)["payload"] == "a\nb"


@given(st.lists(st.text('a ",\r\n;\u00e9', max_size=6), min_size=2, max_size=5))
def test_a_line_is_what_the_csv_of_python_writes(cells: list[str]) -> None:
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerow(cells)
    assert message_rows._line(cells) == out.getvalue().encode()
