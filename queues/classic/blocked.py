"""Consumers of one queue that wait for credit, and the order in which they come back.

A consumer is blocked when a message is there for it and it has no credit. There are two causes: its
own prefetch is used up, or its *lane* is shut, because the channel that it shares with others has
no room for any of them. When it has credit again, it joins the consumers with credit as the last of
them (RabbitMQ, rabbit_queue_consumers). Consumers that wait for a lane wait together, as one
``Cohort``. Whatever its length, a cohort leaves in one step, and waits again in one step.
"""

from bisect import bisect_left, insort

from queues.consumer_port import ConsumerHandle, Lane


class Cohort:
    """Consumers of one lane that began to wait for it one after the other.

    Each has a number, its place in the order in which the queue's consumers began to wait.

    Attributes:
        lane: the lane.
        members: consumers by their number less the cohort's ``_shift``, ascending.
    """

    __slots__ = ("_shift", "lane", "members")

    def __init__(self, lane: Lane) -> None:
        self.lane = lane
        self.members: list[tuple[int, ConsumerHandle]] = []
        self._shift = 0

    def put(self, number: int, handle: ConsumerHandle) -> int:
        """Put a consumer among the others by its number; return its place, for ``drop``."""
        place = number - self._shift
        if not self.members or self.members[-1][0] < place:
            self.members.append((place, handle))
        else:
            insort(self.members, (place, handle))
        return place

    def drop(self, place: int) -> None:
        """Remove a consumer."""
        del self.members[bisect_left(self.members, (place,))]

    def renumber(self, first_number: int) -> int:
        """Give them all new numbers, in the same order; return the number behind the last."""
        self._shift = first_number - self.members[0][0]
        return self.members[-1][0] + self._shift + 1
