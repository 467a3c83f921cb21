"""One node: vhosts, users, and the connections that are told when either goes."""

import pytest

from amqp_server.broker.access.rights import User
from amqp_server.broker.access.users import Users
from amqp_server.broker.alarms import Resource
from amqp_server.broker.arguments.declare import QueueProperties
from amqp_server.broker.broker import Broker
from amqp_server.broker.counts import ConnectionView, OpenChannel
from amqp_server.broker.errors import NotFoundError, PreconditionFailedError
from amqp_server.broker.settings import BrokerSettings
from amqp_server.broker.steps import finish
from amqp_server.broker.turn import Turn
from amqp_server.broker.vhost import Vhost
from amqp_server.connections.traffic import Traffic
from exchanges.bindings import Destination, DestinationKind
from queues.kinds import QUORUM, QueueKind
from tests.support.vhosts import message

NOW_MS = 7_000


class FakeConnection:
    """An ``OpenConnection`` that notes why it has to go."""

    def __init__(
        self, broker: Broker, vhost_name: str = "/", username: str = "guest", channels: int = 0
    ) -> None:
        self._broker = broker
        self.vhost_name = vhost_name
        self.username = username
        self.channels_open = channels
        self.reasons: list[tuple[str, int]] = []
        self.traffic = Traffic()
        broker.connection_opened(self)

    connection_name = "a -> b"

    @property
    def channels(self) -> dict[int, OpenChannel]:
        return {}

    @property
    def open_streams(self) -> None:
        return None

    def view(self) -> ConnectionView:
        raise AssertionError("nobody looks")

    def shut_down(self, reason: str, now_ms: int) -> None:
        self.reasons.append((reason, now_ms))
        self._broker.connection_closed(self)


def broker_with(settings: BrokerSettings | None = None, epoch_offset_ms: int = 0) -> Broker:
    settings = settings or BrokerSettings()
    users = Users(settings.loopback_users)
    return Broker(settings, users, Turn(100), lambda size: b"\xa5" * size, epoch_offset_ms)


@pytest.fixture
def broker() -> Broker:
    broker = broker_with()
    broker.add_vhost("/")
    for name in ("guest", "other"):
        broker.users.put(User(name, ""))
    return broker


def declare(vhost: Vhost, name: str = "jobs", now_ms: int = NOW_MS) -> None:
    vhost.queues.declare(name, QueueProperties(True, False, False, {}), None, now_ms)


# ── vhosts ──


def test_a_broker_begins_without_vhosts() -> None:
    broker = broker_with()
    assert list(broker.vhosts()) == []
    with pytest.raises(NotFoundError) as caught:
        broker.vhost("/")
    assert str(caught.value) == "vhost / not found"


def test_a_vhost_is_made_once(broker: Broker) -> None:
    vhost = broker.add_vhost("v")
    assert broker.add_vhost("v") is broker.vhost("v") is vhost
    assert [vhost.name for vhost in broker.vhosts()] == ["/", "v"]


def test_vhosts_do_not_see_each_others_queues(broker: Broker) -> None:
    declare(broker.add_vhost("v"))
    assert broker.vhost("/").queues.find("jobs") is None
    assert broker.count_queues() == 1


def test_no_more_vhosts_than_the_node_may_have() -> None:
    broker = broker_with(BrokerSettings(vhosts_max=2))
    broker.add_vhost("a")
    broker.add_vhost("b")
    with pytest.raises(PreconditionFailedError) as caught:
        broker.add_vhost("c")
    assert str(caught.value) == "cannot create vhost 'c': vhost limit of 2 is reached"
    broker.add_vhost("b")
    finish(broker.deleting_vhost("a", NOW_MS))
    broker.add_vhost("c")


@pytest.mark.parametrize(
    ("settings", "kind"),
    [
        (BrokerSettings(), None),
        (BrokerSettings(default_queue_type="quorum"), QUORUM),
    ],
)
def test_a_vhost_takes_the_nodes_default_queue_type(
    settings: BrokerSettings, kind: QueueKind | None
) -> None:
    assert broker_with(settings).add_vhost("/").default_queue_kind is kind


@pytest.mark.parametrize(("timeout_ms", "effective_ms"), [(60_000, 60_000), (0, None)])
def test_queues_take_the_nodes_consumer_timeout(timeout_ms: int, effective_ms: int | None) -> None:
    vhost = broker_with(BrokerSettings(consumer_timeout_ms=timeout_ms)).add_vhost("/")
    declare(vhost)
    queue = vhost.queues.find("jobs")
    assert queue is not None
    assert queue.engine.options.consumer_timeout_ms == effective_ms


def test_deleting_a_vhost_closes_its_connections_and_no_others(broker: Broker) -> None:
    broker.add_vhost("v")
    inside = [FakeConnection(broker, "v"), FakeConnection(broker, "v", "other")]
    outside = FakeConnection(broker, "/")
    finish(broker.deleting_vhost("v", NOW_MS))
    for connection in inside:
        assert connection.reasons == [("vhost 'v' is deleted", NOW_MS)]
    assert outside.reasons == []
    assert list(broker.connections()) == [outside]


def test_what_was_in_a_deleted_vhost_is_gone(broker: Broker) -> None:
    vhost = broker.add_vhost("v")
    declare(vhost)
    declare(broker.vhost("/"))
    queue = vhost.queues.find("jobs")
    assert queue is not None
    broker.users.set_permissions("guest", "v", ".*", ".*", ".*")
    broker.users.set_permissions("guest", "/", ".*", ".*", ".*")
    broker.parameters["v", "shovel", "s"] = {}
    broker.parameters["/", "shovel", "s"] = {}

    finish(broker.deleting_vhost("v", NOW_MS))

    assert queue.is_deleted
    assert broker.count_queues() == 1
    assert not broker.users.may_enter_vhost("guest", "v")
    assert broker.users.may_enter_vhost("guest", "/")
    assert list(broker.parameters) == [("/", "shovel", "s")]
    with pytest.raises(NotFoundError):
        broker.vhost("v")
    assert broker.add_vhost("v").queues.find("jobs") is None


def test_a_vhost_that_is_not_there_cannot_be_deleted(broker: Broker) -> None:
    connection = FakeConnection(broker, "v")
    with pytest.raises(NotFoundError) as caught:
        finish(broker.deleting_vhost("v", NOW_MS))
    assert str(caught.value) == "vhost v not found"
    assert connection.reasons == []


# ── users ──


def test_deleting_a_user_closes_its_connections_in_every_vhost(broker: Broker) -> None:
    broker.add_vhost("v")
    theirs = [FakeConnection(broker, "/", "other"), FakeConnection(broker, "v", "other")]
    mine = FakeConnection(broker, "/", "guest")
    assert finish(broker.deleting_user("other", NOW_MS)) is True
    for connection in theirs:
        assert connection.reasons == [("user 'other' is deleted", NOW_MS)]
    assert mine.reasons == []
    assert broker.users.get("other") is None
    assert finish(broker.deleting_user("other", NOW_MS)) is False


# ── connections ──


def test_connections_are_counted_by_user_and_by_vhost(broker: Broker) -> None:
    FakeConnection(broker, "/", "guest")
    FakeConnection(broker, "v", "guest")
    FakeConnection(broker, "v", "other")
    assert broker.count_connections() == 3
    assert broker.count_connections(username="guest") == 2
    assert broker.count_connections(vhost="v") == 2
    assert broker.count_connections(username="guest", vhost="v") == 1
    assert broker.count_connections(username="nobody") == 0


def test_a_connection_counts_once_and_closes_once(broker: Broker) -> None:
    connection = FakeConnection(broker)
    broker.connection_opened(connection)
    assert broker.count_connections() == 1
    broker.connection_closed(connection)
    broker.connection_closed(connection)
    assert broker.count_connections() == 0


def test_channels_are_counted_over_all_connections_of_a_user(broker: Broker) -> None:
    FakeConnection(broker, "/", "guest", channels=3)
    FakeConnection(broker, "v", "guest", channels=4)
    FakeConnection(broker, "/", "other", channels=9)
    assert broker.count_channels("guest") == 7
    assert broker.count_channels("nobody") == 0


def test_a_shutdown_tells_everybody_why(broker: Broker) -> None:
    connections = [FakeConnection(broker), FakeConnection(broker, "v", "other")]
    broker.shut_down(NOW_MS)
    for connection in connections:
        assert connection.reasons == [
            ("broker forced connection closure with reason 'shutdown'", NOW_MS)
        ]
    assert broker.count_connections() == 0


# ── the turn, and small services ──


def test_turns_and_ticks_are_the_turns(broker: Broker) -> None:
    vhost = broker.vhost("/")
    declare(vhost)
    vhost.publisher.publish("", [message(b"m", expiration="50")], NOW_MS)
    assert broker.end_turn(NOW_MS) is False
    assert broker.next_deadline_ms() == NOW_MS + 50
    broker.on_deadline(NOW_MS + 50)
    assert broker.end_turn(NOW_MS + 50) is False
    assert broker.next_deadline_ms() is None
    queue = vhost.queues.find("jobs")
    assert queue is not None
    assert queue.engine.ready_count == 0


def test_the_time_of_day_is_the_turns_time_and_the_offset() -> None:
    broker = broker_with(epoch_offset_ms=1_700_000_000_900)
    assert broker.wall_s(99) == 1_700_000_000
    assert broker.wall_s(100) == 1_700_000_001


def test_generated_names_come_from_the_given_chance(broker: Broker) -> None:
    assert broker.generate_name("amq.gen") == "amq.gen-paWlpaWlpaWlpaWlpaWlpQ"


def test_alarms_are_off_at_first(broker: Broker) -> None:
    assert not broker.alarms.is_on
    broker.alarms.set(Resource.MEMORY, is_low=True, now_ms=NOW_MS)
    assert broker.alarms.is_on


def test_a_vhost_goes_in_pieces_and_its_name_is_free_after_the_last() -> None:
    broker = broker_with()
    vhost = broker.add_vhost("big")
    properties = QueueProperties(True, False, False, {})
    for number in range(50):
        vhost.queues.declare(f"q{number}", properties, None, NOW_MS)
        vhost.bind("amq.topic", Destination(DestinationKind.QUEUE, f"q{number}"), "a.#", {})
    steps = broker.deleting_vhost("big", NOW_MS)
    next(steps)
    assert not broker.has_vhost("big")
    assert len(vhost.queues) > 40, "the rest have their turn"
    assert len(broker.add_vhost("big").queues) == 0
    assert len(vhost.queues) == 0, "who makes one of that name has the old one finished first"
    assert list(steps) == []
    assert broker.has_vhost("big")
