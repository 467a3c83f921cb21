"""A super stream as JSON: which exchange is one, how partitions are ordered, how far groups are."""

from amqp_server.broker.views import BindingView, ExchangeView, StreamSegments
from management.bodies.super_streams import (
    Position,
    is_super_stream,
    partitions_of,
    position_body,
    super_stream_body,
)

EXCHANGE = ExchangeView("s", "/", "direct", True, False, False, {}, None, 0, 0, 0, 0)
SEGMENTS = StreamSegments(10, 15, 5, 100, 1, [], None)


def binding(name: str, key: str, **arguments: object) -> BindingView:
    given = {name.replace("_", "-"): value for name, value in arguments.items()}
    return BindingView("s", "/", name, "queue", key, given, {})


def test_a_super_stream_is_known_by_its_argument_or_its_type() -> None:
    assert not is_super_stream(EXCHANGE)
    assert is_super_stream(EXCHANGE._replace(type="x-super-stream"))
    assert is_super_stream(EXCHANGE._replace(arguments={"x-super-stream": True}))
    assert not is_super_stream(EXCHANGE._replace(arguments={"x-super-stream": "yes"}))


def test_partitions_come_by_their_numbers_and_those_without_come_first() -> None:
    found = partitions_of(
        [
            binding("b", "1", x_stream_partition_order=1),
            binding("a", "0", x_stream_partition_order=0),
            binding("b", "one"),
            binding("c", "x", x_stream_partition_order=True),
        ]
    )
    assert [(each.name, each.order, each.keys) for each in found] == [
        ("c", None, ["x"]),
        ("a", 0, ["0"]),
        ("b", 1, ["1", "one"]),
    ]


def test_a_group_is_behind_by_what_it_has_still_to_get() -> None:
    def lag_of(position: Position) -> int:
        lag: int = position_body("g", position, SEGMENTS)["lag"]
        return lag

    assert lag_of(Position(stored_offset=12)) == 2
    assert lag_of(Position(stored_offset=12, next_offset=14, readers=1)) == 1
    assert lag_of(Position(stored_offset=2)) == 5, "what retention removed is not behind"
    assert lag_of(Position()) == 5
    assert lag_of(Position(next_offset=99)) == 0


def test_sums_of_nothing_are_nothing() -> None:
    body = super_stream_body(EXCHANGE, [])
    assert (body["partitions_count"], body["messages"], body["rate_in"]) == (0, 0, 0.0)
