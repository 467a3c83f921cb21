"""Every key is declared in full: type, unit, range, default and a sentence."""

from collections.abc import Mapping
from dataclasses import MISSING, is_dataclass
from pathlib import Path
from typing import Literal

import pytest

from amqp_server.settings.load import expected
from amqp_server.settings.schema import Key, Settings, Shape, all_keys, keys_of, shape_of

KEYS = list(all_keys())


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_a_key_has_a_sentence(key: Key) -> None:
    assert key.doc.endswith(".")
    assert key.doc[0].isupper()
    assert "\n" not in key.doc


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_a_number_has_a_range_that_holds_its_default(key: Key) -> None:
    if key.shape.base not in {int, float}:
        assert (key.minimum, key.maximum) == (None, None)
        return
    assert key.minimum is not None
    assert key.maximum is not None
    assert isinstance(key.default, key.shape.base)
    assert isinstance(key.default, int | float)
    assert key.minimum <= key.default <= key.maximum


@pytest.mark.parametrize("key", KEYS, ids=lambda key: key.path)
def test_a_default_is_of_its_own_type(key: Key) -> None:
    if key.default is MISSING:
        return
    if key.default is None:
        assert key.shape.is_optional
    elif key.shape.is_list:
        assert isinstance(key.default, tuple)
        assert all(isinstance(item, key.shape.base) for item in key.default)
    elif key.shape.is_map:
        assert isinstance(key.default, Mapping)
    else:
        assert isinstance(key.default, key.shape.base)


def test_a_time_or_a_size_ends_in_its_unit() -> None:
    units = {key.path: key.unit for key in KEYS}
    assert units["net.shutdown_grace_ms"] == "milliseconds"
    assert units["net.busy_poll_us"] == "microseconds"
    assert units["protocol.heartbeat_s"] == "seconds"
    assert units["protocol.tx_bytes_max"] == "bytes"
    assert units["broker.memory_high_watermark_ratio"] == "share of 1"
    assert units["net.backlog"] == ""
    assert units["broker.default_permissions"] == ""  # it only ends like one
    for key in KEYS:
        told = key.path.rpartition(".")[2].split("_")
        assert not {"timeout", "size", "delay", "interval"} & {told[-1]}, key.path


def test_the_sections_are_the_packages() -> None:
    assert [key.path for key in keys_of(Settings)] == [
        "net",
        "protocol",
        "stream_protocol",
        "management",
        "broker",
        "queues",
        "persistence",
        "cluster",
    ]
    assert all(is_dataclass(key.shape.base) for key in keys_of(Settings))


def test_paths_go_through_sections_and_lists() -> None:
    paths = [key.path for key in KEYS]
    assert "net.listeners[].port" in paths
    assert "protocol.compatibility.version" in paths
    assert len(set(paths)) == len(paths)


@pytest.mark.parametrize(
    ("annotation", "shape"),
    [
        (int, Shape(int)),
        (Path | None, Shape(Path, is_optional=True)),
        (tuple[str, ...], Shape(str, is_list=True)),
        (Mapping[str, str], Shape(str, is_map=True)),
        (Literal["a", "b"], Shape(str, choices=("a", "b"))),
        (tuple[Literal["a"], ...], Shape(str, choices=("a",), is_list=True)),
    ],
)
def test_an_annotation_describes_a_shape(annotation: object, shape: Shape) -> None:
    assert shape_of(annotation) == shape


def test_what_a_file_cannot_hold_is_no_settings_type() -> None:
    with pytest.raises(AssertionError, match="no type that a settings file can hold"):
        shape_of(complex)


def test_a_value_is_expected_in_words() -> None:
    words = {key.path: expected(key) for key in KEYS}
    assert words["net.backlog"] == "an integer from 1 to 65535"
    assert words["net.tls.verify_peer"] == "true or false"
    assert words["broker.default_queue_type"] == "one of classic, quorum, stream"
    assert words["net.listeners[].protocol"] == "one of amqp, stream"
    assert words["broker.load_definitions"] == "a path"
    assert words["broker.node_name"] == "a text"
    assert words["broker.memory_high_watermark_ratio"] == "a number from 0.0 to 1.0"
