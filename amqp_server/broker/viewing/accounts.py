"""Views of users and their rights, policies, parameters and limits: each a definition as it is.

They are few, so they come whole and not in pages, in the order of their names. A node may have many
users: those come in pages.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from amqp_server.broker.access.login_attempts import AttemptsView
from amqp_server.broker.access.rights import (
    Permission,
    TopicPermissions,
    User,
    VhostPermissions,
)
from amqp_server.broker.broker import Broker
from amqp_server.broker.definitions.definition import (
    GlobalParameterDefinition,
    ParameterDefinition,
)
from amqp_server.broker.pages import PAGE_USUAL, Page, page_of
from amqp_server.broker.policies.table import Policy


class LimitsView(NamedTuple):
    """The limits of a vhost, or of a user, that has any."""

    name: str
    limits: Mapping[str, int]


class AccountViews:
    """The views of users, rights, policies and the like; see ``broker.views``."""

    def __init__(self, broker: Broker) -> None:
        self._broker = broker

    # ── users and rights ──

    def users(self, after: str | None = None, max_count: int = PAGE_USUAL) -> Page[str, User]:
        """Return users by name."""
        users = self._broker.users
        return page_of(users.names, users.get, after, max_count)

    def user(self, name: str) -> User | None:
        """Return a user; None if there is none."""
        return self._broker.users.get(name)

    def permissions(
        self, *, user: str | None = None, vhost: str | None = None
    ) -> Sequence[VhostPermissions]:
        """Return the rights of one user or of all (None), in one vhost or in all (None)."""
        held = self._broker.users.permissions(user)
        return tuple([one for one in held if vhost in {None, one.vhost}])

    def topic_permissions(
        self, *, user: str | None = None, vhost: str | None = None
    ) -> Sequence[TopicPermissions]:
        """Return the restrictions of routing keys, of one user or all, in one vhost or all."""
        held = self._broker.users.topic_permissions(user)
        return tuple([one for one in held if vhost in {None, one.vhost}])

    def may_enter(self, user: str, vhost: str) -> bool:
        """Whether a user has rights in a vhost; it then sees what is in there."""
        return self._broker.users.may_enter_vhost(user, vhost)

    def allows(self, user: str, vhost: str, permission: str, name: str) -> bool:
        """Whether a user may ``configure``, ``write`` or ``read`` what has this name."""
        return self._broker.users.allows(user, vhost, Permission(permission), name)

    def logins_by_protocol(self) -> Sequence[AttemptsView]:
        """Return how many logins there were, by protocol."""
        return self._broker.login_attempts.by_protocol()

    def logins_by_source(self) -> Sequence[AttemptsView]:
        """Return how many logins there were, by address, name and protocol."""
        return self._broker.login_attempts.by_source()

    def refused_logins_count(self) -> int:
        """Return how many logins were refused since the start."""
        return self._broker.login_attempts.refused_count

    # ── policies and parameters ──

    def policies(self, vhost: str, *, operator: bool = False) -> Sequence[Policy]:
        """Return the policies of a vhost by name, or its operator policies.

        Raises:
            NotFoundError: there is no such vhost.
        """
        held = self._broker.vhost(vhost).policies.list(operator=operator)
        return tuple(sorted(held, key=lambda policy: policy.name))

    def policy(self, vhost: str, name: str, *, operator: bool = False) -> Policy | None:
        """Return a policy; None if there is none, or no such vhost."""
        if not self._broker.has_vhost(vhost):
            return None
        return self._broker.vhost(vhost).policies.get(name, operator=operator)

    def parameters(
        self, *, component: str | None = None, vhost: str | None = None
    ) -> Sequence[ParameterDefinition]:
        """Return the parameters of one component or all, in one vhost or all.

        Operator policies and the limits of vhosts, which RabbitMQ has here too, have views of
        their own.
        """
        held = sorted(self._broker.parameters.items(), key=lambda item: item[0])
        return tuple(
            [
                ParameterDefinition(*key, value)
                for key, value in held
                if vhost in {None, key[0]} and component in {None, key[1]}
            ]
        )

    def global_parameters(self) -> Sequence[GlobalParameterDefinition]:
        """Return the parameters of the cluster."""
        held = self._broker.global_parameters
        return tuple([GlobalParameterDefinition(name, held[name]) for name in sorted(held)])

    # ── limits ──

    def vhost_limits(self) -> Sequence[LimitsView]:
        """Return the limits of the vhosts that have any."""
        found = [LimitsView(one.name, one.limits.as_dict()) for one in self._broker.vhosts()]
        return tuple(sorted([one for one in found if one.limits]))

    def user_limits(self) -> Sequence[LimitsView]:
        """Return the limits of the users that have any."""
        found = [LimitsView(one.name, dict(one.limits)) for one in self._broker.users.list()]
        return tuple([one for one in found if one.limits])
