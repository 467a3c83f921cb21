"""Pictures of every page of the web UI: light, dark, and as wide as a tablet and a phone.

Without ``--api`` a broker is started, filled and kept busy for a minute. With it, the pages are
those of a broker that runs: ``--api`` is the base of its HTTP API, and ``--credentials`` a name and
a password. ``--docs`` is where the pictures of the documents are made from some of them.
"""

import argparse
import tempfile
import time
from base64 import b64decode, b64encode
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from playwright.sync_api import Browser

from tests.web.broker_rig import address_of, haremq
from tests.web.chromium import Watched, chromium
from tests.web.demo import living, redrive

PAGES: Final = {
    "overview": "#/",
    "queues": "#/queues",
    "queue": "#/queues/shop/orders.created",
    "queue-waits": "#/queues/shop/invoice.render",
    "queue-messages": "#/queues/shop/invoice.render?tab=messages&message=2",
    "queue-unacked": "#/queues/shop/invoice.render?tab=messages&state=unacked",
    "queue-search": "#/queues/shop/orders.dlq?tab=messages&find=header:x-tenant%3Dkestrel",
    "queue-consumers": "#/queues/shop/orders.created?tab=consumers",
    "queue-bindings": "#/queues/shop/orders.created?tab=bindings",
    "queue-publish": "#/queues/shop/orders.created?tab=publish",
    "queue-settings": "#/queues/shop/orders.created?tab=settings",
    "streams": "#/streams",
    "stream": "#/streams/telemetry/sensor.readings?from=30s",
    "stream-readers": "#/streams/telemetry/sensor.readings?tab=readers",
    "super-streams": "#/super-streams",
    "super-stream": "#/super-streams/shop/visits",
    "exchanges": "#/exchanges",
    "exchange": "#/exchanges/shop/orders",
    "dead-letters": "#/dead-letters",
    "topology": "#/topology?exchange=orders&key=order.created.uk",
    "connections": "#/connections",
    "connections-grouped": "#/connections?group=name",
    "channels": "#/channels",
    "consumers": "#/consumers",
    "policies": "#/policies?open=shop%2Fkeep-1d",
    "users": "#/users?open=mira.koski",
    "vhosts": "#/vhosts?open=shop",
    "definitions": "#/definitions",
    "nodes": "#/nodes",
    "logs": "#/logs",
    "shovels": "#/shovels",
    "shovel-form": "#/shovels?new=shovel",
    "federation": "#/federation",
    "federation-upstreams": "#/federation?kind=upstreams",
    "limits": "#/limits",
    "metrics": "#/metrics?metric=rabbitmq_message_size_bytes",
    "metrics-scrape": "#/metrics?tab=scrape",
    "feature-flags": "#/feature-flags",
}
LOOKS: Final = {
    "light": {"dark": False, "phone": False},
    "dark": {"dark": True, "phone": False},
    "tablet-light": {"tablet": True},
    "phone-light": {"dark": False, "phone": True},
    "phone-dark": {"dark": True, "phone": True},
}
IN_DOCS: Final = (
    "overview-light",
    "queue-messages-light",
    "stream-dark",
    "topology-light",
    "dead-letters-dark",
    "queues-phone-light",
)
"""Pictures that documents show, as WebP."""

SETTLED_MS: Final = 1_500
"""The first answers are there and drawn; a picture is no test, so that it may wait."""

LIVES_S: Final = 70
"""How long the broker is busy before the first picture, which shows one minute."""

PREPARED: Final = """
localStorage.setItem("haremq.range", '"1m"');
localStorage.setItem("haremq.vhost", '"shop"');
"""


def take(browser: Browser, url: str, folder: Path, credentials: str, only: str) -> list[str]:
    """Take all pictures, or those of pages whose name begins with ``only``.

    Returns:
        What pages did that they must not do: errors, and violations of the policy.
    """
    errors = []
    user, password = credentials.split(":", 1)
    for look, size in LOOKS.items():
        watched = Watched(browser, **size)
        watched.page.add_init_script(PREPARED)
        watched.log_in(url, user, password)
        watched.page.goto(url)
        for page, address in PAGES.items():
            if not page.startswith(only):
                continue
            watched.errors.clear()
            watched.page.evaluate("(address) => { location.hash = address; }", address)
            watched.page.wait_for_timeout(SETTLED_MS)
            watched.page.screenshot(path=folder / f"{page}-{look}.png")
            errors += [f"{page} {look}: {error}" for error in watched.errors]
        watched.close()
    return errors


_AS_WEBP: Final = """
async ([picture, share, quality]) => {
  const image = new Image();
  image.src = `data:image/png;base64,${picture}`;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = image.width * share;
  canvas.height = image.height * share;
  const context = canvas.getContext("2d");
  context.imageSmoothingQuality = "high";
  context.drawImage(image, 0, 0, canvas.width, canvas.height);
  return canvas.toDataURL("image/webp", quality).split(",")[1];
}
"""
WEBP_QUALITY: Final = 0.65
DESKTOP_SHARE: Final = 0.8
"""A desktop is made smaller by this; a phone has its size."""


def document(browser: Browser, folder: Path, docs: Path) -> None:
    """Make the pictures of the documents: small files, by the browser itself."""
    docs.mkdir(parents=True, exist_ok=True)
    page = browser.new_page()
    for name in IN_DOCS:
        path = folder / f"{name}.png"
        if path.exists():
            picture = b64encode(path.read_bytes()).decode()
            share = 1 if "phone" in name else DESKTOP_SHARE
            small: str = page.evaluate(_AS_WEBP, [picture, share, WEBP_QUALITY])
            (docs / f"{name}.webp").write_bytes(b64decode(small))
    page.close()


@contextmanager
def shown(api: str) -> Iterator[str]:
    """Yield the address of a UI: that of ``api``, or of a broker that is started for it."""
    if api:
        yield f"{api.rstrip('/')}/"
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        haremq(Path(folder)) as server,
        living(server),
    ):
        time.sleep(LIVES_S)
        redrive(server)
        yield address_of(server)


def main() -> int:
    """Take the pictures; the exit code says whether a page had an error."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("build/screenshots"))
    parser.add_argument("--api", default="", help="empty starts a broker")
    parser.add_argument("--credentials", default="guest:guest")
    parser.add_argument("--docs", type=Path, help="none makes no pictures of the documents")
    parser.add_argument("--only", default="", help="pages whose name begins so")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with shown(arguments.api) as url, chromium() as browser:
        errors = take(browser, url, arguments.folder, arguments.credentials, arguments.only)
        if arguments.docs:
            document(browser, arguments.folder, arguments.docs)
    print("\n".join(errors) or f"in {arguments.folder}")
    return 1 if errors else 0


if __name__ == "__main__":
    raise SystemExit(main())
