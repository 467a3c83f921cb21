"""What a metadata store may fail with. Each error says what is certain about the request.

A transaction whose outcome is *not* certain raises nothing: it returns ``port.Unknown`` (R7).
"""


class MetadataError(Exception):
    """The store did not do as asked."""


class StoreAwayError(MetadataError):
    """No answer, or none of use; a read or a watch may be asked again.

    Where a transaction raises it, the request was not carried out and never will be.
    """


class RequestRefusedError(MetadataError):
    """The store will not carry it out, and has not: rights, room, or a request it cannot read."""


class LeaseGoneError(RequestRefusedError):
    """The lease that a put is to hang on does not exist any more; nothing was put."""


class CompactedError(MetadataError):
    """What is asked for is older than what the store keeps: read everything anew, then watch.

    ``compacted_revision`` is the oldest revision that can be read; 0 where the store did not say.
    """

    def __init__(self, compacted_revision: int) -> None:
        super().__init__(f"the store keeps nothing older than revision {compacted_revision}")
        self.compacted_revision = compacted_revision


class OtherStoreError(MetadataError):
    """The answer is from another store than those before it: it was built anew, or mixed up.

    Its revisions mean nothing here. No engine goes on by itself; an operator has to decide.
    """


class StoreWentBackError(MetadataError):
    """The store is at a lower revision than one that was seen: an old copy was put back (R21).

    Revisions will be given a second time. No engine goes on by itself; an operator has to decide.
    """

    def __init__(self, seen: int, found: int) -> None:
        super().__init__(f"the store was at revision {seen}, and is back at {found}")
        self.seen = seen
        self.found = found


class OutcomeUnknownError(MetadataError):
    """A change was asked for, and the store went away before it was certain what came of it."""


class AnswerTooLongError(MetadataError):
    """An answer is longer than its bound; it was not read to its end."""


class RecordFormatError(MetadataError):
    """A value in the store has another form than it must have, or a newer one."""
