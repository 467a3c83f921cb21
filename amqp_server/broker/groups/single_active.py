"""Groups of subscriptions of which one reads: single active consumer of the stream protocol.

    group (stream, name)           plain stream: the first that came is active
                                   partition n of a super stream: member n mod their count

When another member is to be active, the present one is told first, and answers. Only then is the
other one told, answers with the offset to begin at, and gets its first chunk.

In a cluster the node that leads the stream has its groups. Members come to a new leader again, in
any order and maybe while one of them reads: so each has a rank, which gives the order, and may say
that it is active.

Source: RabbitMQ, rabbit_stream_sac_coordinator; stream protocol, ConsumerUpdate.
"""

from bisect import bisect_right
from collections.abc import Callable
from typing import Final, NamedTuple, Protocol, TypeAlias

PLAIN: Final = -1
"""The partition index of a stream that is no partition."""

GROUP_MEMBERS_MAX: Final = 10_000
"""Members of one group: all but one of them wait, and each is looked at when one leaves."""

Rank: TypeAlias = tuple[int, str, int]
"""The order of members: when one came (wall clock, ms), its node, and its number there."""

LOCAL: Final[Rank] = 0, "", 0
"""The rank of those that come one after another to a node by itself."""


class Stream(NamedTuple):
    """A stream, and no other one that had or will have its name.

    Attributes:
        stored_id: see ``broker.queue.QueueIdentity``; empty is the one that has the name now.
    """

    vhost: str
    name: str
    stored_id: str = ""


class GroupKey(NamedTuple):
    """The identity of a group.

    Attributes:
        epoch: of the leadership that has the group, which begins anew with each one; 0 is that of
            a node by itself.
        stored_id: see ``Stream``.
    """

    vhost: str
    stream: str
    name: str
    epoch: int = 0
    stored_id: str = ""

    @property
    def read(self) -> Stream:
        """The stream that its members read."""
        return Stream(self.vhost, self.stream, self.stored_id)


class Member(Protocol):
    """One subscription of a group."""

    def tell(self, *, is_active: bool) -> None:
        """Ask its client to begin or to stop; ``Groups.answered`` follows."""


class ConsumerGroups(Protocol):
    """The groups as the subscriptions of a node know them, wherever they are decided."""

    def has_room(self, key: GroupKey) -> bool:
        """Return whether a group takes one more member, as far as is known here."""

    def join(self, key: GroupKey, member: Member, partition_index: int) -> None:
        """Add a member; it is told whether it is active, now or later."""

    def leave(self, key: GroupKey, member: Member) -> None:
        """Remove a member, if it is there."""

    def answered(self, key: GroupKey, member: Member) -> None:
        """Note that a member which was told to stop has answered."""

    def is_active(self, key: GroupKey, member: Member) -> bool:
        """Whether a member reads, or was told to."""


class _Group:
    """One group.

    Attributes:
        partition_index: of the stream in its super stream, or ``PLAIN``.
        members, ranks: in the order of their ranks.
        active: who reads, or was told to.
        stepping_down: ``active`` was told to stop and has not answered.
    """

    __slots__ = ("active", "members", "partition_index", "ranks", "stepping_down")

    def __init__(self, partition_index: int) -> None:
        self.partition_index = partition_index
        self.members: list[Member] = []
        self.ranks: list[Rank] = []
        self.active: Member | None = None
        self.stepping_down = False

    def add(self, member: Member, rank: Rank) -> None:
        """Add a member behind those of its rank and below."""
        place = bisect_right(self.ranks, rank)
        self.ranks.insert(place, rank)
        self.members.insert(place, member)

    def remove(self, member: Member) -> None:
        """Remove a member."""
        place = self.members.index(member)
        del self.ranks[place], self.members[place]

    def due(self) -> Member:
        """Return who is to be active; there is a member."""
        if self.partition_index != PLAIN:
            return self.members[self.partition_index % len(self.members)]
        # Who reads a plain stream goes on, also where one comes again that was there before.
        return self.members[0] if self.active is None else self.active


class Groups:
    """The groups that a node decides; the ``ConsumerGroups`` of a node by itself.

    Invariant: no group is empty, and at most one member of each is active.
    """

    __slots__ = ("_groups", "_held", "_may_decide")

    def __init__(self, may_decide: Callable[[GroupKey], bool] | None = None) -> None:
        """Begin without a group.

        Args:
            may_decide: whether another member of a group may become active now, or none. There may
                be one that still reads as an earlier leader has told it to. None is always.
        """
        self._groups: dict[GroupKey, _Group] = {}
        self._may_decide = may_decide
        self._held: dict[GroupKey, None] = {}

    def has_room(self, key: GroupKey) -> bool:
        """Return whether a group takes one more member."""
        group = self._groups.get(key)
        return group is None or len(group.members) < GROUP_MEMBERS_MAX

    def join(
        self,
        key: GroupKey,
        member: Member,
        partition_index: int,
        rank: Rank = LOCAL,
        *,
        is_active: bool = False,
    ) -> None:
        """Add a member to a group that has room; it is told whether it is active.

        Args:
            key: of the group.
            member: that joins.
            partition_index: of the stream in its super stream, or ``PLAIN``.
            rank: where it stands in the order; it is behind all of its rank.
            is_active: it reads already, as an earlier leader has told it to. If nobody else is
                active it goes on, and is told nothing.
        """
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(partition_index)
        group.add(member, rank)
        if is_active and group.active is None:
            group.active = member
        elif group.due() is not member or group.active is not None:
            member.tell(is_active=False)
        self._settle(key, group)

    def leave(self, key: GroupKey, member: Member) -> None:
        """Remove a member; another one may become active."""
        group = self._groups.get(key)
        if group is None or member not in group.members:
            return
        group.remove(member)
        if group.active is member:
            group.active, group.stepping_down = None, False
        if not group.members:
            del self._groups[key]
            self._held.pop(key, None)
            return
        self._settle(key, group)

    def answered(self, key: GroupKey, member: Member) -> None:
        """Note that a member has answered."""
        group = self._groups.get(key)
        if group is not None and group.active is member and group.stepping_down:
            group.active, group.stepping_down = None, False
            self._settle(key, group)

    def is_active(self, key: GroupKey, member: Member) -> bool:
        """Whether a member reads, or was told to."""
        group = self._groups.get(key)
        return group is not None and group.active is member and not group.stepping_down

    def settle_held(self) -> None:
        """Look again at groups in which nothing could be decided."""
        held, self._held = self._held, {}
        for key in held:
            group = self._groups.get(key)
            if group is not None:
                self._settle(key, group)

    def _settle(self, key: GroupKey, group: _Group) -> None:
        if self._may_decide is not None and not self._may_decide(key):
            self._held[key] = None
            return
        due = group.due()
        if group.active is None:
            group.active = due
            due.tell(is_active=True)
        elif group.active is not due and not group.stepping_down:
            group.stepping_down = True
            group.active.tell(is_active=False)
