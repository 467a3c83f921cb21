"""The web UI as files: what ``make web`` built, with the headers that keep it safe.

The files are part of the package. They are read once, and each is kept plain and gzipped: together
they have a few hundred kilobytes. A package without them (a checkout where nobody built them) has
one page that says how to get them.
"""

import gzip
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FOLDER: Final = Path(__file__).with_name("static")

POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; "
    "font-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; "
    "frame-ancestors 'none'"
)
"""The content security policy: no script and no style but the files of this package."""

SECURITY_HEADERS: Final[Mapping[str, str]] = {
    "content-security-policy": POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
}

_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".json": "application/json",
}
_HASHED_FOLDER: Final = "assets/"
_FOREVER: Final = "public, max-age=31536000, immutable"
_ASK_AGAIN: Final = "no-cache"

_NOT_BUILT: Final = b"""<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>HareMQ</title>
<h1>The web UI is not built</h1>
<p>The broker runs, and its HTTP API answers under <a href="api/overview">api/</a>.</p>
<p>In a checkout, <code>make web</code> builds the web UI; it needs node 18 or newer, and npm.
Released packages hold it.</p>
</html>
"""


@dataclass(frozen=True, slots=True)
class WebFile:
    """One file.

    Attributes:
        body: as it is.
        gzipped: the same, for a client that takes it.
        headers: its type, its ETag, how long it may be kept, and those that keep it safe.
    """

    body: bytes
    gzipped: bytes
    headers: Mapping[str, str]


class WebUi:
    """The files by their paths.

    Args:
        folder: what was built; one that is not there is a package without the web UI.
    """

    def __init__(self, folder: Path = FOLDER) -> None:
        self._files = {
            path.relative_to(folder).as_posix(): _file(path.read_bytes(), path, folder)
            for path in sorted(folder.rglob("*"))
            if path.suffix in _TYPES
        }
        self.is_built = "index.html" in self._files
        if not self.is_built:
            page = folder / "index.html"
            self._files = {"index.html": _file(_NOT_BUILT, page, folder)}

    def file(self, path: str) -> WebFile | None:
        """Return the file of a path below the UI's root; None is no such file.

        Args:
            path: without a slash in front; empty is the page itself.
        """
        return self._files.get(path or "index.html")

    def paths(self) -> list[str]:
        """Return the paths of all files."""
        return list(self._files)


def _file(body: bytes, path: Path, folder: Path) -> WebFile:
    is_hashed = path.relative_to(folder).as_posix().startswith(_HASHED_FOLDER)
    headers = {
        **SECURITY_HEADERS,
        "content-type": _TYPES[path.suffix],
        "etag": f'"{hashlib.sha256(body).hexdigest()[:32]}"',
        "cache-control": _FOREVER if is_hashed else _ASK_AGAIN,
        "vary": "accept-encoding",
    }
    return WebFile(body, gzip.compress(body, mtime=0), headers)
