"""Whether a user may use a route.

Source: RabbitMQ 3.10, recorded answers: the status is 401, and not 403.
"""

from typing import Final, Protocol

from management.access.account import Account
from management.http.errors import not_authorised
from management.routing.route import Right

NO_VHOST_ACCESS: Final = "User not authorised to access virtual host"
NO_OBJECT_ACCESS: Final = "User not authorised to access object"

_NEEDED: Final = {
    Right.ADMINISTRATOR: ("is_administrator", "Not administrator user"),
    Right.MONITORING: ("is_monitor", "Not monitor user"),
    Right.POLICYMAKER: ("is_policymaker", NO_OBJECT_ACCESS),
}


class Doors(Protocol):
    """Who may enter which vhost; ``broker.views`` answers."""

    def has_vhost(self, vhost: str) -> bool:
        """Whether there is such a vhost."""

    def may_enter(self, user: str, vhost: str) -> bool:
        """Whether a user has rights in a vhost."""


def require(right: Right, account: Account, vhost: str | None, doors: Doors) -> None:
    """Refuse what the user may not.

    Args:
        right: that the route needs.
        account: of the user.
        vhost: of the path; None has none.
        doors: of the vhosts.

    Raises:
        HttpError: 401, the user lacks the right.
    """
    if not account.is_user:
        raise not_authorised("Not management user")
    needed = _NEEDED.get(right)
    if needed is not None and not getattr(account, needed[0]):
        raise not_authorised(needed[1])
    if account.is_operator or vhost is None or right in {Right.ADMINISTRATOR, Right.MONITORING}:
        return
    if right is Right.VISIBLE_VHOST and account.is_monitor:
        return
    if doors.has_vhost(vhost) and not doors.may_enter(account.name, vhost):
        is_policy = right is Right.POLICYMAKER
        raise not_authorised(NO_OBJECT_ACCESS if is_policy else NO_VHOST_ACCESS)
