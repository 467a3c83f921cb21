"""What a new cluster has: the default vhost and user, and a policy that mirrors durable queues.

Source: RabbitMQ, rabbit_db:init, for vhost and user.
"""

import asyncio
from collections.abc import Callable, Container, Iterator
from typing import Final, TypeVar

from amqp_server.broker.access.rights import VhostPermissions, new_user
from amqp_server.broker.definitions.definition import (
    Definition,
    VhostDefinition,
    policy_definition,
)
from amqp_server.broker.policies.table import Policy
from amqp_server.broker.steps import WaitingSteps
from amqp_server.settings.schema import Settings

T = TypeVar("T")

POLICY: Final = "mirror-durable-queues"
POLICY_PRIORITY: Final = -100
"""Below that of most policies. A queue has one policy, as in RabbitMQ: who gives a queue another
one says there whether it is mirrored."""


def first_definitions(
    settings: Settings,
    random_bytes: Callable[[int], bytes],
    *,
    moved_vhosts: Container[str] | None = None,
) -> Iterator[Definition]:
    """Yield what a new cluster begins with, what is needed first.

    Args:
        settings: of the node.
        random_bytes: for the salt of the user's password.
        moved_vhosts: those of a node whose definitions were moved here. It had its own users, and
            who deleted the default one there does not get it here. None: nothing was moved.
    """
    section, replication = settings.broker, settings.cluster.replication
    vhost = section.default_vhost
    if moved_vhosts is None:
        yield VhostDefinition(vhost)
    elif vhost not in moved_vhosts:
        return
    if section.default_user and moved_vhosts is None:
        user = new_user(
            section.default_user, section.default_pass, random_bytes, section.default_user_tags
        )
        rights = section.default_permissions
        yield user
        yield VhostPermissions(user.name, vhost, rights.configure, rights.write, rights.read)
    if replication.default_policy and replication.replicas > 1:
        rule = {"ha-mode": "exactly", "ha-params": replication.replicas}
        policy = Policy(POLICY, ".*", rule, POLICY_PRIORITY, "queues")
        yield policy_definition(vhost, policy, operator=False)


async def run_steps(steps: WaitingSteps[T]) -> T:
    """Do steps beside the turns, where no client waits for them; return their value."""
    while True:
        try:
            waiting = next(steps)
        except StopIteration as end:
            value: T = end.value
            return value
        over = asyncio.get_running_loop().create_future()
        if waiting is None:
            await asyncio.sleep(0)
        else:
            waiting.wait(lambda over=over: None if over.done() else over.set_result(None))  # type: ignore[misc]
            await over
