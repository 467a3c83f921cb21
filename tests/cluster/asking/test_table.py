"""The asking links of a node: one for each other node and direction, the newest."""

from cluster.asking.connection import AskingLink
from cluster.asking.table import AskingTable
from cluster.links.hello import Hello
from tests.support.linked_pair import TRUST, hello


class Noting:
    def __init__(self) -> None:
        self.said: list[tuple[object, ...]] = []

    def link_opened(self, node: str) -> None:
        self.said.append(("opened", node))

    def asked(self, link: AskingLink, number: int, subject: str, octets: bytes) -> None:
        self.said.append(("asked", link, number, subject, octets))

    def answered(self, link: AskingLink, number: int, octets: bytes, *, is_refusal: bool) -> None:
        self.said.append(("answered", link, number, octets, is_refusal))

    def link_ended(self, link: AskingLink, reason: str) -> None:
        self.said.append(("ended", link, reason))


def table_of() -> tuple[Noting, AskingTable]:
    noting = Noting()

    def say(meant: str) -> Hello:
        return hello("a", meant)

    return noting, AskingTable(noting, say, TRUST)


def known(link: AskingLink, node: str, table: AskingTable) -> AskingLink:
    link.peer = hello(node)
    table.opened(link, link.peer)
    return link


def test_a_newer_link_takes_the_place_of_an_older_one() -> None:
    noting, table = table_of()
    first = known(table.make("b", None, 0), "b", table)
    assert table.link_to("b") is first
    second = known(table.make("b", None, 0), "b", table)
    assert table.link_to("b") is second
    assert first.reason == "a newer connection takes its place"
    assert noting.said == [("opened", "b"), ("ended", first, first.reason), ("opened", "b")]
    assert table.opened_count("b") == 2
    assert table.opened_count("c") == 0
    second.close("enough")
    assert not table.is_open("b")
    assert noting.said[-1] == ("ended", second, "enough")


def test_a_link_from_a_node_that_asks_is_none_to_it() -> None:
    noting, table = table_of()
    link = known(table.make_accepted(None, 0), "b", table)
    assert not table.is_open("b")
    assert noting.said == []
    table.asked(link, 1, "rows", b"?")
    other = known(table.make("b", None, 0), "b", table)
    table.answered(other, 2, b"!", is_refusal=True)
    assert noting.said == [
        ("asked", link, 1, "rows", b"?"),
        ("opened", "b"),
        ("answered", other, 2, b"!", True),
    ]
    assert link.reason is None


def test_a_link_that_ends_before_it_is_known_is_told_of_too() -> None:
    noting, table = table_of()
    table.make("b", None, 0).lost("no socket")
    [(what, _, reason)] = noting.said
    assert (what, reason) == ("ended", "no socket")
