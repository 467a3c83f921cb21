"""A request on its way: its body, and the vhosts that its user sees."""

import pytest

from management.access.account import account_of
from management.call import Call
from management.http.errors import HttpError
from management.http.request import Request
from tests.support.management_api import Api


def call(api: Api, body: bytes = b"", tag: str = "management") -> Call:
    request = Request("PUT", "/api/x", body=body)
    user = account_of("guest", {tag})
    return Call(request, {"vhost": "/"}, api.management.services, user)


@pytest.mark.parametrize("body", [b"", b" ", b"null", b"undefined", b"{}", b"true"])
def test_nothing_is_an_empty_object(api: Api, body: bytes) -> None:
    assert call(api, body).body() == {}


@pytest.mark.parametrize("body", [b"{bad", b"[]", b"5", b"false", b"\xff"])
def test_another_body_is_refused(api: Api, body: bytes) -> None:
    with pytest.raises(HttpError) as refused:
        call(api, body).body()
    assert (refused.value.status, refused.value.reason) == (400, "not_json")


def test_a_text_in_a_text_is_told_so(api: Api) -> None:
    with pytest.raises(HttpError) as refused:
        call(api, b'"{}"').body()
    assert "doubly-JSON-encoded" in str(refused.value.reason)


def test_who_logged_in_at_another_node_is_looked_for_by_name(api: Api) -> None:
    api.add_user("eve", "management")
    services, eve = api.management.services, account_of("eve", {"management"})
    request = Request("GET", "/api/x")
    here = Call(request, {}, services, eve)
    forwarded = Call(request, {}, services, eve, is_forwarded=True)
    assert (here.still_stands(), forwarded.still_stands()) == (False, True)
    api.add_user("eve", "monitoring")
    assert not forwarded.still_stands()


def test_who_monitors_sees_all_vhosts_and_enters_only_its_own(api: Api) -> None:
    api.broker.add_vhost("other")
    assert call(api).visible_vhosts() == ["/"]
    assert call(api, tag="monitoring").visible_vhosts() == ["/", "other"]
    assert call(api, tag="monitoring").enterable_vhosts() == ["/"]
    assert (call(api).vhost, call(api).node.views) == ("/", api.management.node.views)
