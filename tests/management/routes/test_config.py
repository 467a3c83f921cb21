"""The settings in force, over HTTP."""

from tests.support.management_api import Api


def test_it_is_plain_text_for_administrators(api: Api) -> None:
    reply = api.get("config/effective", headers={"accept": "text/plain"})
    assert reply.status == 200
    assert reply.headers["content-type"].startswith("text/plain")
    api.add_user("mona", "monitoring")
    assert api.get("config/effective", user="mona").status == 401
