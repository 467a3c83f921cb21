"""Rights: what a tag and a vhost let through, and with which words the rest is refused."""

import pytest

from management.access.account import account_of
from management.access.authorization import require
from management.http.errors import HttpError
from management.routing.route import Right


class Doors:
    """``ours`` may be entered, ``theirs`` not."""

    def has_vhost(self, vhost: str) -> bool:
        return vhost in {"ours", "theirs"}

    def may_enter(self, _user: str, vhost: str) -> bool:
        return vhost == "ours"


NO_VHOST = "User not authorised to access virtual host"
NO_OBJECT = "User not authorised to access object"


@pytest.mark.parametrize(
    ("tag", "right", "vhost", "refusal"),
    [
        ("", Right.USER, None, "Not management user"),
        ("management", Right.USER, None, ""),
        ("management", Right.USER, "ours", ""),
        ("management", Right.USER, "theirs", NO_VHOST),
        ("management", Right.USER, "nowhere", ""),
        ("administrator", Right.USER, "theirs", NO_VHOST),
        ("monitoring", Right.VISIBLE_VHOST, "theirs", ""),
        ("management", Right.VISIBLE_VHOST, "theirs", NO_VHOST),
        ("management", Right.MONITORING, None, "Not monitor user"),
        ("monitoring", Right.MONITORING, "theirs", ""),
        ("monitoring", Right.POLICYMAKER, "ours", NO_OBJECT),
        ("policymaker", Right.POLICYMAKER, "ours", ""),
        ("policymaker", Right.POLICYMAKER, "theirs", NO_OBJECT),
        ("monitoring", Right.ADMINISTRATOR, None, "Not administrator user"),
        ("administrator", Right.ADMINISTRATOR, "theirs", ""),
    ],
)
def test_rights(tag: str, right: Right, vhost: str | None, refusal: str) -> None:
    account = account_of("eve", {tag})
    if not refusal:
        require(right, account, vhost, Doors())
        return
    with pytest.raises(HttpError) as refused:
        require(right, account, vhost, Doors())
    assert (refused.value.status, refused.value.error) == (401, "not_authorised")
    assert refused.value.reason == refusal
