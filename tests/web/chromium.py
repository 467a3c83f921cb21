"""Debian's Chromium, driven by Playwright, and what a page of it did that it must not do."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from playwright.sync_api import Browser, ConsoleMessage, Page, expect, sync_playwright

AXE: Final = Path(__file__).resolve().parents[2] / "web/node_modules/axe-core/axe.min.js"
PATIENCE_MS: Final = 60_000
"""For what a page is to show or to have: other tests may keep the machine busy."""
SERIOUS: Final = ("serious", "critical")

_TELL_VIOLATIONS: Final = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error("policy violated: " + event.violatedDirective + " " + event.blockedURI));
"""
_NOT_LOGGED_IN: Final = "Failed to load resource"
"""Chromium tells each answer of 400 and above; a test looks at those where they matter."""


def executable() -> str | None:
    """Return where the browser is; None is nowhere."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start the browser for a block; as root it has no sandbox."""
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=executable(), args=["--no-sandbox", "--disable-gpu"]
        )
        try:
            yield browser
        finally:
            browser.close()


class Watched:
    """A page, and its errors: of scripts, of the console, and of the security policy.

    Args:
        browser: that opens it.
        dark: the theme of the system.
        phone: the size of one.
        tablet: the size of one that is held upright.
    """

    def __init__(
        self, browser: Browser, *, dark: bool = False, phone: bool = False, tablet: bool = False
    ) -> None:
        width, height = (390, 844) if phone else (768, 1024) if tablet else (1440, 900)
        context = browser.new_context(
            viewport={"width": width, "height": height},
            color_scheme="dark" if dark else "light",
            locale="en-GB",
        )
        context.add_init_script(_TELL_VIOLATIONS)
        self.page: Page = context.new_page()
        self.page.set_default_timeout(PATIENCE_MS)
        self.errors: list[str] = []
        self.page.on("console", self._on_console)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))

    def _on_console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and _NOT_LOGGED_IN not in message.text:
            self.errors.append(message.text)

    def log_in(self, url: str, user: str = "guest", password: str = "guest") -> None:
        """Log in without the form, so that the next page has a session."""
        form: dict[str, str | float | bool] = {"username": user, "password": password}
        answer = self.page.context.request.post(
            f"{url}api/login", form=form, headers={"x-csrf": "1"}
        )
        assert answer.ok, answer.text()

    def axe(self, *rules: str) -> list[str]:
        """Return the serious findings of axe-core: rule and place.

        Args:
            rules: that are looked at; without any, all are.
        """
        self.page.evaluate(AXE.read_text(encoding="utf-8"))
        options = {"runOnly": list(rules)} if rules else {}
        found: dict[str, Any] = self.page.evaluate(
            "(options) => axe.run(document, options)", options
        )
        return [
            f"{violation['id']}: {node['target']}"
            for violation in found["violations"]
            if violation["impact"] in SERIOUS
            for node in violation["nodes"]
        ]

    def is_wider_than_the_screen(self) -> bool:
        """Return whether the page as a whole scrolls sideways."""
        wide: bool = self.page.evaluate(
            "() => document.documentElement.scrollWidth > document.documentElement.clientWidth"
        )
        return wide

    def close(self) -> None:
        """Close the page and forget its cookies."""
        self.page.context.close()
