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
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["cache-control"] == "no-cache"


def test_only_named_origins_may_call() -> None:
    assert "access-control-allow-origin" not in on("http://x")
    assert "access-control-allow-origin" not in on("http://x", "http://y")
    named = on("http://x", "http://x")
    assert named["access-control-allow-origin"] == "http://x"
    assert named["access-control-allow-credentials"] == "true"


def test_every_origin_gets_no_cookies() -> None:
    headers = on("http://x", "*")
    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers


def test_a_preflight_is_answered() -> None:
    headers = on("http://x", "http://x", method="OPTIONS")
    assert headers["access-control-allow-headers"] == "a"
    assert headers["access-control-max-age"] == "1800"
