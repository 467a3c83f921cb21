"""How much memory arguments take, about."""

from amqp_server.protocol.argument_memory import FIELD_BYTES, arguments_bytes
from amqp_server.wire.tables import Field


def test_each_field_counts_with_its_text() -> None:
    assert arguments_bytes({}) == FIELD_BYTES
    assert arguments_bytes({"key": Field("t", value=True)}) == 2 * FIELD_BYTES + 3
    assert arguments_bytes({"key": Field("S", b"text")}) == 2 * FIELD_BYTES + 7


def test_what_is_inside_counts() -> None:
    inner = Field("F", {"a": Field("I", 1)})
    table = {"list": Field("A", [inner, Field("V", None)])}
    assert arguments_bytes(table) == 5 * FIELD_BYTES + len("list") + len("a")
