"""Shovels: how they are defined, shown, restarted and deleted."""

from amqp_server.broker.shovels.definition import read_shovel
from amqp_server.broker.shovels.states import RUNNING, TERMINATED, ShovelState
from tests.support.management_api import Api

VALUE = {
    "src-uri": "amqp://u:secret@a",
    "src-queue": "q",
    "dest-uri": "amqp://b",
    "dest-exchange": "e",
    "dest-exchange-key": "k",
}


def begin(api: Api, name: str = "s", vhost: str = "/") -> ShovelState:
    """Define a shovel, and have it run."""
    path = vhost.replace("/", "%2F")
    assert api.put(f"parameters/shovel/{path}/{name}", {"value": VALUE}).status == 201
    state = ShovelState(read_shovel(vhost, name, VALUE), RUNNING, 0)
    api.broker.shovels.begin(state)
    return state


def test_a_shovel_is_shown_without_its_secrets(api: Api) -> None:
    state = begin(api)
    api.broker.shovels.update(
        state._replace(source_uri=VALUE["src-uri"], destination_uri="amqp://b", forwarded=7)
    )
    (shown,) = api.get("shovels").json
    assert shown.pop("node").startswith("rabbit@")
    assert shown == {
        "timestamp": "1970-01-01 00:00:00",
        "name": "s",
        "vhost": "/",
        "type": "dynamic",
        "state": "running",
        "src_protocol": "amqp091",
        "dest_protocol": "amqp091",
        "forwarded": 7,
        "remaining": "unlimited",
        "src_uri": "amqp://a",
        "src_queue": "q",
        "dest_uri": "amqp://b",
        "dest_exchange": "e",
        "dest_exchange_key": "k",
    }
    assert (
        api.get("shovels/%2F").json
        == api.get("shovels/vhost/%2F/s").json
        == api.get("shovels").json
    )
    assert api.get("shovels/nowhere").status == 404
    assert api.get("shovels/vhost/%2F/nope").status == 404


def test_why_it_is_terminated(api: Api) -> None:
    state = begin(api)
    api.broker.shovels.update(state._replace(state=TERMINATED, reason="gone", remaining=3))
    (shown,) = api.get("shovels").json
    assert (shown["state"], shown["reason"], shown["remaining"]) == ("terminated", "gone", 3)


def test_it_is_deleted_and_restarted_by_name(api: Api) -> None:
    begin(api)
    restarted = []

    def restart(vhost: str, name: str) -> bool:
        restarted.append((vhost, name))
        return True

    api.broker.shovels.restart = restart
    assert api.delete("shovels/vhost/%2F/s/restart").status == 204
    assert restarted == [("/", "s")]
    assert api.delete("shovels/vhost/%2F/s").status == 204
    assert api.broker.parameters == {}
    assert api.delete("shovels/vhost/%2F/nope").status == 404
    assert api.delete("shovels/vhost/%2F/nope/restart").status == 404


def test_an_invalid_one_is_refused_with_each_fault(api: Api) -> None:
    reply = api.put("parameters/shovel/%2F/s", {"value": {"src-uri": "bogus", "src-queue": "q"}})
    assert (reply.status, reply.json["reason"]) == (
        400,
        (
            'Validation failed\n\nKey "dest-uri" not found in s\n'
            '"bogus" not a valid URI: {{unable_to_parse_uri,no_scheme},"bogus"}\n'
        ),
    )
    assert api.put("parameters/shovel/nowhere/s", {"value": VALUE}).status == 404


def test_a_second_put_changes_it(api: Api) -> None:
    begin(api)
    assert api.put("parameters/shovel/%2F/s", {"value": {**VALUE, "src-queue": "r"}}).status == 204
    assert api.get("parameters/shovel/%2F/s").json["value"]["src-queue"] == "r"


def test_who_sees_which(api: Api) -> None:
    api.put("vhosts/w")
    begin(api)
    begin(api, vhost="w")
    api.add_user("mon", "monitoring")
    api.add_user("pol", "policymaker")
    assert [shown["vhost"] for shown in api.get("shovels", user="mon").json] == ["/"]
    assert api.get("shovels", user="pol").status == 401
    assert api.delete("shovels/vhost/%2F/s", user="mon").status == 401


def test_nobody_reaches_a_vhost_of_this_node_that_is_not_his(api: Api) -> None:
    api.put("vhosts/w")
    api.add_user("pol", "policymaker")
    value = {**VALUE, "src-uri": "amqp:///w"}
    reply = api.put("parameters/shovel/%2F/s", {"value": value}, user="pol")
    assert (reply.status, reply.json["reason"]) == (
        400,
        'Validation failed\n\nuser "pol" may not connect to vhost "w"\n',
    )
