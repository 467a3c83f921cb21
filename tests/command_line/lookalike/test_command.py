"""``haremq as``."""

from tests.support.typed_commands import Typed


def test_a_tool_gets_all_words_as_they_are(typed: Typed) -> None:
    assert typed("as", "rabbitmqctl", "list_vhosts", "-s").out == "/\n"
    assert typed("as", "rabbitmqctl", "--help").status == 0
    assert typed("as", "zork").status == 64
