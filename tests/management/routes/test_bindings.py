"""Bindings, with RabbitMQ's answers."""

from urllib.parse import quote, unquote

import pytest

from tests.support.management_api import Api

ODD = "a b~c/d%e+f?g&h\u00e9=\u2603"


@pytest.fixture(autouse=True)
def ends(api: Api) -> None:
    api.put("exchanges/%2F/x", {"type": "topic"})
    api.put("exchanges/%2F/y", {"type": "fanout"})
    api.put("queues/%2F/q", {})


@pytest.mark.parametrize(
    ("body", "location"),
    [
        ({"routing_key": "k"}, "q/k"),
        (None, "q/~"),
        ({"routing_key": "", "arguments": []}, "q/~"),
        ({"routing_key": "~"}, "q/%257E"),
        ({"routing_key": 5}, "q/5"),
        ({"routing_key": None}, "q/null"),
        (
            {"routing_key": ODD},
            "q/a%2Bb%257Ec%252Fd%2525e%252Bf%253Fg%2526h%25C3%25A9%253D%25E2%2598%2583",
        ),
    ],
)
def test_a_binding_is_where_the_answer_says(api: Api, body: object, location: str) -> None:
    reply = api.post("bindings/%2F/e/x/q/q", body)
    assert (reply.status, reply.headers["location"]) == (201, location)
    assert api.post("bindings/%2F/e/x/q/q", body).status == 201
    found = api.get(f"bindings/%2F/e/x/q/{location}").json
    assert api.get("bindings/%2F/e/x/q/q").json == [found]
    assert api.delete(f"bindings/%2F/e/x/q/{location}").status == 204
    assert api.delete(f"bindings/%2F/e/x/q/{location}").status == 404
    assert api.get("bindings/%2F/e/x/q/q").json == []


def test_arguments_are_a_part_of_the_key(api: Api) -> None:
    given = {"a": "s", "b": [1, {"d": True}], "c": {"e": 2.5}}
    first = api.post("bindings/%2F/e/x/q/q", {"routing_key": "k", "arguments": given})
    again = api.post("bindings/%2F/e/x/q/q", {"routing_key": "k", "arguments": {"a": "s"}})
    assert first.headers["location"] != again.headers["location"]
    found = api.get(f"bindings/%2F/e/x/q/{first.headers['location']}").json
    assert found["arguments"] == given
    assert found["properties_key"].startswith("k~")
    assert api.delete(f"bindings/%2F/e/x/q/{first.headers['location']}").status == 204
    assert len(api.get("bindings/%2F/e/x/q/q").json) == 1


def test_exchanges_are_bound_too(api: Api) -> None:
    assert api.post("bindings/%2F/e/x/e/y", {"routing_key": "e2e"}).headers["location"] == "y/e2e"
    api.post("bindings/%2F/e/y/q/q", {})
    listed = api.get("exchanges/%2F/x/bindings/source").json
    assert listed == api.get("exchanges/%2F/y/bindings/destination").json
    assert listed == api.get("bindings/%2F/e/x/e/y").json
    assert listed[0]["destination_type"] == "exchange"
    assert api.delete("bindings/%2F/e/x/e/y/e2e").status == 204


def test_every_queue_is_bound_to_the_default_exchange(api: Api) -> None:
    implicit = {
        "source": "",
        "vhost": "/",
        "destination": "q",
        "destination_type": "queue",
        "routing_key": "q",
        "arguments": {},
        "properties_key": "q",
    }
    assert api.get("bindings/%2F").json == [implicit]
    assert api.get("bindings/%2F/e/amq.default/q/q").json == [implicit]
    assert api.get("bindings/%2F/e/amq.default/q/q/q").json == implicit
    assert api.get("queues/%2F/q/bindings").json == [implicit]
    assert api.get("bindings").json == [implicit]
    assert api.delete("bindings/%2F/e/amq.default/q/q/q").status == 401


@pytest.mark.parametrize(
    ("path", "status", "reason"),
    [
        ("%2F/e/x/e/nope", 404, "no exchange 'nope' in vhost '/'"),
        ("%2F/e/nope/q/q", 404, "no exchange 'nope' in vhost '/'"),
        ("%2F/e/x/q/nope", 404, "no queue 'nope' in vhost '/'"),
        ("%2F/e/amq.default/q/q", 401, "Access refused."),
        ("%2F/e/x/e/amq.default", 401, "Access refused."),
        ("nope/e/x/q/q", 404, "vhost_not_found"),
    ],
)
def test_what_cannot_be_bound(api: Api, path: str, status: int, reason: str) -> None:
    reply = api.post(f"bindings/{path}", {"routing_key": "k"})
    assert (reply.status, reply.json["reason"]) == (status, reason)


def test_nothing_to_show(api: Api) -> None:
    assert api.get("bindings/nope").status == 404
    assert api.get("bindings/%2F/e/nope/q/nope").json == []
    assert api.get("exchanges/%2F/nope/bindings/source").json == []
    assert api.get("bindings/%2F/e/x/q/q/nope").status == 404
    assert api.post("bindings/%2F/e/x/q/q", {"arguments": {"a": None}}).status == 400


@pytest.mark.parametrize("arguments", [{}, {"n": 1, "deep": {"list": [1, "two"]}}])
@pytest.mark.parametrize("key", ["", " ", "/", "~", "~~", "%", "%2F", "+", "?#&", "..", "a~b", ODD])
def test_the_last_segment_of_a_location_is_the_key_decoded_once(
    api: Api, key: str, arguments: dict[str, object]
) -> None:
    """Terraform keeps it as the id of the binding, and looks for it in the list."""
    reply = api.post("bindings/%2F/e/x/q/q", {"routing_key": key, "arguments": arguments})
    _, last = reply.headers["location"].split("/")
    (listed,) = api.get("bindings/%2F/e/x/q/q").json
    assert unquote(last) == listed["properties_key"]
    path = f"bindings/%2F/e/x/q/q/{quote(unquote(last), safe='').replace('.', '%2E')}"
    assert api.get(path).json == listed
    assert api.delete(path).status == 204


def test_few_bindings_of_a_source_are_in_order(api: Api) -> None:
    for key in ("b", "c", "a"):
        api.post("bindings/%2F/e/x/q/q", {"routing_key": key})
        api.post("bindings/%2F/e/x/e/y", {"routing_key": key})
    ours = [each for each in api.get("bindings/%2F").json if each["source"] == "x"]
    assert [(each["destination"], each["routing_key"]) for each in ours] == [
        (to, key) for to in ("y", "q") for key in ("a", "b", "c")
    ]
