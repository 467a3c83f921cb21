"""Pictures of every page of the web UI: light, dark, and as wide as a phone.

The pages are those of a broker that runs: ``--api`` is the base of its HTTP API, and
``--credentials`` a name and a password.
"""

import argparse
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser

from tests.web.chromium import Watched, chromium
from tests.web.stand_in import StandIn

PAGES: Final = {
    "overview": "#/",
    "queues": "#/queues",
}
LOOKS: Final = {
    "light": {"dark": False, "phone": False},
    "dark": {"dark": True, "phone": False},
    "phone-light": {"dark": False, "phone": True},
    "phone-dark": {"dark": True, "phone": True},
}
SETTLED_MS: Final = 1_500
"""The first answers are there and drawn; a picture is no test, so that it may wait."""


def take(browser: Browser, url: str, folder: Path) -> list[str]:
    """Take all pictures.

    Returns:
        What pages did that they must not do: errors, and violations of the policy.
    """
    errors = []
    for page, address in PAGES.items():
        for look, size in LOOKS.items():
            watched = Watched(browser, **size)
            watched.page.goto(url + address)
            watched.page.wait_for_timeout(SETTLED_MS)
            watched.page.screenshot(path=folder / f"{page}-{look}.png")
            errors += [f"{page} {look}: {error}" for error in watched.errors]
            watched.close()
    return errors


def main() -> int:
    """Take the pictures; the exit code says whether a page had an error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/screenshots"))
    parser.add_argument("--api", default="http://127.0.0.1:15672")
    parser.add_argument("--credentials", default="guest:guest")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with StandIn(arguments.api, arguments.credentials) as served, chromium() as browser:
        errors = take(browser, served.url, arguments.folder)
    print("\n".join(errors) or f"in {arguments.folder}")
    return 1 if errors else 0


if __name__ == "__main__":
    raise SystemExit(main())
