"""Rows are noted with the one clock, and come back from a file as they were."""

from pathlib import Path

import pytest

from load_generator.verifying.history import (
    Action,
    Kind,
    Notebook,
    Row,
    Value,
    read_history,
    write_history,
)

VALUE = Value("q", 1, 1)


def test_rows_are_noted_in_order_with_the_time() -> None:
    instants = iter([5, 6, 7, 8, 9])
    notebook = Notebook(lambda: next(instants))
    notebook.enqueue(Kind.INVOKE, 1, "n1", [VALUE])
    notebook.deliver(Action.DELIVER, 2, "n2", VALUE, redelivered=True)
    notebook.ack(Kind.OK, 2, "n2", [VALUE])
    assert notebook.fault(Kind.INVOKE, "kill-all") == 8
    notebook.read(Action.DRAIN, 3, "n3", VALUE, 12)
    assert notebook.rows == [
        Row(5, 1, Kind.INVOKE, Action.ENQUEUE, VALUE, "n1"),
        Row(6, 2, Kind.OK, Action.DELIVER, VALUE, "n2", redelivered=True),
        Row(7, 2, Kind.OK, Action.ACK, VALUE, "n2"),
        Row(8, 0, Kind.INVOKE, Action.FAULT, None, "kill-all"),
        Row(9, 3, Kind.OK, Action.DRAIN, VALUE, "n3", offset=12),
    ]


def test_numbers_are_never_used_again() -> None:
    notebook = Notebook(lambda: 0)
    assert len({notebook.number() for _ in range(100)}) == 100


def test_what_must_not_be_is_said_with_its_time() -> None:
    notebook = Notebook(lambda: 12)
    notebook.odd("a confirm of nothing")
    assert notebook.oddities == ["at 12 ms: a confirm of nothing"]


def test_a_file_gives_back_what_it_got(tmp_path: Path) -> None:
    rows = [
        Row(5, 1, Kind.INVOKE, Action.ENQUEUE, VALUE, "n1"),
        Row(6, 2, Kind.OK, Action.DRAIN, VALUE, "n2", redelivered=True),
        Row(7, 3, Kind.OK, Action.END, VALUE, "n3", offset=12),
        Row(8, 0, Kind.OK, Action.FAULT, None, "kill-all"),
    ]
    write_history(tmp_path / "history", rows)
    assert read_history(tmp_path / "history") == rows


def test_a_file_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "other").write_text("no JSON\n", encoding="utf-8")
    with pytest.raises(ValueError, match="Expecting value"):
        read_history(tmp_path / "other")
