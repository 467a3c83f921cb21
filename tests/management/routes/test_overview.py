"""The node as a whole."""

from tests.support.management_api import Api


def test_the_version_needs_no_login(api: Api) -> None:
    assert api.get("version", user=None).json == "3.13.7"


def test_extensions(api: Api) -> None:
    assert api.get("extensions").json == [{"javascript": "dispatcher.js"}]


def test_the_cluster_has_a_name_that_lasts(api: Api) -> None:
    assert api.get("cluster-name").json["name"] == api.management.services.identity.cluster
    assert api.put("cluster-name", {"name": "prod"}).status == 204
    assert api.get("cluster-name/").json == {"name": "prod"}
    [parameter] = api.management.node.views.global_parameters()
    assert (parameter.name, parameter.value) == ("cluster_name", "prod")


def test_a_cluster_without_a_name_is_refused(api: Api) -> None:
    assert api.put("cluster-name", {}).json["reason"] == "[{key_missing,name}]"
    assert api.put("cluster-name").json["reason"] == "[{key_missing,name}]"
    assert api.put("cluster-name", b"{bad").json["reason"] == "not_json"
    assert api.put("cluster-name", {"name": 5}).status == 400
    api.add_user("eve", "management")
    assert api.put("cluster-name", {"name": "x"}, user="eve").json == {
        "error": "not_authorised",
        "reason": "Not administrator user",
    }


def test_the_overview(api: Api) -> None:
    body = api.get("overview").json
    assert body["rabbitmq_version"] == body["management_version"] == "3.13.7"
    assert (body["product_name"], body["product_version"]) == ("HareMQ", "9.9")
    assert body["object_totals"] == {
        "channels": 0,
        "connections": 0,
        "consumers": 0,
        "exchanges": 7,
        "queues": 0,
    }
    assert body["churn_rates"]["queue_created_details"] == {"rate": 0.0}
    assert body["statistics_db_event_queue"] == 0
    assert body["node"] == api.management.services.identity.node
    short = api.get("overview?disable_stats=true").json
    assert {"message_stats", "churn_rates", "queue_totals"} & set(short) == set()
    assert api.get("overview?columns=node").json == {"node": body["node"]}


def test_samples_of_the_overview(api: Api) -> None:
    body = api.get("overview?lengths_age=60&lengths_incr=5&msg_rates_age=60&msg_rates_incr=60").json
    assert len(body["queue_totals"]["messages_details"]["samples"]) == 13
    assert len(body["message_stats"]["publish_details"]["samples"]) == 2
    bad = api.get("overview?lengths_age=501&lengths_incr=1")
    assert bad.json["reason"] == "Invalid range parameters: age 501, incr 1"
