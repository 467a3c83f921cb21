"""What a consumer of a stream asks for, read from the arguments of its basic.consume.

    x-stream-offset                      where to begin, as an ``OffsetSpec``; absent is ``next``
    x-stream-filter                      one filter value, or a list of them; what is no string is
                                         left out
    x-stream-match-unfiltered            messages without a filter value too
    x-stream-automatic-offset-tracking   store its offset under its consumer tag, and begin there
    x-stream-group                       read in turn with others of this name, which the offset is
                                         stored under

Source: RabbitMQ, streams; LavinMQ for automatic offset tracking; the group is HareMQ's own.
"""

from typing import Final

from queues.consumer_port import ConsumerHandle
from queues.offset_spec import NEXT, OffsetSpec
from queues.stream.filter import Filter
from queues.stream.reader import ReadOptions

OFFSET: Final = "x-stream-offset"
FILTER: Final = "x-stream-filter"
MATCH_UNFILTERED: Final = "x-stream-match-unfiltered"
TRACKING: Final = "x-stream-automatic-offset-tracking"
GROUP: Final = "x-stream-group"

CONSUMER_ARGUMENTS: Final = (OFFSET, FILTER, MATCH_UNFILTERED, TRACKING, GROUP)


def read_options(handle: ConsumerHandle) -> ReadOptions:
    """Return what a consumer asks for; its arguments are valid."""
    arguments = handle.arguments
    spec = arguments.get(OFFSET, NEXT)
    assert isinstance(spec, OffsetSpec), "the rule of this argument makes it one"
    group = _octets(arguments.get(GROUP, ""))
    reference = group
    if not group and arguments.get(TRACKING) is True:
        reference = _octets(handle.consumer_tag)
    match_unfiltered = arguments.get(MATCH_UNFILTERED) is True
    return ReadOptions(spec, _filter(arguments.get(FILTER), match_unfiltered), reference, group)


def _filter(given: object, match_unfiltered: bool) -> Filter | None:  # noqa: FBT001 -- a value
    values = given if isinstance(given, list) else [] if given is None else [given]
    wanted = frozenset(_octets(value) for value in values if isinstance(value, str))
    return Filter(wanted, match_unfiltered) if wanted else None


def _octets(value: object) -> bytes:
    return str(value).encode("utf-8", "surrogateescape")
