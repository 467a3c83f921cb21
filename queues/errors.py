"""What can be wrong with a request to a queue; the broker composes the client's text."""


class QueueError(Exception):
    """A queue cannot grant a request."""


class ExclusiveUseError(QueueError):
    """The queue has an exclusive consumer, or cannot give one exclusive use now."""
