"""Errors of requests to a queue; the broker composes the text for the client."""


class QueueError(Exception):
    """A queue cannot grant a request."""


class ExclusiveUseError(QueueError):
    """The queue has an exclusive consumer, or cannot give one exclusive use now."""
