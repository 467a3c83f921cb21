"""Frames as heads, and the runs whose records follow them."""

import pytest

from cluster.fronts.frames import Consume, Deliver, Publish
from cluster.fronts.links.encoding import encode
from cluster.fronts.links.layout import BATCH, CONSUME, DELIVER, FrameKind
from persistence.codec import encode_run
from queues.batch import Batch
from tests.support.records import run_of


def test_the_size_of_records_is_known_before_they_are_encoded() -> None:
    run = run_of(b"a", b"bc" * 40)
    encoded = encode(Publish("q", 3, 0, 0, run), 1)
    assert encoded.kind == FrameKind.PUBLISH
    assert encoded.run is run
    assert encoded.records_bytes == len(encode_run(run))


def test_a_batch_has_numbers_without_gaps() -> None:
    batch = Batch(range(7, 9), run_of(b"a", b"b"), None, 3, redelivered=True)
    head = encode(Deliver("q", (4, 5), batch), 1).head
    assert head[DELIVER.size :][:16] == (4).to_bytes(8, "little") + (5).to_bytes(8, "little")
    assert BATCH.unpack_from(head, DELIVER.size + 16)[:4] == (1, 3, 7, 2)


def test_a_priority_beyond_all_others_stays_beyond_them() -> None:
    for priority, kept in ((1 << 70, (1 << 63) - 1), (-(1 << 70), -(1 << 63)), (-5, -5)):
        consume = Consume("q", 1, "t", 0, priority, False, False, {}, 1, 1)
        assert CONSUME.unpack_from(encode(consume, 1).head)[5] == kept


@pytest.mark.parametrize(
    ("tag", "arguments"), [("t" * 256, {}), ("t", {"x": object()}), ("t", {"x": "y" * (1 << 20)})]
)
def test_a_consumer_that_no_frame_can_say_is_refused(
    tag: str, arguments: dict[str, object]
) -> None:
    consume = Consume("q", 1, tag, 0, 0, True, True, arguments, 1, 1)
    with pytest.raises(ValueError, match=r"octets|plain value"):
        encode(consume, 1)
