"""The commands of management that change definitions, on a node of a cluster.

They check what the commands of a node by itself check, and have the metadata store decide. Each has
the name, the arguments and the answer of the command that it stands in for.
"""

from collections.abc import Callable, Mapping
from typing import Final

from amqp_server.broker.commands.decided_accounts import DecidedAccounts
from amqp_server.broker.commands.decided_topology import DecidedTopology
from amqp_server.broker.commands.decided_vhosts import DecidedVhosts
from amqp_server.broker.steps import WaitingSteps


class DecidedCommands(DecidedTopology, DecidedVhosts, DecidedAccounts):
    """All of them; ``DECIDED`` is their table."""


DECIDED: Final[Mapping[str, Callable[..., WaitingSteps[object]]]] = {
    name: function
    for commands in DecidedCommands.__mro__[1:-1]
    for name, function in vars(commands).items()
    if name[0] != "_"
}
"""By the names of the commands that they stand in for."""

REFUSED: Final = frozenset({"create_super_stream"})
"""Commands that change definitions, and that a node of a cluster does not offer yet."""
