"""Texts of queues; that none is old is shown by ``tests/properties/test_queue_texts.py``."""

import json
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import pytest

from amqp_server.broker.views import QueueCounts, QueueView
from management.bodies import queue_texts
from management.bodies.queue_texts import BYTES_MAX, ENTRY_BYTES, KEPT_MS, QueueTexts
from management.bodies.queues import queue_body
from management.http.json_text import dumped
from management.identity import Identity
from management.lists.ranges import NO_RANGES
from management.samples import series
from management.samples.details import Looks
from management.samples.history import History
from tests.support.management_api import Api

IDENTITY = Identity("rabbit@here", "cluster", "3.13.7", "HareMQ", "1")
LOOKS = Looks(20_000, 15_000, 1_000_000)


def view(
    name: str = "q",
    ready_count: int = 0,
    arguments: Mapping[str, object] = MappingProxyType({}),
    policy: Mapping[str, object] = MappingProxyType({}),
) -> QueueView:
    return QueueView(
        name=name,
        vhost="/",
        kind="classic",
        durable=True,
        auto_delete=False,
        exclusive=False,
        arguments=arguments,
        owner_number=None,
        policy=None,
        operator_policy=None,
        effective_policy=policy,
        counts=QueueCounts(ready_count=ready_count),
        single_active_tag=None,
        exclusive_tag=None,
        may_deliver=False,
    )


def idle() -> History:
    return History(series.QUEUE_WIDTH, None, 10_000)


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the names of queues whose objects are made."""
    names: list[str] = []

    def noted(shown: QueueView, *given: Any) -> dict[str, Any]:  # noqa: ANN401
        names.append(shown.name)
        return queue_body(shown, *given)

    monkeypatch.setattr(queue_texts, "queue_body", noted)
    return names


def fresh(shown: QueueView, numbers: History | None) -> bytes:
    return dumped(queue_body(shown, IDENTITY, numbers, LOOKS, NO_RANGES))


def test_the_object_of_a_queue_that_does_nothing_is_made_once(made: list[str]) -> None:
    texts, numbers = QueueTexts(IDENTITY), idle()
    for _ in range(3):
        assert texts.text(view(), numbers, LOOKS) == fresh(view(), numbers)
    assert made == ["q"]
    assert texts.text(view(ready_count=1), numbers, LOOKS) == fresh(view(ready_count=1), numbers)
    assert (made, len(texts)) == (["q", "q"], 1)


def test_one_that_does_something_is_made_anew_and_not_kept(made: list[str]) -> None:
    texts, busy = QueueTexts(IDENTITY), idle()
    busy.note(20_000, (1,) * series.QUEUE_WIDTH)
    for numbers in (busy, busy, None, None):
        assert texts.text(view(), numbers, LOOKS) == fresh(view(), numbers)
    assert (len(made), len(texts), texts.size_bytes) == (4, 0, 0)


def test_values_that_only_python_takes_for_equal_are_told_apart() -> None:
    texts, numbers = QueueTexts(IDENTITY), idle()
    for value in (1, True, 1.0, [1], [True]):
        for shown in (view("a", arguments={"x": value}), view("b", policy={"x": value})):
            assert texts.text(shown, numbers, LOOKS) == fresh(shown, numbers)


def test_a_step_of_the_clock_is_seen(made: list[str]) -> None:
    texts, numbers = QueueTexts(IDENTITY), idle()
    first = json.loads(texts.text(view(), numbers, LOOKS))
    later = json.loads(texts.text(view(), numbers, LOOKS._replace(wall_offset_ms=2_000_000)))
    assert first["idle_since"] < later["idle_since"]
    assert len(made) == 2


def test_what_is_the_same_of_all_is_kept_once_and_goes_with_the_last() -> None:
    texts, numbers = QueueTexts(IDENTITY), idle()
    texts.text(view("a"), numbers, LOOKS)
    one = texts.size_bytes
    texts.text(view("b"), numbers, LOOKS)
    assert texts.size_bytes - one == ENTRY_BYTES + len(b'{"name":"b"')
    assert one > ENTRY_BYTES + 1_000
    for now_ms in (KEPT_MS, 2 * KEPT_MS):
        assert len(texts) == 2
        list(texts.forgetting(now_ms))
    assert (len(texts), texts.size_bytes, texts._rests) == (0, 0, {})


def test_what_lists_have_had_lately_stays(made: list[str]) -> None:
    texts, numbers = QueueTexts(IDENTITY), idle()
    for now_ms in range(KEPT_MS, 6 * KEPT_MS, KEPT_MS // 2):
        texts.text(view("asked"), numbers, LOOKS)
        if now_ms == KEPT_MS:
            texts.text(view("once"), numbers, LOOKS)
        list(texts.forgetting(now_ms))
    assert made == ["asked", "once"]
    assert len(texts) == 1


def test_what_has_no_place_is_made_each_time(made: list[str]) -> None:
    texts, numbers = QueueTexts(IDENTITY, 4_000), idle()
    for name in ("a", "b", "c", "a", "b", "c"):
        assert texts.text(view(name), numbers, LOOKS) == fresh(view(name), numbers)
    assert made == ["a", "b", "c", "c"]
    assert texts.size_bytes <= 4_000 < BYTES_MAX
    # One that changes gives its place up first.
    texts.text(view("a", 1), numbers, LOOKS)
    assert texts.size_bytes <= 4_000


def test_a_name_may_hold_anything() -> None:
    texts, numbers = QueueTexts(IDENTITY), idle()
    for name in ('"', "\\", "é", "\udcff", "", "}"):
        text = texts.text(view(name), numbers, LOOKS)
        assert json.loads(text) == json.loads(fresh(view(name), numbers))
        assert texts.text(view(name), numbers, LOOKS) == text


def test_the_node_tells_what_they_take_and_the_sampler_tidies_them(api: Api) -> None:
    api.put("queues/%2F/q", {})
    for _ in range(3):
        api.look()
    first = api.get("queues").json
    texts = api.management.services.queue_texts
    assert len(texts) == 1
    assert api.get("queues").json == first
    for _ in range(2):
        api.look(KEPT_MS)
    assert (len(texts), texts.size_bytes) == (0, 0)
