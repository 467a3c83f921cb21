"""Reads the text format of Prometheus, for tests.

scraped = scrape(api)                      # /metrics of ``management_api.Api``
assert scraped.value("rabbitmq_queues") == 1
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from management.http.request import Request, parsed_query
from tests.support.management_api import Api, Reply

_SAMPLE: Final = re.compile(r"([a-zA-Z_:][a-zA-Z0-9_:]*)(\{.*\})? (\S+)")
_LABEL: Final = re.compile(r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\.)*)"')
_SUFFIXES: Final = ("_bucket", "_sum", "_count")


@dataclass
class Scraped:
    """What an endpoint showed.

    Attributes:
        types: of the families, by name.
        samples: values by name and labels as they are written.
    """

    types: Mapping[str, str]
    samples: Mapping[str, float]

    def value(self, name: str, **labels: str) -> float:
        """Return a value; labels are those that are written, in any order."""
        [found] = self.values(name, **labels)
        return found

    def values(self, name: str, **labels: str) -> list[float]:
        """Return the values of all samples of a name that have these labels."""
        return [
            value
            for key, value in self.samples.items()
            if name_of(key) == name and labels.items() <= labels_of(key).items()
        ]

    @property
    def label_names(self) -> Mapping[str, frozenset[tuple[str, ...]]]:
        """The sets of label names of each name."""
        found: dict[str, set[tuple[str, ...]]] = {}
        for key in self.samples:
            found.setdefault(name_of(key), set()).add(tuple(sorted(labels_of(key))))
        return {name: frozenset(sets) for name, sets in found.items()}


def name_of(key: str) -> str:
    """Return the name of a sample."""
    return key.partition("{")[0]


def labels_of(key: str) -> dict[str, str]:
    """Return the labels of a sample."""
    return {
        name: re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), value)
        for name, value in _LABEL.findall(key.partition("{")[2])
    }


def parsed(text: str) -> Scraped:
    """Return a text as families and samples.

    Raises:
        AssertionError: it is none of the format, or a sample is there twice.
    """
    types: dict[str, str] = {}
    samples: dict[str, float] = {}
    assert text.endswith("\n"), "the last line has an end"
    for line in text.splitlines():
        if line.startswith("# HELP "):
            continue
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert name not in types, f"{name} is there twice"
            types[name] = kind
            continue
        found = _SAMPLE.fullmatch(line)
        if not line:
            continue
        assert found is not None, line
        key = found[1] + (found[2] or "")
        assert key not in samples, f"{key} is there twice"
        samples[key] = float(found[3])
        assert family_of(found[1], types) in types, f"{found[1]} has no type"
    return Scraped(types, samples)


def family_of(name: str, types: Mapping[str, str]) -> str:
    """Return the family that a sample of this name belongs to."""
    if name not in types:
        for suffix in _SUFFIXES:
            if name.removesuffix(suffix) in types:
                return name.removesuffix(suffix)
    return name


def ask(
    api: Api, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
) -> Reply:
    """Make a request for metrics."""
    raw, _, query = path.partition("?")
    request = Request(method, raw, parsed_query(query), headers or {}, is_loopback=True)

    async def whole() -> Reply:
        async with api.management.scraping.answering(request) as response:
            body = response.body
            if not isinstance(body, bytes):
                body = b"".join([piece async for piece in body])
            named = {name.lower(): value for name, value in response.headers.items()}
            if response.content_type is not None:
                named["content-type"] = response.content_type
            return Reply(response.status, named, body)

    return api._runner.run(whole())


def scrape(api: Api, path: str = "/metrics") -> Scraped:
    """Return what an endpoint shows."""
    reply = ask(api, path)
    assert (reply.status, reply.headers["content-type"]) == (200, "text/plain; version=0.0.4")
    return parsed(reply.body.decode())
