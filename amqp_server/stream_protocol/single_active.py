"""Groups of subscriptions of which one reads: single active consumer of the stream protocol.

    group (vhost, stream, name)    plain stream: the first that came is active
                                   partition n of a super stream: member n mod their count

When another member is to be active, the present one is told first, and answers. Only then is the
other one told, answers with the offset to begin at, and gets its first chunk.

Source: RabbitMQ, rabbit_stream_sac_coordinator; stream protocol, ConsumerUpdate.
"""

from typing import Final, NamedTuple, Protocol

PLAIN: Final = -1
"""The partition index of a stream that is no partition."""


class GroupKey(NamedTuple):
    """The identity of a group."""

    vhost: str
    stream: str
    name: str


class Member(Protocol):
    """One subscription of a group."""

    def tell(self, *, is_active: bool) -> None:
        """Ask its client to begin or to stop; ``Groups.answered`` follows."""


class _Group:
    """One group.

    Attributes:
        partition_index: of the stream in its super stream, or ``PLAIN``.
        active: who reads, or was told to.
        stepping_down: ``active`` was told to stop and has not answered.
    """

    __slots__ = ("active", "members", "partition_index", "stepping_down")

    def __init__(self, partition_index: int) -> None:
        self.partition_index = partition_index
        self.members: list[Member] = []
        self.active: Member | None = None
        self.stepping_down = False

    def due(self) -> Member:
        """Return who is to be active; there is a member."""
        if self.partition_index == PLAIN:
            return self.members[0]
        return self.members[self.partition_index % len(self.members)]


class Groups:
    """The groups of a node.

    Invariant: no group is empty, and at most one member of each is active.
    """

    __slots__ = ("_groups",)

    def __init__(self) -> None:
        self._groups: dict[GroupKey, _Group] = {}

    def join(self, key: GroupKey, member: Member, partition_index: int) -> None:
        """Add a member; it is told whether it is active."""
        group = self._groups.get(key)
        if group is None:
            group = self._groups[key] = _Group(partition_index)
        group.members.append(member)
        if group.due() is not member or group.active is not None:
            member.tell(is_active=False)
        self._settle(group)

    def leave(self, key: GroupKey, member: Member) -> None:
        """Remove a member; another one may become active."""
        group = self._groups.get(key)
        if group is None or member not in group.members:
            return
        group.members.remove(member)
        if not group.members:
            del self._groups[key]
            return
        if group.active is member:
            group.active, group.stepping_down = None, False
        self._settle(group)

    def answered(self, key: GroupKey, member: Member) -> None:
        """Note that a member has answered."""
        group = self._groups.get(key)
        if group is not None and group.active is member and group.stepping_down:
            group.active, group.stepping_down = None, False
            self._settle(group)

    def is_active(self, key: GroupKey, member: Member) -> bool:
        """Whether a member reads, or was told to."""
        group = self._groups.get(key)
        return group is not None and group.active is member and not group.stepping_down

    def _settle(self, group: _Group) -> None:
        due = group.due()
        if group.active is None:
            group.active = due
            due.tell(is_active=True)
        elif group.active is not due and not group.stepping_down:
            group.stepping_down = True
            group.active.tell(is_active=False)
