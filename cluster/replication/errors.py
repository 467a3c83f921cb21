"""A broken promise of the protocol is a bug of ours; it stops the node rather than go on."""


class BrokenInvariantError(Exception):
    """An invariant does not hold any more; ``rule`` and ``queue`` name it."""

    def __init__(self, rule: str, queue: str, what: str) -> None:
        """Name the rule (``I1`` to ``I8``, ``R12``), the queue, and what was found."""
        super().__init__(f"{rule} {queue}: {what}")
        self.rule = rule
        self.queue = queue


def hold(true: bool, rule: str, queue: str, what: str) -> None:  # noqa: FBT001 -- as an assert
    """Raise BrokenInvariantError unless the condition is true."""
    if not true:
        raise BrokenInvariantError(rule, queue, what)
