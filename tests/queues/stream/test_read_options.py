"""What the arguments of basic.consume ask for."""

import pytest

from queues.offset_spec import FIRST, NEXT
from queues.stream.filter import Filter
from queues.stream.read_options import read_options
from queues.stream.reader import ReadOptions
from tests.support.consumer import FakeConsumer


def options_of(**arguments: object) -> ReadOptions:
    consumer = FakeConsumer("me")
    consumer.arguments = {
        f"x-stream-{key.replace('_', '-')}": value for key, value in arguments.items()
    }
    return read_options(consumer)


def test_without_arguments_it_reads_what_comes_next() -> None:
    assert options_of() == ReadOptions(NEXT, None, b"", b"")


@pytest.mark.parametrize(
    ("given", "values"),
    [("eu", {b"eu"}), (["eu", "us", 7], {b"eu", b"us"}), ([], None), ([7], None)],
)
def test_filter_values(given: object, values: set[bytes] | None) -> None:
    wanted = None if values is None else Filter(frozenset(values))
    assert options_of(filter=given).wanted == wanted
    assert options_of(match_unfiltered=True).wanted is None


def test_unfiltered_messages_are_asked_for_beside_values() -> None:
    assert options_of(filter="eu", match_unfiltered=True).wanted == Filter(
        frozenset((b"eu",)), match_unfiltered=True
    )


def test_tracking_is_under_the_consumer_tag_or_the_group() -> None:
    assert options_of(automatic_offset_tracking=True).reference == b"me"
    assert options_of(automatic_offset_tracking=False).reference == b""
    assert options_of(group="app", offset=FIRST) == ReadOptions(FIRST, None, b"app", b"app")
    assert options_of(group="app", automatic_offset_tracking=True).reference == b"app"
