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
