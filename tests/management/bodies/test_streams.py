"""What clients of the stream protocol do, as objects."""

from amqp_server.broker.views import StreamTracking
from management.bodies.streams import tracking_body


def test_tracking_is_shown_as_a_whole_or_by_halves() -> None:
    tracking = StreamTracking({"reader": 7}, {"sensor": 3})
    assert tracking_body(tracking, "all") == {"offsets": {"reader": 7}, "writers": {"sensor": 3}}
    assert tracking_body(tracking, "offset") == {"offsets": {"reader": 7}}
    assert tracking_body(tracking, "writer") == {"writers": {"sensor": 3}}
    assert tracking_body(StreamTracking({}, {}), "") == {"offsets": {}, "writers": {}}
