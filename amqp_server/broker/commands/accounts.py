"""The commands on users and their rights, and the login of a client without AMQP.

Source: RabbitMQ 3.10, rabbit_mgmt_wm_user, _permission, _topic_permission and _user_limit.
"""

import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import NamedTuple

from amqp_server.broker.access.rights import User
from amqp_server.broker.broker import Broker
from amqp_server.broker.definitions.accounts import UserRow
from amqp_server.broker.definitions.item import Item
from amqp_server.broker.definitions.row import Reading
from amqp_server.broker.errors import LoginRefusedError, NotFoundError
from amqp_server.broker.limits import USER_LIMITS, validated
from amqp_server.broker.steps import Steps

log = logging.getLogger(__name__)


class LogIn(NamedTuple):
    """The answer to a name and a password.

    Attributes:
        user: None is refused.
        delay_ms: how long a refusal waits before the client is told (0 is not at all). After a wait
            ``refusal_told`` must follow, whether the client is still there or not.
    """

    user: User | None
    delay_ms: int = 0


class AccountCommands:
    """The commands on users; see ``broker.admin``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    def log_in(
        self, now_ms: int, username: str, *, password: str, address: str, is_loopback: bool
    ) -> Steps[LogIn]:
        """Check a name and a password, as a login of AMQP with PLAIN does.

        Args:
            now_ms: the time.
            username: that the client claims.
            password: as the user types it.
            address: of the client.
            is_loopback: whether the client runs on this host.
        """
        yield
        users, logins = self._broker.users, self._broker.logins
        try:
            logins.check_crowd(address, username)
            user = users.authenticate(username, password)
            users.check_loopback(user, is_loopback=is_loopback)
        except LoginRefusedError as error:
            log.warning("login refused address=%s reason=%r", address, str(error))
            self._broker.login_attempts.note(address, username, "http", is_accepted=False)
            return LogIn(None, logins.refuse(address, username, now_ms))
        logins.accept(address, username)
        self._broker.login_attempts.note(address, username, "http", is_accepted=True)
        return LogIn(user)

    def forget_logins(self, _now_ms: int, *, sources_only: bool) -> Steps[None]:
        """Begin to count logins anew: by their sources, or by protocol too."""
        yield
        self._broker.login_attempts.forget(sources_only=sources_only)

    def refusal_told(self, _now_ms: int, address: str) -> Steps[None]:
        """Note that a refusal of ``log_in`` has waited, and its client was told or is gone."""
        yield
        self._broker.logins.let_go(address)

    def put_user(self, _now_ms: int, name: str, *, account: Mapping[str, object]) -> Steps[bool]:
        """Create a user, or replace the one of that name; its limits and rights stay.

        Args:
            now_ms: the time.
            name: of the user.
            account: as a definitions file has it: ``password``, or ``password_hash`` with
                ``hashing_algorithm``; neither is no login by password. ``tags`` as a list, or as
                words with commas.

        Returns:
            Whether it is new.

        Raises:
            DefinitionsError: a value that cannot be taken.
            PreconditionFailedError: it is too large to be stored.
        """
        yield
        users = self._broker.users
        held = users.get(name)
        limits = {} if held is None else held.limits
        item = Item({**account, "name": name, "limits": limits}, "user")
        reading = Reading(self._broker.random_bytes, known_user=users.get)
        users.put(UserRow().read(item, reading))
        return held is None

    def delete_user(self, now_ms: int, name: str) -> Steps[bool]:
        """Delete a user, and close its connections; return whether there was one."""
        return (yield from self._broker.deleting_user(name, now_ms))

    def set_user_limit(self, _now_ms: int, name: str, *, limit: str, value: object) -> Steps[None]:
        """Set ``max-connections`` or ``max-channels``; a negative value is no limit.

        Raises:
            NotFoundError: no such user.
            PreconditionFailedError: another limit, or a value that is no integer.
        """
        yield
        user = self._user(name)
        changed = validated({limit: value}, USER_LIMITS, "user-limits")
        self._limit(user, {**user.limits, **changed})

    def clear_user_limit(self, _now_ms: int, name: str, *, limit: str) -> Steps[bool]:
        """Lift a limit; return whether it stood.

        Raises:
            NotFoundError: no such user.
        """
        yield
        user = self._user(name)
        limits = dict(user.limits)
        was_there = limits.pop(limit, None) is not None
        self._limit(user, limits)
        return was_there

    def set_permissions(
        self, _now_ms: int, user: str, vhost: str, *, configure: str, write: str, read: str
    ) -> Steps[bool]:
        """Set the rights of a user in a vhost, by patterns; return whether it had none.

        Raises:
            NotFoundError: no such user or vhost.
            PreconditionFailedError: a pattern is not a regular expression.
        """
        yield
        self._broker.vhost(vhost)
        users = self._broker.users
        is_new = not users.may_enter_vhost(user, vhost)
        users.set_permissions(user, vhost, configure, write, read)
        return is_new

    def clear_permissions(self, _now_ms: int, user: str, vhost: str) -> Steps[bool]:
        """Remove the rights of a user in a vhost; return whether there were any."""
        yield
        return self._broker.users.clear_permissions(user, vhost)

    def set_topic_permissions(
        self, _now_ms: int, user: str, vhost: str, *, exchange: str, write: str, read: str
    ) -> Steps[bool]:
        """Restrict the routing keys of a user at an exchange; return whether none were.

        Raises:
            NotFoundError: no such user or vhost.
            PreconditionFailedError: a pattern is not a regular expression.
        """
        yield
        self._broker.vhost(vhost)
        users = self._broker.users
        held = [(one.vhost, one.exchange) for one in users.topic_permissions(user)]
        users.set_topic_permissions(user, vhost, exchange, write, read)
        return (vhost, exchange) not in held

    def clear_topic_permissions(
        self, _now_ms: int, user: str, vhost: str, *, exchange: str | None
    ) -> Steps[bool]:
        """Lift the restriction at one exchange, or at all (None); return whether one stood."""
        yield
        return self._broker.users.clear_topic_permissions(user, vhost, exchange)

    def _user(self, name: str) -> User:
        user = self._broker.users.get(name)
        if user is None:
            raise NotFoundError(f"no such user '{name}'")
        return user

    def _limit(self, user: User, limits: Mapping[str, int]) -> None:
        self._broker.users.put(replace(user, limits=limits))
