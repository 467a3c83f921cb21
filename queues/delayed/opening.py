"""A slot of the timing wheel that is being opened."""


class Opening:
    """A slot whose messages are being taken off its lane.

    Attributes:
        slot: its number.
        at_ms: the time of the wheel: what is due by then is due now.
        left_count: how many of its messages are still in the lane, before those that came since.
        is_few: they go to memory, in order.
        renews: they go to a slot again, with new positions.
    """

    __slots__ = ("at_ms", "is_few", "left_count", "renews", "slot")

    def __init__(
        self, slot: int, at_ms: int, left_count: int, *, is_few: bool, renews: bool
    ) -> None:
        self.slot = slot
        self.at_ms = at_ms
        self.left_count = left_count
        self.is_few = is_few
        self.renews = renews
