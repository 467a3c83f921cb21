"""The user of a request, and what the tags of a user mean.

    administrator    everything
    monitoring       what management sees, and all vhosts, connections and nodes
    policymaker      what management sees, and policies and parameters of its vhosts
    management       its own vhosts and connections

Source: RabbitMQ, management plugin, access and permissions.
"""

from collections.abc import Collection
from typing import Final, NamedTuple


class Account(NamedTuple):
    """A user who has logged in.

    Attributes:
        name: of the user.
        tags: in the order in which they are shown.
        is_operator: whether it is who runs the node, and no user: no rights in vhosts hold for it.
    """

    name: str
    tags: tuple[str, ...]
    is_operator: bool = False

    @property
    def asker(self) -> str | None:
        """The user whose rights a command needs; None: the operator needs none."""
        return None if self.is_operator else self.name

    @property
    def is_administrator(self) -> bool:
        """Whether it may do everything."""
        return "administrator" in self.tags

    @property
    def is_monitor(self) -> bool:
        """Whether it sees what belongs to others."""
        return self._has("monitoring", "administrator")

    @property
    def is_policymaker(self) -> bool:
        """Whether it may change policies and parameters."""
        return self._has("policymaker", "administrator")

    @property
    def is_user(self) -> bool:
        """Whether it may use management at all."""
        return self._has("management", "policymaker", "monitoring", "administrator")

    def _has(self, *any_of: str) -> bool:
        return any(tag in self.tags for tag in any_of)


OPERATOR: Final = Account("operator", ("administrator",), is_operator=True)
"""Whoever asks over the control socket as the user of the node, or as root."""


def account_of(name: str, tags: Collection[str]) -> Account:
    """Return the account of a user with these tags."""
    return Account(name, tuple(tags))
