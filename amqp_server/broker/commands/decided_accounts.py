"""The commands on users and their rights, on a node of a cluster; see ``commands.decided``."""

from collections.abc import Callable, Mapping
from dataclasses import replace

from amqp_server.broker.access.rights import (
    TopicPermissions,
    User,
    VhostPermissions,
)
from amqp_server.broker.access.users import Users
from amqp_server.broker.broker import Broker
from amqp_server.broker.clustered.decisions import Decisions
from amqp_server.broker.definitions.accounts import UserRow
from amqp_server.broker.definitions.definition import (
    Definition,
)
from amqp_server.broker.definitions.item import Item
from amqp_server.broker.definitions.row import Reading
from amqp_server.broker.errors import NotFoundError
from amqp_server.broker.limits import USER_LIMITS, validated
from amqp_server.broker.steps import WaitingSteps


class DecidedAccounts:
    """Has the store decide what ``commands.accounts`` would do."""

    def __init__(self, broker: Broker, decisions: Decisions) -> None:
        self._broker = broker
        self._decisions = decisions

    def put_user(
        self, _now_ms: int, name: str, *, account: Mapping[str, object]
    ) -> WaitingSteps[bool]:
        """Create a user, or replace the one of that name; its limits and rights stay."""
        broker = self._broker

        def changed(before: Definition | None) -> Definition:
            known = before if isinstance(before, User) else None
            limits = {} if known is None else known.limits
            item = Item({**account, "name": name, "limits": limits}, "user")
            reading = Reading(broker.random_bytes, known_user=lambda _name: known)
            return UserRow().read(item, reading)

        return (yield from self._decisions.changing(User(name, ""), changed)) is None

    def delete_user(self, _now_ms: int, name: str) -> WaitingSteps[bool]:
        """Delete a user, and close its connections; return whether there was one."""
        return (yield from self._decisions.forgetting(User(name, ""))) is not None

    def set_user_limit(
        self, _now_ms: int, name: str, *, limit: str, value: object
    ) -> WaitingSteps[None]:
        """Set ``max-connections`` or ``max-channels``; a negative value is no limit."""
        added = validated({limit: value}, USER_LIMITS, "user-limits")
        yield from self._limiting_user(name, lambda held: {**held, **added})

    def clear_user_limit(self, _now_ms: int, name: str, *, limit: str) -> WaitingSteps[bool]:
        """Lift a limit; return whether it stood."""
        held = yield from self._limiting_user(
            name, lambda held: {key: value for key, value in held.items() if key != limit}
        )
        return limit in held

    def _limiting_user(
        self, name: str, change: Callable[[Mapping[str, int]], Mapping[str, int]]
    ) -> WaitingSteps[Mapping[str, int]]:
        """Change the limits of a user; return those that stood."""

        def changed(before: Definition | None) -> Definition:
            if not isinstance(before, User):
                raise NotFoundError(f"no such user '{name}'")
            return replace(before, limits=change(before.limits))

        before = yield from self._decisions.changing(User(name, ""), changed)
        assert isinstance(before, User), before
        return before.limits

    def set_permissions(
        self, _now_ms: int, user: str, vhost: str, *, configure: str, write: str, read: str
    ) -> WaitingSteps[bool]:
        """Set the rights of a user in a vhost, by patterns; return whether it had none."""
        held = VhostPermissions(user, vhost, configure, write, read)
        scratch = _only(user)
        scratch.set_permissions(user, vhost, configure, write, read)
        return (yield from self._decisions.saving(held)) is None

    def clear_permissions(self, _now_ms: int, user: str, vhost: str) -> WaitingSteps[bool]:
        """Remove the rights of a user in a vhost; return whether there were any."""
        like = VhostPermissions(user, vhost, "", "", "")
        return (yield from self._decisions.forgetting(like)) is not None

    def set_topic_permissions(
        self, _now_ms: int, user: str, vhost: str, *, exchange: str, write: str, read: str
    ) -> WaitingSteps[bool]:
        """Restrict the routing keys of a user at an exchange; return whether none were."""
        scratch = _only(user)
        scratch.set_topic_permissions(user, vhost, exchange, write, read)
        held = TopicPermissions(user, vhost, exchange, write, read)
        return (yield from self._decisions.saving(held)) is None

    def clear_topic_permissions(
        self, _now_ms: int, user: str, vhost: str, *, exchange: str | None
    ) -> WaitingSteps[bool]:
        """Lift the restriction at one exchange, or at all (None); return whether one stood."""
        held = [
            each
            for each in self._broker.users.topic_permissions(user)
            if each.vhost == vhost and exchange in {None, each.exchange}
        ]
        was_there = False
        for each in held:
            was_there |= (yield from self._decisions.forgetting(each)) is not None
        return was_there


def _only(user: str) -> Users:
    """Return a book of one user to try patterns on, so that they are checked in one place."""
    scratch = Users()
    scratch.put(User(user, ""))
    return scratch
