"""Lists of things in a vhost that may go meanwhile."""

from amqp_server.broker.admin import NotFoundError
from amqp_server.broker.pages import Page
from management.vhost_commands import things


def test_a_list_ends_with_its_vhost() -> None:
    def look(after: str | None) -> Page[str, str]:
        if after is None:
            return Page(("a", "b"), "b")
        raise NotFoundError("no such vhost")

    assert list(things(look)) == ["a", "b"]


def test_all_pages_are_looked_at() -> None:
    pages = {None: Page(("a",), "a"), "a": Page(("b",), None)}
    assert list(things(lambda after: pages[after])) == ["a", "b"]
