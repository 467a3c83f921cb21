"""Whose a message is, as octets and back, and the table of a replica."""

import pytest

from persistence.errors import DamagedError
from persistence.front_numbers import (
    FrontNumber,
    Published,
    PublishedTable,
    decode_front,
    encode_front,
    encode_published,
)
from persistence.operations import decode_operations


def row(node: str, incarnation: int, number: int, record_index: int = 1) -> Published:
    return Published(0, FrontNumber(node, incarnation, number), record_index)


@pytest.mark.parametrize("node", ["a", "12345678", "rabbit@höst", "n" * 255])
def test_a_front_comes_back(node: str) -> None:
    front = FrontNumber(node, 1 << 63, (1 << 64) - 1)
    octets, name_bytes = encode_front(front)
    assert len(octets) % 8 == 0
    assert decode_front(octets + b"more", name_bytes) == (front, len(octets))


@pytest.mark.parametrize("name_bytes", [0, 9, 256])
def test_a_name_of_another_length_is_damage(name_bytes: int) -> None:
    octets, _ = encode_front(FrontNumber("a", 1, 1))
    with pytest.raises(DamagedError, match="node's name"):
        decode_front(octets, name_bytes)


def test_a_name_that_is_no_text_is_damage() -> None:
    with pytest.raises(DamagedError, match="node's name"):
        decode_front(bytes(16) + b"\xff" * 8, 2)


def test_a_row_comes_back_as_an_operation() -> None:
    written = row("a", 7, 12, 30)
    assert list(decode_operations(memoryview(encode_published(written)))) == [written]


def test_a_table_has_the_latest_process_of_each_node() -> None:
    table = PublishedTable()
    for each in (row("a", 7, 1), row("b", 3, 9), row("a", 7, 4), row("a", 8, 1), row("a", 7, 5)):
        table.note(each)
    assert set(table.rows()) == {row("a", 8, 1), row("b", 3, 9)}


def test_a_table_is_replaced_by_that_of_a_snapshot() -> None:
    table = PublishedTable()
    table.note(row("a", 7, 1))
    other = PublishedTable()
    other.note(row("b", 3, 9))
    table.restore(other.rows())
    assert table.octets(1) == other.octets(1) == encode_published(row("b", 3, 9))


def test_rows_of_later_records_are_left_out() -> None:
    table = PublishedTable()
    table.note(row("a", 7, 1, 20))
    table.note(row("b", 3, 9, 21))
    assert table.octets(20) == encode_published(row("a", 7, 1, 20))
