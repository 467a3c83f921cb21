"""Server-sent events."""

from command_line.events import events


def test_data_that_is_no_object_is_left_out() -> None:
    lines = ["data: {", "", ": comment", "data: [1]", "", 'data: {"a":', "data: 1}", "", "data: {}"]
    assert list(events(lines)) == [{"a": 1}]
