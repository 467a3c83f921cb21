"""The end of a stream's newest segment before it is full: what is in it is old, or gone."""

import logging

from persistence.streams.kept import KeptChunks

log = logging.getLogger(__name__)


def end_newest(kept: KeptChunks) -> None:
    """Write what is in memory to the newest segment, and begin the next one.

    Where it has no chunk nothing is to be ended. Where the disk refuses it stays as it is, and goes
    on. No direct write may be under way.

    Args:
        kept: the chunks of the stream.
    """
    segments = kept.segments
    if not kept.spill() or not segments.all or not len(segments.all[-1].index):
        return
    try:
        segments.begin(segments.next_offset)
    except OSError as error:
        log.warning("no segment can be begun folder=%s error=%s", kept.directory, error)
