"""Who asked for room is told once, when there is some."""

from cluster.fronts.links.shut import TOLD_MAX, ShutQueues


class Room:
    def __init__(self) -> None:
        self.shut: set[str] = set()
        self.link_is_shut = False
        self.told: list[str | None] = []
        self.queues = ShutQueues(
            self.shut.__contains__, lambda: self.link_is_shut, self.told.append
        )


def test_who_is_not_refused_is_not_told() -> None:
    room = Room()
    assert not room.queues.ask("q")
    room.queues.changed("q")
    room.queues.tell()
    assert room.told == []


def test_a_queue_is_told_when_its_own_window_opens() -> None:
    room = Room()
    room.shut |= {"q", "r"}
    assert room.queues.ask("q")
    assert room.queues.ask("r")
    room.shut.remove("q")
    room.queues.tell()
    assert room.told == []
    room.queues.changed("q")
    room.queues.changed("r")
    room.queues.tell()
    room.queues.tell()
    assert room.told == ["q"]


def test_all_are_told_when_the_connection_opens_some_at_a_time() -> None:
    room = Room()
    room.link_is_shut = True
    names = [f"q{number}" for number in range(TOLD_MAX + 5)]
    for name in names:
        assert room.queues.ask(name)
    room.queues.tell()
    assert room.told == []
    room.link_is_shut = False
    room.queues.tell()
    assert room.told == [*names[:TOLD_MAX], None]
    room.queues.tell()
    assert room.told == [*names[:TOLD_MAX], None, *names[TOLD_MAX:]]


def test_a_queue_that_is_shut_itself_meanwhile_waits_on() -> None:
    room = Room()
    room.link_is_shut = True
    assert room.queues.ask("q")
    room.shut.add("q")
    room.link_is_shut = False
    room.queues.tell()
    assert room.told == []
    room.shut.clear()
    room.queues.changed("q")
    room.queues.tell()
    assert room.told == ["q"]


def test_who_asks_again_for_another_reason_is_told_once() -> None:
    room = Room()
    room.link_is_shut = True
    assert room.queues.ask("q")
    room.shut.add("q")
    assert room.queues.ask("q")
    room.shut.clear()
    room.link_is_shut = False
    room.queues.changed("q")
    room.queues.tell()
    room.queues.tell()
    assert room.told == ["q"]
    room.told.clear()
    room.shut.add("q")
    assert room.queues.ask("q")
    room.shut.clear()
    room.link_is_shut = True
    assert room.queues.ask("q")
    room.queues.changed("q")
    room.link_is_shut = False
    room.queues.tell()
    assert room.told == ["q"]


def test_who_is_shut_for_both_reasons_waits_for_its_own() -> None:
    room = Room()
    room.link_is_shut = True
    assert room.queues.ask("q")
    room.shut.add("q")
    assert room.queues.ask("q")
    room.link_is_shut = False
    room.shut.clear()
    room.queues.tell()
    assert room.told == []
    room.queues.changed("q")
    room.queues.tell()
    assert room.told == ["q"]


def test_nobody_is_told_after_the_end() -> None:
    room = Room()
    room.link_is_shut = True
    assert room.queues.ask("q")
    room.queues.close()
    room.link_is_shut = False
    room.queues.tell()
    assert room.told == []
