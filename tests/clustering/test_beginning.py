"""What a new cluster has, in the order in which it can be made; and steps beside the turns."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from amqp_server.broker.access.rights import User, VhostPermissions
from amqp_server.broker.definitions.definition import PolicyDefinition, VhostDefinition
from amqp_server.broker.settings import BrokerSettings
from amqp_server.broker.steps import WaitingSteps
from amqp_server.clustering.beginning import POLICY, first_definitions, run_steps
from amqp_server.settings.schema import Settings
from cluster.settings import ReplicationSettings


def settings(*, replicas: int = 3, default_policy: bool = True, user: str = "guest") -> Settings:
    replication = ReplicationSettings(replicas=replicas, default_policy=default_policy)
    return Settings(
        broker=BrokerSettings(default_vhost="field", default_user=user),
        cluster=replace(Settings().cluster, replication=replication),
    )


def test_a_cluster_begins_with_a_vhost_a_user_with_rights_and_a_policy() -> None:
    vhost, user, rights, policy = first_definitions(settings(), bytes)
    assert vhost == VhostDefinition("field")
    assert isinstance(user, User)
    assert user.name == "guest"
    assert rights == VhostPermissions("guest", "field", ".*", ".*", ".*")
    assert isinstance(policy, PolicyDefinition)
    assert policy.vhost == "field"
    assert policy.policy.name == POLICY
    assert policy.policy.definition == {"ha-mode": "exactly", "ha-params": 3}
    assert policy.policy.priority < 0


def test_without_a_default_user_there_is_none() -> None:
    kinds = [type(each) for each in first_definitions(settings(user=""), bytes)]
    assert kinds == [VhostDefinition, PolicyDefinition]


def test_who_was_moved_has_users_and_vhosts_of_its_own() -> None:
    (policy,) = first_definitions(settings(), bytes, moved_vhosts=("field", "other"))
    assert isinstance(policy, PolicyDefinition)
    assert not list(first_definitions(settings(), bytes, moved_vhosts=("other",)))


@pytest.mark.parametrize(
    "without", [settings(default_policy=False), settings(replicas=1)], ids=["unwanted", "one node"]
)
def test_a_policy_is_made_only_where_it_would_mirror(without: Settings) -> None:
    assert not [
        each for each in first_definitions(without, bytes) if isinstance(each, PolicyDefinition)
    ]


class Waiting:
    """What steps wait for; it tells twice."""

    def __init__(self) -> None:
        self.calls: list[Callable[[], None]] = []
        self.is_waited_for = asyncio.Event()

    def wait(self, call: Callable[[], None]) -> None:
        self.calls.append(call)
        self.is_waited_for.set()


def test_steps_go_on_when_what_they_wait_for_is_over() -> None:
    done: list[str] = []

    def steps(waiting: Waiting) -> WaitingSteps[int]:
        done.append("begun")
        yield None
        yield waiting
        done.append("over")
        return 5

    async def scenario() -> int:
        waiting = Waiting()
        running = asyncio.ensure_future(run_steps(steps(waiting)))
        await waiting.is_waited_for.wait()
        await asyncio.sleep(0)
        assert done == ["begun"]
        assert not running.done()
        waiting.calls[0]()
        waiting.calls[0]()
        return await running

    assert asyncio.run(scenario()) == 5
    assert done == ["begun", "over"]


def test_what_steps_raise_is_raised() -> None:
    def steps() -> WaitingSteps[int]:
        yield None
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        asyncio.run(run_steps(steps()))
