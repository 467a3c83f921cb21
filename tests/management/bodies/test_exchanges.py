"""An exchange as an object."""

from amqp_server.broker.views import ExchangeView
from management.bodies.exchanges import exchange_body


def test_a_policy_is_named_where_there_is_one() -> None:
    view = ExchangeView("x", "/", "topic", True, False, False, {"a": 1}, None, 0, 0, 0, 0)
    assert "policy" not in exchange_body(view)
    assert exchange_body(view._replace(policy="p"))["policy"] == "p"
    assert exchange_body(view)["arguments"] == {"a": 1}
