"""Which publishes the target has confirmed, and so up to which delivery the source may forget.

Both sides count from 1 on fresh channels, and each delivery becomes one publish. So the number of a
confirm is the tag of the delivery that it is about.
"""


class Tally:
    """The numbers of one move.

    Attributes:
        written: deliveries that were published.
        safe: all of them up to this one are confirmed.
    """

    def __init__(self) -> None:
        """Begin with nothing."""
        self.written = 0
        self.safe = 0
        self._above: set[int] = set()

    @property
    def is_settled(self) -> bool:
        """Whether all that was published is confirmed."""
        return self.safe == self.written

    def confirmed(self, number: int, *, multiple: bool) -> bool:
        """Take a confirm; return whether ``safe`` has risen.

        Args:
            number: of a publish.
            multiple: all before it are confirmed, too.
        """
        before = self.safe
        if number > self.written:
            raise ValueError(f"a confirm of {number}, and {self.written} were published")
        if multiple:
            self.safe = max(self.safe, number)
        elif number > self.safe:
            self._above.add(number)
        while self.safe + 1 in self._above:
            self.safe += 1
            self._above.discard(self.safe)
        self._above = (
            {each for each in self._above if each > self.safe} if multiple else self._above
        )
        return self.safe > before
