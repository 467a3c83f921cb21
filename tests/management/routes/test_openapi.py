"""The description of the API itself."""

from tests.support.management_api import Api


def test_the_description_describes_itself(api: Api) -> None:
    body = api.get("openapi.json").json
    assert body["openapi"].startswith("3.1")
    assert body["info"]["version"] == "9.9"
    assert "get" in body["paths"]["/api/openapi.json"]
    assert api.get("openapi.json", user=None).status == 401
