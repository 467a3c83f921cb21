"""The options of the command line that go with the stream protocol, checked."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from load_generator.load import Streaming
from load_generator.options import OptionError, Options
from load_generator.streams import commands
from load_generator.wire import LoadError

BATCH_DEFAULT: Final = 100
CREDIT_DEFAULT: Final = 10
PARTITIONS_MAX: Final = 256
"""A connection has as many publishers at most."""
_MESSAGE_OVERHEAD_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class StreamOptions:
    """The options as given; None or empty is one that was not given.

    Attributes:
        batch_count: messages in one Publish.
        sub_entry_count: messages in each sub-entry.
        filter_values: of the messages, in turn.
        credit: chunks that a reader lets the broker send ahead.
        is_super_stream: the streams are the partitions of one super stream.
    """

    batch_count: int | None = None
    sub_entry_count: int | None = None
    filter_values: Sequence[str] = ()
    credit: int | None = None
    is_super_stream: bool = False


def refuse_without_streams(given: StreamOptions) -> None:
    """Raise for an option that AMQP does not have.

    Raises:
        OptionError: one was given.
    """
    if given != StreamOptions():
        raise OptionError(
            "--batch, --sub-entry, --filter-values, --credit and --super-stream go with a"
            " rabbitmq-stream:// URI"
        )


def streaming_of(given: StreamOptions, options: Options) -> Streaming:
    """Return what a load over the stream protocol has besides.

    Raises:
        OptionError: an option that only AMQP has, or values that contradict each other.
    """
    _refuse_amqp(options)
    batch_count = given.batch_count or BATCH_DEFAULT
    sub_entry_count = given.sub_entry_count or 0
    _check_forms(given, options, batch_count, sub_entry_count)
    for name, count in (("--confirm", options.confirm_window), ("--backlog", options.backlog)):
        if count and count < batch_count:
            raise OptionError(f"{name} {count} is less than one --batch of {batch_count}")
    if batch_count * (len(options.body) + _MESSAGE_OVERHEAD_BYTES) > commands.FRAME_MAX_BYTES:
        raise OptionError(f"a --batch of {batch_count} such messages is more than 1 MiB")
    if options.offset is not None:
        try:
            commands.offset_spec(options.offset)
        except LoadError as error:
            raise OptionError(str(error)) from error
    return Streaming(
        batch_count=batch_count,
        sub_entry_count=sub_entry_count,
        filter_values=given.filter_values,
        credit=given.credit or CREDIT_DEFAULT,
    )


def _check_forms(
    given: StreamOptions, options: Options, batch_count: int, sub_entry_count: int
) -> None:
    if sub_entry_count:
        if given.filter_values:
            raise OptionError("--sub-entry and --filter-values are different forms of a message")
        if batch_count % sub_entry_count or options.message_count % sub_entry_count:
            raise OptionError("--batch and --messages must be whole numbers of --sub-entry")
    if given.is_super_stream:
        if sub_entry_count:
            raise OptionError("--sub-entry with --super-stream: a key would share its sub-entry")
        if options.queues > PARTITIONS_MAX:
            raise OptionError(f"a super stream has {PARTITIONS_MAX} --queues at most here")


def _refuse_amqp(options: Options) -> None:
    refused = {
        "--exchange": options.exchange_kind,
        "--headers": options.headers,
        "--mandatory": options.mandatory,
        "--persistent": options.persistent,
        "--prefetch": options.prefetch_count,
        "--binding-key": options.binding_key,
        "--ack": options.ack != "auto",
    }
    names = [name for name, value in refused.items() if value]
    if names:
        raise OptionError(f"{', '.join(names)}: not with the stream protocol")
