"""Health checks, with RabbitMQ's words."""

import pytest

from amqp_server.broker.alarms import Resource
from amqp_server.broker.views import ListenerView
from tests.management.bodies.test_node import RESOURCES
from tests.support.fake_cluster import FakeCluster
from tests.support.management_api import Api


@pytest.fixture(autouse=True)
def resources(api: Api) -> None:
    api.broker.look_at_resources = lambda: RESOURCES


def test_alarms(api: Api) -> None:
    assert api.get("health/checks/alarms").json == {"status": "ok"}
    api.broker.alarms.set(Resource.DISK, is_low=True, now_ms=0)
    node = api.management.services.identity.node
    for path, where in (("alarms", "in the cluster"), ("local-alarms", "on the node")):
        reply = api.get(f"health/checks/{path}")
        assert (reply.status, reply.json) == (
            503,
            {
                "status": "failed",
                "reason": f"There are alarms in effect {where}",
                "alarms": [{"node": node, "resource": "disk"}],
            },
        )
    assert api.get("healthchecks/node").status == 503
    api.broker.alarms.set(Resource.DISK, is_low=False, now_ms=0)
    assert api.get("health/checks/local-alarms").status == 200
    assert api.get("healthchecks/node/").json == {"status": "ok"}
    assert api.get(f"healthchecks/node/{node}").status == 200
    assert api.get("healthchecks/node/none@nowhere").status == 404


def test_no_answer_may_be_kept(api: Api) -> None:
    headers = api.get("health/checks/alarms").headers
    assert "no-store" in headers["cache-control"]
    assert headers["pragma"] == "no-cache"


@pytest.mark.parametrize(
    ("port", "status", "rest"),
    [
        ("5672", 200, {"status": "ok", "port": 5672}),
        ("1", 503, {"missing": 1, "ports": [5672, 5671, 15_672]}),
        ("-1", 503, {"missing": -1}),
        ("abc", 400, {"error": "bad_request", "reason": "Invalid port"}),
    ],
)
def test_ports(api: Api, port: str, status: int, rest: dict[str, object]) -> None:
    reply = api.get(f"health/checks/port-listener/{port}")
    assert reply.status == status
    assert rest.items() <= reply.json.items()


@pytest.mark.parametrize(
    ("protocol", "status", "rest"),
    [
        ("amqp", 200, {"protocol": "amqp"}),
        ("AMQP", 200, {"protocol": "amqp"}),
        ("amqp0-9-1", 200, {"protocol": "amqp"}),
        ("amqps", 200, {"protocol": "amqp/ssl"}),
        ("mqtt", 503, {"missing": "mqtt", "protocols": ["amqp", "amqp/ssl", "http"]}),
        ("amqp,http", 200, {"protocols": ["amqp", "http"]}),
        ("amqp%2Cmqtt", 503, {"missing": ["mqtt"]}),
    ],
)
def test_protocols(api: Api, protocol: str, status: int, rest: dict[str, object]) -> None:
    reply = api.get(f"health/checks/protocol-listener/{protocol}")
    assert reply.status == status
    assert rest.items() <= reply.json.items()


def test_certificates(api: Api) -> None:
    path = "health/checks/certificate-expiration"
    assert api.get(f"{path}/1/days").status == 503
    plain = RESOURCES._replace(listeners=(ListenerView("h", 1, "amqp", is_tls=False),))
    api.broker.look_at_resources = lambda: plain
    for within in ("1/days", "2/weeks", "1/months", "-1/days"):
        assert api.get(f"{path}/{within}").json == {"status": "ok"}
    assert api.get(f"{path}/1/decades").json["reason"] == (
        "Time unit not recognised. Supported units: days, weeks, months, years."
    )
    for within in ("x", "9" * 5_000):
        assert api.get(f"{path}/{within}/days").json["reason"] == "Invalid expiration value."


def test_a_certificate_that_ends_too_soon(api: Api) -> None:
    path = "health/checks/certificate-expiration"
    now_ms = api.broker.wall_ms(api.node.now_ms)
    secure = (ListenerView("h", 5671, "amqp", is_tls=True),)
    ends_ms = now_ms + 20 * 86_400_000
    used = RESOURCES._replace(listeners=secure, certificate_ends_ms=ends_ms)
    api.broker.look_at_resources = lambda: used
    assert api.get(f"{path}/2/weeks").json == {"status": "ok"}
    reply = api.get(f"{path}/1/months")
    assert reply.status == 503
    [expired] = reply.json["expired"]
    assert (expired["protocol"], expired["port"]) == ("amqp/ssl", 5671)


def test_some_need_no_login(api: Api) -> None:
    for path in ("is-in-service", "ready-to-serve-clients", "reached-target-cluster-size"):
        assert api.get(f"health/checks/{path}", user=None).json["status"] == "ok"
    assert api.get("health/checks/alarms", user=None).status == 401


def test_the_limit_of_connections(api: Api) -> None:
    path = "health/checks/below-node-connection-limit"
    assert api.get(path, user=None).json == {"status": "ok", "connections": 0, "limit": 900}
    api.broker.look_at_resources = lambda: RESOURCES._replace(sockets=900)
    assert api.get(path, user=None).status == 503


def test_one_node_is_never_critical(api: Api) -> None:
    for path in ("node-is-quorum-critical", "node-is-mirror-sync-critical"):
        assert api.get(f"health/checks/{path}").json["reason"] == "single node cluster"
    assert api.get("health/checks/virtual-hosts").json == {"status": "ok"}


def test_a_message_goes_in_and_out(api: Api) -> None:
    assert api.get("aliveness-test/%2F").json == {"status": "ok"}
    assert api.get("aliveness-test/%2F").json == {"status": "ok"}
    assert api.get("aliveness-test/nope").status == 404
    queue = api.management.node.views.queue("/", "aliveness-test")
    assert queue is not None
    assert queue.counts.ready_count == 0


def test_a_node_that_queues_need_is_critical(api: Api) -> None:
    own = api.management.services.identity.node
    api.broker.cluster = cluster = FakeCluster(own, "rabbit@b", "rabbit@c")
    cluster.put("q", own, "rabbit@b", "rabbit@c")
    cluster.put("m", own, "rabbit@b", kind="classic", min_isr=1)
    for check in ("node-is-quorum-critical", "node-is-mirror-sync-critical"):
        assert api.get(f"health/checks/{check}").json == {"status": "ok"}
    cluster.stop("rabbit@b")
    reply = api.get("health/checks/node-is-quorum-critical")
    assert (reply.status, reply.json) == (
        503,
        {
            "status": "failed",
            "reason": "There are quorum queues that would lose their quorum if the target node is"
            " shut down",
            "queues": [
                {
                    "name": "q",
                    "readable_name": "queue 'q' in vhost '/'",
                    "virtual_host": "/",
                    "type": "quorum",
                }
            ],
        },
    )
    reply = api.get("health/checks/node-is-mirror-sync-critical")
    assert (reply.status, [each["name"] for each in reply.json["queues"]]) == (503, ["m"])
    # A queue that is here alone is not mirrored, and waits for no mirror.
    cluster.put("alone", own, kind="classic", min_isr=1)
    reply = api.get("health/checks/node-is-mirror-sync-critical")
    assert [each["name"] for each in reply.json["queues"]] == ["m"]


def test_a_node_that_takes_no_part_is_not_in_service(api: Api) -> None:
    own = api.management.services.identity.node
    api.broker.cluster = cluster = FakeCluster(own, "rabbit@b")
    assert api.get("health/checks/is-in-service", user=None).status == 200
    cluster.whole = cluster.whole._replace(frozen="the store went back")
    reply = api.get("health/checks/is-in-service", user=None)
    assert (reply.status, reply.json["reason"]) == (
        503,
        "the node takes no part in its cluster: the store went back",
    )


def test_queues_without_a_leader(api: Api) -> None:
    own = api.management.services.identity.node
    path = "health/checks/quorum-queues-without-elected-leaders"
    api.broker.cluster = cluster = FakeCluster(own, "rabbit@b")
    cluster.put("q", "rabbit@b", own)
    assert api.get(f"{path}/all-vhosts").status == 200
    cluster.stop("rabbit@b")
    reply = api.get(f"{path}/all-vhosts")
    assert (reply.status, reply.json["queues"][0]["name"]) == (503, "q")
    assert api.get(f"{path}/vhost/%2F/pattern/%5Eq").status == 503
    assert api.get(f"{path}/vhost/%2F/pattern/x").status == 200
    assert api.get(f"{path}/all-vhosts/pattern/(").status == 400
