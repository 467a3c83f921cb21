"""The expiration property: what is a number of milliseconds, and what RabbitMQ says otherwise."""

import pytest

from amqp_server.broker.errors import InvalidMessageError
from amqp_server.broker.messages.expiration import EXPIRATION_MAX_MS, checked_expiration_ms


@pytest.mark.parametrize("text", ["0", "1", "60000", "+5", "007", str(EXPIRATION_MAX_MS)])
def test_milliseconds_in_digits_pass(text: str) -> None:
    assert checked_expiration_ms(text) == int(text)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("", "no_integer"),
        ("soon", "no_integer"),
        ("-", "no_integer"),
        (" 1", "no_integer"),
        ("٣", "no_integer"),
        ("1e9", '{leftover_string,"e9"}'),
        ("1.5", '{leftover_string,".5"}'),
        ("1\n", '{leftover_string,"\n"}'),
        ("-1", "{value_negative,-1}"),
        (str(EXPIRATION_MAX_MS + 1), f"{{value_too_large,{EXPIRATION_MAX_MS + 1}}}"),
        ("1" + "0" * 30, f"{{value_too_large,{10**30}}}"),
    ],
)
def test_anything_else_is_refused_with_erlangs_reason(text: str, term: str) -> None:
    with pytest.raises(InvalidMessageError) as caught:
        checked_expiration_ms(text)
    assert str(caught.value) == f"invalid expiration '{text}': {term}"


def test_the_longest_number_is_still_read_at_once() -> None:
    with pytest.raises(InvalidMessageError, match="value_too_large"):
        checked_expiration_ms("9" * 255)
