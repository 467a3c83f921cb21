"""Text that would run, were it taken for HTML, in every field that a client or a user fills."""

import json
from collections.abc import Iterator
from urllib.parse import quote

import pika
import pytest
from playwright.sync_api import Browser, expect

from tests.clients.support.server import Server
from tests.web.broker_rig import address_of, connected, define, haremq
from tests.web.chromium import Watched

RUN = "window.ran=1"
CORPUS = (
    f"<img src=x onerror={RUN}>",
    f'"><script>{RUN}</script>',
    f"'\"><svg/onload={RUN}>",
    f"javascript:{RUN}",
    f"</textarea><iframe srcdoc='<script>parent.{RUN}</script>'>",
    f"{{{{constructor.constructor('{RUN}')()}}}}${{{RUN}}}",
    "../../api/%2F?x=#\\&amp;%00",
    "a-long-name." * 20,
    "\u202egnp.exe\u2066 \u0000",
)
"""Each is a name, a key, a header, a body, an argument and a property of a connection."""

PAGES = (
    "#/", "#/queues", "#/exchanges", "#/streams", "#/connections", "#/channels", "#/consumers",
    "#/policies", "#/users", "#/vhosts", "#/definitions", "#/topology", "#/dead-letters", "#/logs",
    "#/nodes", "#/limits", "#/limits?kind=users", "#/metrics", "#/feature-flags", "#/super-streams",
    "#/metrics?of=queue_coarse_metrics&metric=rabbitmq_detailed_queue_messages",
    "#/metrics?of=exchange_metrics&metric=rabbitmq_detailed_exchange_messages_published_in_total",
    "#/metrics?of=connection_metrics&metric=rabbitmq_detailed_connection_channels",
    "#/federation", "#/federation?kind=upstreams", "#/shovels",
    "#/nowhere/<img src=x onerror=window.ran=1>",
)  # fmt: skip


@pytest.fixture(scope="module")
def server(ui: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A broker whose every name is hostile."""
    with haremq(tmp_path_factory.mktemp("hostile")) as started:
        fill(started)
        everything = dict.fromkeys(("connection_name", "product", "version", "platform"), CORPUS[0])
        connection = connected(started, everything | {text[:100]: text for text in CORPUS[:-1]})
        channel = connection.channel()
        as_json = pika.BasicProperties(content_type="application/json")
        channel.queue_declare("json", durable=True)
        for text in CORPUS[:-1]:
            properties = pika.BasicProperties(
                content_type=text[:200], message_id=text, correlation_id=text, reply_to=text,
                type=text, app_id=text,
                headers={text: text, "x-death": [{"queue": text, "reason": text}]},
            )  # fmt: skip
            channel.basic_publish("", text, text.encode(), properties)
            channel.basic_publish("", "json", json.dumps({text: [text]}).encode(), as_json)
        channel.basic_consume(CORPUS[0], lambda *_: None, consumer_tag=CORPUS[1])
        channel.basic_qos(prefetch_count=1)
        for text in CORPUS[:-1]:
            group = {"x-stream-group": text}
            channel.basic_consume(f"part {text}", lambda *_: None, arguments=group)
        connection.process_data_events(0)
        yield started
        connection.close()


def fill(started: Server) -> None:
    """Name one of everything so."""
    names = CORPUS[:-1]
    define(started, {
        "vhosts": [
            {"name": "/"}, *({"name": text, "description": text, "tags": [text]} for text in names),
        ],
        "users": [
            {"name": "guest", "password": "guest", "tags": "administrator"},
            *({"name": text, "password": "x", "tags": [text]} for text in names),
        ],
        "permissions": [
            {"user": "guest", "vhost": vhost, "configure": ".*", "write": ".*", "read": ".*"}
            for vhost in ("/", *names)
        ],
        "queues": [
            {"name": text, "vhost": "/", "durable": True, "auto_delete": False, "arguments": {
                "x-dead-letter-exchange": text, "x-dead-letter-routing-key": text}}
            for text in names
        ] + [
            {"name": f"part {text}", "vhost": "/", "durable": True, "auto_delete": False,
             "arguments": {"x-queue-type": "stream"}}
            for text in names
        ],
        "exchanges": [
            {"name": f"super {text}", "vhost": "/", "type": "direct", "durable": True,
             "auto_delete": False, "internal": False, "arguments": {"x-super-stream": True}}
            for text in names
        ] + [
            {"name": text, "vhost": "/", "type": "topic", "durable": True, "auto_delete": False,
             "internal": False, "arguments": {"alternate-exchange": text}}
            for text in names
        ],
        "bindings": [
            {"source": text, "vhost": "/", "destination": text, "destination_type": "queue",
             "routing_key": text, "arguments": {text: text}}
            for text in names
        ] + [
            {"source": f"super {text}", "vhost": "/", "destination": f"part {text}",
             "destination_type": "queue", "routing_key": text, "arguments": {}}
            for text in names
        ],
        "parameters": [
            {"vhost": "/", "component": "shovel", "name": text, "value": {
                "src-uri": f"amqp://{quote(text, safe='')}:x@127.0.0.1:1/{quote(text, safe='')}",
                "src-queue": text, "dest-uri": "amqp://", "dest-exchange": text,
                "dest-exchange-key": text, "reconnect-delay": 0}}
            for text in names
        ],
        "policies": [
            {"vhost": "/", "name": text, "pattern": "^<", "apply-to": "queues", "priority": 1,
             "definition": {"dead-letter-routing-key": text}}
            for text in names
        ],
    })  # fmt: skip


@pytest.fixture
def watched(browser: Browser, server: Server) -> Iterator[Watched]:
    opened = Watched(browser)
    opened.log_in(address_of(server))
    opened.page.goto(address_of(server))
    expect(opened.page.get_by_role("heading", level=1)).to_be_visible()
    yield opened
    assert opened.errors == []
    opened.close()


def assert_that_nothing_ran(watched: Watched) -> None:
    assert watched.page.evaluate("() => window.ran") is None
    assert watched.page.locator("img, iframe, main script, a[href^='javascript']").count() == 0


def test_no_list_runs_what_it_shows(watched: Watched) -> None:
    for address in PAGES:
        watched.page.evaluate("(address) => { location.hash = address; }", address)
        expect(watched.page.get_by_role("heading", level=1)).to_be_visible()
        expect(watched.page.locator("#main .bone")).to_have_count(0)
        assert_that_nothing_ran(watched)


@pytest.mark.parametrize("text", CORPUS[:-1])
def test_no_page_about_one_thing_runs_its_name(watched: Watched, text: str) -> None:
    page = watched.page
    for kind in ("queues", "exchanges"):
        page.evaluate(
            "([kind, name]) => { location.hash = `#/${kind}/%2F/${encodeURIComponent(name)}`; }",
            [kind, text],
        )
        expect(page.get_by_role("heading", level=1)).to_contain_text(text)
        expect(page.locator("#main .bone")).to_have_count(0)
        assert_that_nothing_ran(watched)
    page.evaluate(
        "(name) => { location.hash = `#/super-streams/%2F/${encodeURIComponent(name)}`; }",
        f"super {text}",
    )
    expect(page.get_by_role("region", name="Partitions")).to_contain_text(text)
    assert_that_nothing_ran(watched)
    for kind in ("users", "vhosts", "policies"):
        opened = f"//{text}" if kind == "policies" else text
        page.evaluate(
            "([kind, name]) => { location.hash = `#/${kind}?open=${encodeURIComponent(name)}`; }",
            [kind, opened],
        )
        expect(page.locator("#main .sidepanel, #main form").first).to_contain_text(text)
        assert_that_nothing_ran(watched)


@pytest.mark.parametrize("text", CORPUS)
def test_what_the_broker_refuses_is_shown_and_not_run(watched: Watched, text: str) -> None:
    page = watched.page
    page.evaluate(
        "(name) => { location.hash = `#/queues/%2F/${encodeURIComponent(`missing ${name}`)}`; }",
        text,
    )
    expect(page.locator("#main")).to_contain_text("Not Found")
    page.evaluate(
        "(text) => { location.hash = `#/queues?filter=${encodeURIComponent(text)}`; }", text
    )
    expect(page.get_by_role("heading", level=1)).to_contain_text("Queues")
    page.keyboard.press("Control+k")
    page.keyboard.type(text.replace("\u0000", ""))
    expect(page.get_by_role("dialog")).to_be_visible()
    assert_that_nothing_ran(watched)


def go(watched: Watched, path: str, **query: str) -> None:
    """Show a page, by its address."""
    asked = "&".join(f"{key}={quote(text, safe='')}" for key, text in query.items())
    watched.page.evaluate("(address) => { location.hash = address; }", f"#/{path}?{asked}")


@pytest.mark.parametrize("text", CORPUS)
def test_no_view_column_or_path_runs(watched: Watched, text: str) -> None:
    page, typed = watched.page, text.replace("\u0000", "")
    go(watched, "queues", columns=text, sort=text, filter=text)
    page.get_by_role("button", name="Views", exact=True).click()
    page.get_by_role("button", name="Save this view…").click()
    page.get_by_role("dialog").get_by_label("Name", exact=True).fill(typed)
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Views", exact=True).click()
    expect(page.get_by_role("group", name="Views").locator("a .cut")).to_have_text(typed[:60])
    assert_that_nothing_ran(watched)
    for find in (text, f"$.{text}", f"$['{text}']"):
        go(watched, f"queues/%2F/{quote(CORPUS[1], safe='')}", tab="messages", find=find)
        expect(page.get_by_label("Look for messages")).to_have_value(find)
        assert_that_nothing_ran(watched)
    go(watched, "queues/%2F/json", tab="messages", message="0")
    for path in (typed, f"$['{typed}']"):
        page.get_by_label("Show only what this JSONPath leads to").fill(path)
        assert_that_nothing_ran(watched)
    page.get_by_role("button", name="Columns").click()
    page.get_by_label("Header or JSONPath").fill(typed)
    page.keyboard.press("Enter")
    assert_that_nothing_ran(watched)


@pytest.mark.parametrize("text", CORPUS[:-1])
def test_no_shovel_or_file_runs_its_name(watched: Watched, text: str) -> None:
    page = watched.page
    go(watched, "shovels")
    page.get_by_role("button", name=f"Edit {text}…").click()
    dialog = page.get_by_role("dialog")
    expect(dialog).to_contain_text(f"Edit shovel {text}")
    expect(dialog.get_by_label("Source queue")).to_have_value(text)
    dialog.get_by_label("Prefetch").fill("70000")
    dialog.get_by_label("Source address").fill(text)
    dialog.get_by_role("button", name="Save and start anew").click()
    expect(dialog.get_by_role("alert").first).to_be_visible()
    assert_that_nothing_ran(watched)
    page.keyboard.press("Escape")
    go(watched, f"queues/%2F/{quote(text, safe='')}", tab="messages")
    page.get_by_role("button", name="Export", exact=True).click()
    with page.expect_download() as started:
        page.get_by_role("button", name="As CSV").click()
    name = started.value.suggested_filename
    assert name.endswith(".csv")
    assert not set(name) & set('/\\:*?"<>|')
    assert_that_nothing_ran(watched)


WIDE = """
() => [...document.querySelectorAll("#main :is(th, h2, h3, dt, dd, input, button)")]
  .filter((one) => one.checkVisibility() && one.getBoundingClientRect().left > innerWidth)
  .map((one) => one.outerHTML.slice(0, 80))
"""
"""What stands outside of the window, where a long name has pushed it."""


def test_a_long_name_pushes_nothing_out_of_sight(watched: Watched) -> None:
    page = watched.page
    name = CORPUS[-2]
    places = [f"#/{kind}/%2F/{name}" for kind in ("queues", "exchanges")]
    tabs = ("messages&message=0", "bindings", "consumers", "settings")
    places += [f"#/queues/%2F/{name}?tab={tab}" for tab in tabs]
    places += [f"#/{kind}?open={name}" for kind in ("users", "vhosts")]
    for address in (*PAGES, *places):
        page.evaluate("(address) => { location.hash = address; }", address)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        expect(page.locator("#main .bone")).to_have_count(0)
        assert page.evaluate(WIDE) == [], address


def test_a_name_turns_no_text_around_it(watched: Watched) -> None:
    page = watched.page
    page.evaluate("() => { location.hash = '#/queues'; }")
    name = page.locator("tbody a.name").first
    expect(name).to_be_visible()
    assert name.evaluate("(one) => getComputedStyle(one).unicodeBidi") == "isolate"
