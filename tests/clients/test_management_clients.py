"""Client libraries of RabbitMQ's HTTP API, unchanged: each of their calls that our node serves."""

from collections.abc import Iterator

import pytest
from pika.exceptions import ConnectionClosedByBroker

from tests.clients.support.deadlines import wait_until
from tests.clients.support.managed import Managed, managed_server
from tests.clients.support.pika_calls import connect

pytestmark = pytest.mark.clients

CLOSE_TIMEOUT_S = 30


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    with managed_server(tmp_path_factory.mktemp("node")) as managed:
        yield managed


def test_the_manager_of_kombu(node: Managed) -> None:
    """It is pyrabbit, whose calls for administrators do not know the tags of RabbitMQ since 3.9."""
    kombu = pytest.importorskip("kombu")
    pytest.importorskip("pyrabbit")
    options = {"manager_hostname": "127.0.0.1", "manager_port": node.port}
    with kombu.Connection(node.server.uri, transport_options=options) as connection:
        manager = connection.get_manager()
        assert manager.get_whoami()["name"] == "guest"
        with connection.SimpleQueue("kombu") as queue:
            queue.put("hello")
        wait_until(lambda: manager.get_queue_depth("/", "kombu") == 1, "the message")
        (message,) = manager.get_messages("/", "kombu")
        assert message["payload"] == "hello"
        assert "kombu" in [each["name"] for each in manager.get_queues("/")]
        manager.delete_queue("/", "kombu")


def test_pyrabbit(node: Managed) -> None:
    api = pytest.importorskip("pyrabbit2.api").Client(node.address, "guest", "guest")
    assert api.is_alive()
    assert api.get_whoami()["name"] == "guest"
    assert api.get_overview()["object_totals"]["connections"] == 0
    assert api.get_nodes()[0]["running"] is True
    assert [each["name"] for each in api.get_users()] == ["guest"]
    api.create_vhost("py")
    api.set_vhost_permissions("py", "guest", ".*", ".*", ".*")
    assert sorted(api.get_vhost_names()) == ["/", "py"]
    assert api.get_vhost("py")["name"] == "py"
    assert len(api.get_permissions()) == len(api.get_user_permissions("guest")) == 2
    api.create_user("eve", "secret", "management")
    assert "eve" in [each["name"] for each in api.get_users()]
    api.delete_user("eve")
    api.create_exchange("py", "x", "topic")
    assert api.get_exchange("py", "x")["type"] == "topic"
    assert len(api.get_exchanges("py")) == 8
    api.create_queue("py", "q", durable=True)
    api.create_binding("py", "x", "q", "a.b")
    assert len(api.get_queue_bindings("py", "q")) == 2
    assert api.publish("py", "x", "a.b", "hello")
    assert not api.publish("py", "x", "nowhere", "hello")
    assert api.get_queue_depth("py", "q") == 1
    (message,) = api.get_messages("py", "q", count=1, requeue=True)
    assert (message["payload"], message["routing_key"]) == ("hello", "a.b")
    assert api.get_queue("py", "q")["messages"] == 1
    api.purge_queue("py", "q")
    assert api.get_queue_depth("py", "q") == 0
    api.delete_binding("py", "x", "q", "a.b")
    assert [each["source"] for each in api.get_queue_bindings("py", "q")] == [""]
    api.delete_exchange("py", "x")
    assert api.get_connections() in (None, [])
    assert api.get_channels() in (None, [])
    api.delete_queue("py", "q")
    api.delete_vhost("py")


def test_amqpstorm(node: Managed) -> None:
    management = pytest.importorskip("amqpstorm.management")
    api = management.ManagementApi(f"http://{node.address}", "guest", "guest")
    assert api.aliveness_test("/")["status"] == "ok"
    assert api.overview()["cluster_name"] == api.cluster_name()["name"]
    assert api.whoami()["tags"] == ["administrator"]
    assert api.node(api.nodes()[0]["name"])["running"] is True
    assert api.healthchecks.get()["status"] == "ok"
    api.virtual_host.create("storm")
    assert api.virtual_host.get("storm")["name"] == "storm"
    api.user.create("eve", "secret", tags="monitoring")
    api.user.set_permission("eve", "storm", ".*", ".*", ".*")
    assert api.user.get_permission("eve", "storm")["write"] == ".*"
    assert [each["user"] for each in api.virtual_host.get_permissions("storm")] == ["eve", "guest"]
    own = {"virtual_host": "storm"}
    api.queue.declare("q", durable=True, arguments={"x-max-length": 5}, **own)
    api.exchange.declare("x", exchange_type="fanout", **own)
    api.exchange.declare("y", exchange_type="fanout", **own)
    api.queue.bind("q", "x", "", **own)
    api.exchange.bind("y", "x", "", **own)
    assert len(api.queue.bindings("q", **own)) == 2
    assert len(api.queue.list(**own)) == 1
    assert len(api.queue.list(name="q", page_size=10, **own)) == 1
    assert api.basic.publish("hello", "", exchange="x", **own) == {"routed": True}
    (message,) = api.basic.get("q", requeue=False, to_dict=True, **own)
    assert message["payload"] == "hello"
    with pytest.raises(management.ApiError, match="NOT-FOUND"):
        api.queue.get("nope", **own)
    api.queue.unbind("q", "x", "", properties_key="~", **own)
    api.exchange.unbind("y", "x", "", properties_key="~", **own)
    api.queue.purge("q", **own)
    api.queue.delete("q", **own)
    api.exchange.delete("x", **own)
    api.user.delete_permission("eve", "storm")
    api.user.delete("eve")
    api.virtual_host.delete("storm")


def test_amqpstorm_and_a_connection(node: Managed) -> None:
    management = pytest.importorskip("amqpstorm.management")
    api = management.ManagementApi(f"http://{node.address}", "guest", "guest")
    connection = connect(node.server.uri)
    channel = connection.channel()
    (seen,) = api.connection.list()
    assert api.connection.get(seen["name"])["state"] == "running"
    (one,) = api.channel.list()
    assert api.channel.get(one["name"])["number"] == channel.channel_number
    assert len(api.connection.list(name="127.0.0.1", page_size=5)) == 1
    api.connection.close(seen["name"], reason="enough")
    with pytest.raises(ConnectionClosedByBroker, match="enough"):
        connection.process_data_events(CLOSE_TIMEOUT_S)
    wait_until(lambda: not api.connection.list(), "the connection to be gone")


def test_rabbitmq_admin(node: Managed) -> None:
    admin = pytest.importorskip("rabbitmq_admin")
    api = admin.AdminAPI(f"http://{node.address}", ("guest", "guest"))
    assert api.overview()["node"] == api.list_nodes()[0]["name"]
    assert api.get_node(api.overview()["node"], memory=True)["running"] is True
    assert api.get_cluster_name()["name"]
    assert api.list_extensions() is not None
    api.create_vhost("adm")
    api.create_user("eve", "secret", tags="management")
    api.create_user_permission("eve", "adm")
    assert api.get_user_permission("adm", "eve")["read"] == ".*"
    api.create_exchange_for_vhost("x", "adm", {"type": "topic"})
    assert api.get_exchange_for_vhost("x", "adm")["type"] == "topic"
    assert "x" in [each["name"] for each in api.list_exchanges_for_vhost("adm")]
    api.create_policy_for_vhost("adm", "p", {"max-length": 5}, pattern="^a", apply_to="queues")
    assert api.get_policy_for_vhost("adm", "p")["pattern"] == "^a"
    assert len(api.list_policies_for_vhost("adm")) == len(api.list_policies()) == 1
    definitions = api.get_definitions()
    api.delete_policy_for_vhost("adm", "p")
    api.delete_exchange_for_vhost("x", "adm")
    api.post_definitions(definitions)
    assert api.get_policy_for_vhost("adm", "p")["pattern"] == "^a"
    assert api.is_vhost_alive("adm")["status"] == "ok"
    assert api.whoami()["name"] == "guest"
    assert {each["source"] for each in api.list_bindings_for_vhost("adm")} == {""}
    assert {each["vhost"] for each in api.list_bindings()} >= {"adm"}
    assert api.list_connections() == api.list_channels() == api.list_consumers() == []
    api.delete_user_permission("eve", "adm")
    api.delete_user("eve")
    api.delete_vhost("adm")


def test_nameko(node: Managed) -> None:
    rabbit = pytest.importorskip("nameko.testing.rabbit")
    api = rabbit.Client(f"http://guest:guest@{node.address}")
    api.create_vhost("nam/eko")
    api.set_vhost_permissions("nam/eko", "guest", ".*", ".*", ".*")
    assert "nam/eko" in [each["name"] for each in api.get_all_vhosts()]
    api.create_queue("nam/eko", "q", durable=True)
    api.create_queue_binding("nam/eko", "amq.topic", "q", "a.#")
    assert len(api.get_queue_bindings("nam/eko", "q")) == 2
    assert api.publish("nam/eko", "amq.topic", "a.b", "hello") == {"routed": True}
    assert api.get_queue("nam/eko", "q")["messages"] == 1
    (message,) = api.get_messages("nam/eko", "q", requeue=False)
    assert message["payload"] == "hello"
    with pytest.raises(rabbit.HTTPError):
        api.get_queue("nam/eko", "nope")
    assert api.get_connections() == []
    api.delete_vhost("nam/eko")
