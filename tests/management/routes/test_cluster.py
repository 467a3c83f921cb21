"""What RabbitMQ has for a cluster, as far as clients ask for it."""

import pytest

from amqp_server.broker.access.passwords import SHA256, verify
from tests.management.samples.test_sampler import look
from tests.support.management_api import Api


def test_feature_flags_are_all_on(api: Api) -> None:
    flags = api.get("feature-flags").json
    assert {"quorum_queue", "stream_queue"} <= {flag["name"] for flag in flags}
    assert {flag["state"] for flag in flags} == {"enabled"}
    assert api.put("feature-flags/quorum_queue/enable", {}).status == 204
    assert api.put("feature-flags/quorum_queue/enable").status == 415
    assert api.put("feature-flags/nope/enable", {}).status == 400
    assert api.get("deprecated-features").json == api.get("deprecated-features/used").json == []


def test_one_node_has_nothing_to_rebalance(api: Api) -> None:
    assert api.post("rebalance/queues").status == 204


def test_a_reset_forgets_all_samples(api: Api) -> None:
    look(api)
    peer = api.node.open()
    peer.declare()
    peer.publish(b"x", routing_key="jobs")
    sampler = look(api)
    assert api.delete("reset/none@nowhere").status == 404
    assert sampler.queues["/", "jobs"].points_count == 1
    assert api.delete("reset").status == 204
    assert sampler.queues == {}
    assert look(api).queues["/", "jobs"].points_count == 0


def test_a_password_is_hashed_as_definitions_have_it(api: Api) -> None:
    stored = api.get("auth/hash_password/se%2Fcret").json["ok"]
    assert verify("se/cret", stored, SHA256)


def test_how_a_user_logs_in(api: Api) -> None:
    assert api.get("auth", user=None).json["oauth_enabled"] is False


@pytest.mark.parametrize(
    "path",
    [
        "users/guest/queues",
        "traces",
        "traces/%2F/t",
        "trace-files",
        "process/1",
        "queues/quorum/%2F/q/status",
    ],
)
def test_routes_that_are_not_here(api: Api, path: str) -> None:
    assert api.get(path).status == 404
