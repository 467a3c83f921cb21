"""Definitions over HTTP, with RabbitMQ's answers."""

import json

import pytest

from tests.support.management_api import Api

FORM = {"content-type": "multipart/form-data; boundary=----b"}


def _form(**fields: bytes) -> bytes:
    parts = [
        b'------b\r\nContent-Disposition: form-data; name="%b"; filename="f"\r\n\r\n%b\r\n'
        % (name.encode(), content)
        for name, content in fields.items()
    ]
    return b"".join(parts) + b"------b--\r\n"


def _declare(api: Api) -> None:
    api.put("vhosts/w", {})
    api.put("exchanges/w/x", {"type": "topic", "durable": True})
    api.put("queues/w/q", {"durable": True, "arguments": {"x-max-length": 5}})
    api.post("bindings/w/e/x/q/q", {"routing_key": "k", "arguments": {"a": [1]}})
    api.put("policies/w/p", {"pattern": "^q", "definition": {"max-length": 1}})
    api.put("users/eve", {"password": "p", "tags": "management"})


def test_what_is_exported_is_imported_by_another_node(api: Api) -> None:
    _declare(api)
    exported = api.get("definitions?download=f.json")
    assert exported.headers["content-disposition"] == 'attachment; filename="f.json"'
    document = exported.json
    assert document["rabbit_version"] == api.management.services.identity.rabbitmq_version
    with Api() as other:
        assert other.post("definitions", document).status == 204
        for path in ("queues/w/q", "policies/w/p", "users/eve"):
            assert other.get(path).status == 200
        assert other.get("queues/w/q").json["arguments"] == {"x-max-length": 5}
        assert len(other.get("bindings/w/e/x/q/q").json) == 1
        again = other.get("definitions").json
        for section in ("queues", "exchanges", "bindings", "policies", "vhosts"):
            assert again[section] == document[section]


def test_those_of_a_vhost_name_no_vhost(api: Api) -> None:
    _declare(api)
    document = api.get("definitions/w").json
    assert [each["name"] for each in document["queues"]] == ["q"]
    assert "vhost" not in document["queues"][0]
    api.put("vhosts/v", {})
    assert api.post("definitions/v", document).status == 204
    assert api.get("queues/v/q").status == 200
    assert api.get("definitions/nope").status == 404
    assert api.post("definitions/nope", {}).json["reason"] == "vhost_not_found"


def test_a_browser_sends_a_form(api: Api) -> None:
    file = json.dumps({"vhosts": [{"name": "w"}]}).encode()
    assert api.post("definitions", _form(file=file), headers=FORM).status == 204
    assert api.get("vhosts/w").status == 200
    reply = api.post("definitions", _form(redirect=b"../#/x", file=file), headers=FORM)
    assert (reply.status, reply.headers["location"]) == (303, "../#/x")


@pytest.mark.parametrize("body", [b" ", b"{}", b"\xef\xbb\xbf{}", {"unknown": [1]}])
def test_nothing_is_fine(api: Api, body: object) -> None:
    assert api.post("definitions", body).status == 204


@pytest.mark.parametrize("body", [b"{bad", b"[]", b"5"])
def test_what_is_no_document(api: Api, body: object) -> None:
    reply = api.post("definitions", body)
    assert (reply.status, reply.json["reason"]) == (400, "failed_to_parse_json")
    assert api.post("definitions", body, headers={"content-type": "text/x"}).status == 415


def test_what_cannot_be_taken_is_named_and_the_rest_is_taken(api: Api) -> None:
    wrong = {"vhost": "/", "name": "p", "pattern": "(", "definition": {"max-length": 1}}
    queue = {"vhost": "/", "name": "q", "durable": True, "auto_delete": False, "arguments": {}}
    reply = api.post("definitions", {"policies": [wrong], "queues": [queue]})
    assert reply.status == 400
    assert reply.json["reason"].startswith(
        "1 left out, all others were taken:\ndefinitions.policies[0]"
    )
    assert api.get("queues/%2F/q").status == 200
    reply = api.post("definitions", {"policies": [wrong] * 30})
    assert reply.json["reason"].endswith("\nand 10 more")


def test_a_large_body_is_read_in_slices(api: Api) -> None:
    queues = [
        {"name": f"q{number}", "vhost": "/", "durable": True, "auto_delete": False, "arguments": {}}
        for number in range(300)
    ]
    padding = [{"name": f"p{number}", "value": list(range(400))} for number in range(60)]
    document = {"queues": queues, "global_parameters": padding}
    assert api.post("definitions", document).status == 204
    assert len(api.get("queues/%2F?disable_stats=true").json) == 300
    assert api.get("global-parameters/p59").json["value"] == list(range(400))
    assert api.post("definitions", b'{"queues": [' + b"[]," * 30_000).status == 400
    brackets = b'{"arguments": [' + b"[]," * 100_000 + b"0]}"
    reply = api.put("queues/%2F/q", brackets)
    assert (reply.status, reply.json["reason"]) == (400, "not_json")
