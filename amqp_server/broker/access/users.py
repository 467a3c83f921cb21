"""Who may log in, and who may do what where: the accounts and the rights that are held.

A permission is a regular expression (see ``patterns``) searched in the name of the resource; three
of them, for configure, write and read, per user and vhost. A user without any in a vhost may not
enter it.
The default exchange has an empty name, so ``amq.default`` is searched instead.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

from sortedcontainers import SortedList

from amqp_server.broker.access.passwords import DEFAULT_ALGORITHM, SALT_BYTES, hash_password, verify
from amqp_server.broker.access.patterns import (
    Pattern,
    PatternError,
    compile_pattern,
    is_found,
    quote,
)
from amqp_server.broker.access.rights import (
    Permission,
    ResourceKind,
    RightsJournal,
    TopicPermissions,
    User,
    VhostPermissions,
)
from amqp_server.broker.errors import (
    AccessRefusedError,
    LoginRefusedError,
    NotFoundError,
    PreconditionFailedError,
)

DEFAULT_EXCHANGE_NAME: Final = "amq.default"

_NOTHING: Final = r"\A\Z"
"""The meaning of an empty pattern: it matches no name, but an empty routing key."""

_UNKNOWN_USERS_HASH: Final = hash_password("nobody", bytes(SALT_BYTES))


class _NoJournal:
    def save(self, definition: User | VhostPermissions | TopicPermissions) -> int:  # noqa: ARG002
        return 0

    def forget(self, definition: User | VhostPermissions | TopicPermissions) -> int:  # noqa: ARG002
        return 0


class Users:
    """All accounts and rights of the broker.

    Attributes:
        generation: grows with every change; decisions of an older one are void.
        loopback_users: names that may only log in from this host.
        names: of all users, for views; changed only here.

    Args:
        loopback_users: see above.
        journal: makes everything survive; None keeps nothing.
    """

    def __init__(
        self, loopback_users: Iterable[str] = ("guest",), journal: RightsJournal | None = None
    ) -> None:
        self.generation = 0
        self.loopback_users = frozenset(loopback_users)
        self._journal = journal if journal is not None else _NoJournal()
        self._users: dict[str, User] = {}
        self._ourselves: dict[str, User] = {}
        self.names: SortedList[str] = SortedList()
        self._permissions: dict[tuple[str, str], VhostPermissions] = {}
        self._patterns: dict[tuple[str, str], dict[Permission, Pattern]] = {}
        self._topic_permissions: dict[tuple[str, str, str], TopicPermissions] = {}
        self._topic_restricted: frozenset[tuple[str, str]] = frozenset()

    def heard_by(self, journal: RightsJournal) -> None:
        """Tell another journal of changes from now on; it passes them on to the one so far."""
        self._journal = journal

    # ── accounts ──

    def put(self, user: User) -> None:
        """Create a user, or replace the one of that name; permissions stay.

        Raises:
            PreconditionFailedError: it is too large to be stored (406).
        """
        if self._users.get(user.name) != user:
            self._journal.save(user)
        if user.name not in self._users:
            self.names.add(user.name)
        self._users[user.name] = user
        self.generation += 1

    def get(self, name: str) -> User | None:
        """Return the user, or None."""
        return self._users.get(name) or self._ourselves_if(name)

    def admit_ourselves(self, user: User) -> None:
        """Let this node itself log in as a user who may do everything, and is in no list.

        Args:
            user: with a name and a password that nobody else can know.
        """
        self._ourselves[user.name] = user

    def _ourselves_if(self, name: str) -> User | None:
        return self._ourselves.get(name)

    def delete(self, name: str) -> bool:
        """Drop a user with all its permissions; return whether there was one."""
        user = self._users.pop(name, None)
        if user is None:
            return False
        self.names.remove(name)
        self._forget(lambda holder, _vhost: holder == name)
        self._journal.forget(user)
        return True

    def forget_vhost(self, vhost: str) -> None:
        """Drop every permission in a vhost that was deleted."""
        self._forget(lambda _user, held_vhost: held_vhost == vhost)

    def list(self) -> Sequence[User]:
        """Return all users by name."""
        return sorted(self._users.values(), key=lambda user: user.name)

    # ── logging in ──

    def authenticate(self, username: str, password: str) -> User:
        """Return the user with this name and password; takes as long if there is none.

        Raises:
            LoginRefusedError: the text is for the log; the client is told nothing.
        """
        user = self.get(username)
        known = user is not None and bool(user.password_hash)
        stored = user.password_hash if user is not None and known else _UNKNOWN_USERS_HASH
        algorithm = user.hashing_algorithm if user is not None and known else DEFAULT_ALGORITHM
        matches = verify(password, stored, algorithm)
        if user is None or not known or not matches:
            raise LoginRefusedError(f"user '{username}' - invalid credentials")
        return user

    def authenticate_by_certificate(self, username: str) -> User:
        """Return the user of this name, whom the TLS layer has already proven.

        Raises:
            LoginRefusedError: there is no such user.
        """
        user = self._users.get(username)
        if user is None:
            raise LoginRefusedError(f"user '{username}' - invalid credentials")
        return user

    def check_loopback(self, user: User, *, is_loopback: bool) -> None:
        """Refuse a remote login of users that may log in only from this host.

        Raises:
            LoginRefusedError: the text is for the log.
        """
        if not is_loopback and user.name in self.loopback_users:
            raise LoginRefusedError(f"user '{user.name}' can only connect via localhost")

    def may_enter_vhost(self, username: str, vhost: str) -> bool:
        """Return whether the user has permissions, of whatever kind, in the vhost."""
        if username in self._users:
            return (username, vhost) in self._permissions
        return self._ourselves_if(username) is not None

    # ── permissions ──

    def set_permissions(self, user: str, vhost: str, configure: str, write: str, read: str) -> None:
        """Give a user these rights in a vhost, in place of those it had.

        Raises:
            NotFoundError: no such user.
            PreconditionFailedError: a pattern is not a regular expression, or all is too large.
        """
        self._require_user(user)
        texts = {
            Permission.CONFIGURE: configure,
            Permission.WRITE: write,
            Permission.READ: read,
        }
        patterns = {permission: _compiled(text) for permission, text in texts.items()}
        held = VhostPermissions(user, vhost, configure, write, read)
        if self._permissions.get((user, vhost)) != held:
            self._journal.save(held)
        self._permissions[user, vhost] = held
        self._patterns[user, vhost] = patterns
        self.generation += 1

    def clear_permissions(self, user: str, vhost: str) -> bool:
        """Take all rights in a vhost away; return whether there were any."""
        held = self._permissions.pop((user, vhost), None)
        if held is None:
            return False
        self._journal.forget(held)
        del self._patterns[user, vhost]
        self.generation += 1
        return True

    def permissions(self, user: str | None = None) -> Sequence[VhostPermissions]:
        """Return one user's permissions, or everybody's (None), by user and vhost."""
        return [held for key, held in sorted(self._permissions.items()) if user in {None, key[0]}]

    def set_topic_permissions(
        self, user: str, vhost: str, exchange: str, write: str, read: str
    ) -> None:
        """Restrict the routing keys that a user may use with a topic exchange.

        Raises:
            NotFoundError: no such user.
            PreconditionFailedError: a pattern is not a regular expression, or all is too large.
        """
        self._require_user(user)
        for text in (write, read):
            _compiled(text)
        held = TopicPermissions(user, vhost, exchange, write, read)
        if self._topic_permissions.get((user, vhost, exchange)) != held:
            self._journal.save(held)
        self._topic_permissions[user, vhost, exchange] = held
        self._note_topic_change()

    def clear_topic_permissions(self, user: str, vhost: str, exchange: str | None = None) -> bool:
        """Lift the restriction for one exchange, or for all (None); return whether one stood."""
        keys = [
            key
            for key in self._topic_permissions
            if key[:2] == (user, vhost) and exchange in {None, key[2]}
        ]
        for key in keys:
            self._journal.forget(self._topic_permissions.pop(key))
        if keys:
            self._note_topic_change()
        return bool(keys)

    def topic_permissions(self, user: str | None = None) -> Sequence[TopicPermissions]:
        """Return one user's topic permissions, or everybody's (None), in order."""
        return [
            held for key, held in sorted(self._topic_permissions.items()) if user in {None, key[0]}
        ]

    # ── decisions ──

    def allows(self, username: str, vhost: str, permission: Permission, name: str) -> bool:
        """Return whether the user has this right on the resource of this name."""
        patterns = self._patterns.get((username, vhost))
        if patterns is None:
            return self._ourselves_if(username) is not None
        return is_found(patterns[permission], name or DEFAULT_EXCHANGE_NAME)

    def require(
        self, username: str, vhost: str, permission: Permission, kind: ResourceKind, name: str
    ) -> None:
        """Refuse an operation for which the user has no right.

        Raises:
            AccessRefusedError: the pattern is not found in the name (403).

        Source: RabbitMQ, access-control; the text is that of 3.13 (3.10 leaves the right out).
        """
        if not self.allows(username, vhost, permission, name):
            shown = name or DEFAULT_EXCHANGE_NAME
            raise AccessRefusedError(
                f"{permission.value} access to {kind} '{shown}' in vhost '{vhost}' "
                f"refused for user '{username}'"
            )

    def restricts_topics(self, username: str, vhost: str) -> bool:
        """Return whether the user has any topic permission in the vhost, which restricts it."""
        return (username, vhost) in self._topic_restricted

    def require_topic(
        self,
        username: str,
        vhost: str,
        permission: Permission,
        exchange: str,
        routing_key: str,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        """Refuse a routing key of a topic exchange that the user may not write to or read.

        Args:
            username: of the user who asks.
            vhost: where the exchange is.
            permission: WRITE for publish; READ for bind and unbind.
            exchange: of type topic; others have no topic permissions.
            routing_key: of the message or the binding.
            variables: more than ``username`` and ``vhost`` that patterns may name.

        Raises:
            AccessRefusedError: a restriction stands and the key does not match it (403).

        Source: RabbitMQ, access-control, topic authorisation; without topic permissions no key is
        refused.
        """
        assert permission is not Permission.CONFIGURE, "a topic is written to or read"
        held = self._topic_permissions.get((username, vhost, exchange))
        if held is None:
            return
        text = held.write if permission is Permission.WRITE else held.read
        for name, value in {**(variables or {}), "username": username, "vhost": vhost}.items():
            # Quoted: a user named ".*" must not get more than a user named "a".
            text = text.replace(f"{{{name}}}", quote(value))
        if not is_found(_compiled(text), routing_key):
            raise AccessRefusedError(
                f"{permission.value} access to topic '{routing_key}' in exchange '{exchange}' "
                f"in vhost '{vhost}' refused for user '{username}'"
            )

    def _note_topic_change(self) -> None:
        self._topic_restricted = frozenset(key[:2] for key in self._topic_permissions)
        self.generation += 1

    def _require_user(self, name: str) -> None:
        if name not in self._users:
            raise NotFoundError(f"no such user '{name}'")

    def _forget(self, is_void: Callable[[str, str], bool]) -> None:
        for key in [key for key in self._permissions if is_void(*key)]:
            self._journal.forget(self._permissions.pop(key))
            del self._patterns[key]
        for topic_key in [key for key in self._topic_permissions if is_void(*key[:2])]:
            self._journal.forget(self._topic_permissions.pop(topic_key))
        self._note_topic_change()


def _compiled(text: str) -> Pattern:
    try:
        return compile_pattern(text or _NOTHING)
    except PatternError as error:
        raise PreconditionFailedError(
            f"'{text}' is not a regular expression: {error.reason} at position {error.position}"
        ) from error
