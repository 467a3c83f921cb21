"""The headers of every answer, and CORS."""

from management.headers import Headers
from management.http.request import Request
from management.http.response import answer
from management.settings import ManagementSettings


def on(origin: str | None, *allowed: str, method: str = "GET") -> dict[str, str]:
    headers = {} if origin is None else {"origin": origin, "access-control-request-headers": "a"}
    settings = ManagementSettings(cors_allow_origins=allowed)
    made = Headers(settings).on(answer(1), Request(method, "/", headers=headers))
    return dict(made.headers)


def test_no_page_may_frame_or_guess() -> None:
    headers = on(None)
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Cache-Control"] == "no-cache"


def test_only_named_origins_may_call() -> None:
    assert "Access-Control-Allow-Origin" not in on("http://x")
    assert "Access-Control-Allow-Origin" not in on("http://x", "http://y")
    named = on("http://x", "http://x")
    assert named["Access-Control-Allow-Origin"] == "http://x"
    assert named["Access-Control-Allow-Credentials"] == "true"


def test_every_origin_gets_no_cookies() -> None:
    headers = on("http://x", "*")
    assert headers["Access-Control-Allow-Origin"] == "*"
    assert "Access-Control-Allow-Credentials" not in headers


def test_a_preflight_is_answered() -> None:
    headers = on("http://x", "http://x", method="OPTIONS")
    assert headers["Access-Control-Allow-Headers"] == "a"
    assert headers["Access-Control-Max-Age"] == "1800"
