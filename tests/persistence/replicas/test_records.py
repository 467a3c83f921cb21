"""Records in pieces, cut and read anywhere."""

import random

import pytest

from persistence.operations import encode_settle
from persistence.replicas.records import Records


def record(number: int) -> bytes:
    return encode_settle(0, range(number, number + 1))


def test_a_read_ends_where_it_would_be_too_long_and_has_one_at_least() -> None:
    records = Records()
    records.append(0, 3, b"".join(map(record, range(3))))
    records.append(3, 1, record(3))
    assert records.read(0, 4, 1) == (1, record(0))
    assert records.read(1, 4, 2 * len(record(0))) == (2, record(1) + record(2))
    assert records.read(1, 2, 1 << 20) == (2, record(1) + record(2))
    assert records.read(4, 2, 1 << 20) == (0, b"")


def test_taken_records_are_gone_and_the_others_stay() -> None:
    records = Records(10)
    records.append(10, 4, b"".join(map(record, range(4))))
    taken = records.take(12)
    assert b"".join(bytes(piece.octets) for piece in taken) == record(0) + record(1)
    assert (records.base, records.end, records.size_bytes) == (12, 14, 2 * len(record(0)))
    assert records.read(12, 9, 1 << 20) == (2, record(2) + record(3))


@pytest.mark.parametrize("seed", range(50))
def test_random_cuts_and_reads_agree_with_a_list(seed: int) -> None:
    draw = random.Random(seed)
    records, model, base, number = Records(), list[bytes](), 0, 0
    for _ in range(60):
        end = base + len(model)
        match draw.choice(("append", "append", "take", "read")):
            case "append":
                after = end if draw.random() < 0.7 else draw.randint(base, end)
                count = draw.randrange(4)
                octets = [record(number + i) for i in range(count)]
                number += count
                records.append(after, count, b"".join(octets))
                model = model[: after - base] + octets
            case "take":
                last = draw.randint(base, end)
                taken = records.take(last)
                octets = model[: last - base]
                assert b"".join(bytes(piece.octets) for piece in taken) == b"".join(octets)
                model, base = model[last - base :], last
            case _:
                after, count = draw.randint(base, end), draw.randrange(5)
                octets = model[after - base : after - base + count]
                assert records.read(after, count, 1 << 20) == (len(octets), b"".join(octets))
        assert (records.base, records.end) == (base, base + len(model))
        assert records.size_bytes == sum(map(len, model))
