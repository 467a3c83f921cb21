"""Shovels in a browser: added, seen at work, changed, refused and deleted, without a password."""

import json
import re
import urllib.request
from base64 import b64encode
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.clients.support.server import Server
from tests.web.broker_rig import HOSTILE, address_of, connected, define, haremq
from tests.web.chromium import Watched


@pytest.fixture(scope="module")
def server(ui: object, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A broker without a shovel, and users with some of the rights."""
    with haremq(tmp_path_factory.mktemp("shovels")) as started:
        users = {"maker": "policymaker", "watcher": "monitoring"}
        define(started, {
            "users": [
                {"name": name, "password": name, "tags": tag} for name, tag in users.items()
            ],
            "permissions": [
                {"user": name, "vhost": "/", "configure": ".*", "write": ".*", "read": ".*"}
                for name in users
            ],
        })  # fmt: skip
        yield started


@pytest.fixture
def watched(browser: Browser, server: Server) -> Iterator[Watched]:
    opened = Watched(browser)
    opened.log_in(address_of(server))
    opened.page.goto(f"{address_of(server)}#/shovels")
    expect(opened.page.get_by_role("heading", level=1)).to_contain_text("Shovels")
    yield opened
    assert opened.errors == []
    opened.close()


def definition(server: Server, name: str) -> dict[str, Any]:
    """Return how a shovel is defined, as its broker tells it."""
    path = f"{address_of(server)}api/parameters/shovel/%2F/{quote(name, safe='')}"
    request = urllib.request.Request(path)
    request.add_header("Authorization", f"Basic {b64encode(b'guest:guest').decode()}")
    with urllib.request.urlopen(request, timeout=10) as answer:
        value: dict[str, Any] = json.loads(answer.read())["value"]
    return value


def form(page: Page) -> Locator:
    page.get_by_role("button", name="Add shovel").first.click()
    return page.get_by_role("dialog")


def delete(page: Page, name: str) -> None:
    page.get_by_role("button", name=f"Delete {name}…").click()
    asked = page.get_by_role("alertdialog")
    expect(asked.get_by_role("button", name="Keep shovel")).to_be_focused()
    asked.get_by_role("button", name="Delete shovel").click()
    expect(page.get_by_text(f"Deleted {name}")).to_be_visible()


def test_a_shovel_moves_messages_is_changed_and_deleted(watched: Watched, server: Server) -> None:
    page = watched.page
    expect(page.locator("#main")).to_contain_text("A shovel is a client inside the broker")
    assert watched.axe() == []
    dialog = form(page)
    assert watched.axe() == []
    dialog.get_by_label("Name", exact=True).fill(HOSTILE)
    dialog.get_by_label("Source address").fill(server.uri)
    dialog.get_by_label("Source queue").fill("moved.from")
    dialog.get_by_label("Destination queue").fill("moved.to")
    dialog.get_by_label("Prefetch").fill("50")
    dialog.get_by_role("button", name="Add shovel").click()
    expect(page.get_by_text(f"Added shovel {HOSTILE}")).to_be_visible()
    row = page.get_by_role("row", name="moved.from")
    expect(row).to_contain_text("running")
    connection = connected(server)
    for number in range(7):
        connection.channel().basic_publish("", "moved.from", str(number).encode())
    expect(row.get_by_role("cell", name="7", exact=True)).to_be_visible()
    connection.close()
    before = definition(server, HOSTILE)

    page.get_by_role("button", name=f"Edit {HOSTILE}…").click()
    expect(dialog).to_contain_text("Passwords are not shown")
    expect(dialog.get_by_label("Source address")).to_have_value(
        server.uri.replace("guest:guest@", "guest:•••@")
    )
    assert watched.axe() == []
    dialog.get_by_label("It is deleted after").select_option("A number of messages was moved")
    dialog.get_by_label("Messages", exact=True).fill("100000")
    dialog.get_by_role("button", name="Save and start anew").click()
    expect(page.get_by_text(f"Saved shovel {HOSTILE}")).to_be_visible()
    assert definition(server, HOSTILE) == before | {"src-delete-after": 100_000}
    assert before["src-uri"] == server.uri
    assert page.locator("#main img").count() == 0
    delete(page, HOSTILE)
    expect(page.locator("#main")).to_contain_text("There is no shovel")


def test_what_the_broker_refuses_stands_at_its_field(watched: Watched) -> None:
    page = watched.page
    dialog = form(page)
    dialog.get_by_label("Name", exact=True).fill("refused")
    dialog.get_by_label("Source address").fill(f"bogus://{HOSTILE}")
    dialog.get_by_label("Prefetch").fill("70000")
    dialog.get_by_label("It is deleted after").select_option("A number of messages was moved")
    dialog.get_by_label("Messages", exact=True).fill("5")
    dialog.get_by_label("acknowledged at the source").select_option("Never: some may be lost")
    dialog.get_by_role("button", name="Add shovel").click()
    for label, text in (
        ("Source address", "not a valid URI"),
        ("Source queue", "Must specify 'src-exchange' or 'src-queue'"),
        ("Prefetch", "from 0 to 65535"),
        ("Messages", "Cannot specify 'no-ack' and numerical 'delete-after'"),
    ):
        field = dialog.get_by_label(label, exact=True)
        expect(field).to_have_accessible_description(re.compile(re.escape(text)))
        expect(field).to_have_attribute("aria-invalid", "true")
    assert watched.axe() == []
    assert page.locator("img").count() == 0
    expect(dialog.get_by_label("Destination address")).not_to_have_attribute("aria-invalid", "true")


def test_a_password_is_told_to_no_other_host(watched: Watched, server: Server) -> None:
    page = watched.page
    value = {
        "src-uri": "amqp://mover:secret@127.0.0.1:1", "src-queue": "a", "dest-uri": "amqp://",
        "dest-exchange": "amq.topic", "reconnect-delay": 0, "dest-add-forward-headers": True,
    }  # fmt: skip
    define(server, {"parameters": [
        {"component": "shovel", "vhost": "/", "name": "far", "value": value}]})  # fmt: skip
    row = page.get_by_role("row", name="far")
    expect(row).to_contain_text("terminated")
    page.get_by_role("button", name="Edit far…").click()
    dialog = page.get_by_role("dialog")
    address = dialog.get_by_label("Source address")
    expect(address).to_have_value("amqp://mover:•••@127.0.0.1:1")
    address.fill("amqp://mover:•••@127.0.0.1:2")
    dialog.get_by_role("button", name="Save and start anew").click()
    expect(dialog.get_by_role("alert")).to_contain_text("Type the password of")
    assert definition(server, "far") == value
    address.fill("amqp://mover:•••@127.0.0.1:1/shop")
    dialog.get_by_role("button", name="Save and start anew").click()
    expect(page.get_by_text("Saved shovel far")).to_be_visible()
    assert definition(server, "far") == value | {
        "src-uri": "amqp://mover:secret@127.0.0.1:1/shop", "ack-mode": "on-confirm",
    }  # fmt: skip
    expect(page.locator("body")).not_to_contain_text("secret")
    delete(page, "far")


def test_who_watches_sees_shovels_and_no_button(browser: Browser, server: Server) -> None:
    watched = Watched(browser)
    watched.log_in(address_of(server), "watcher", "watcher")
    page = watched.page
    page.goto(f"{address_of(server)}#/shovels?new=shovel")
    expect(page.locator("#main")).to_contain_text("There is no shovel")
    expect(page.get_by_role("button", name="Add shovel")).to_have_count(0)
    expect(page.get_by_role("dialog")).to_have_count(0)
    assert watched.axe() == []
    assert watched.errors == []
    watched.close()


def test_who_sets_policies_adds_one_on_a_phone(browser: Browser, server: Server) -> None:
    watched = Watched(browser, phone=True)
    watched.log_in(address_of(server), "maker", "maker")
    page = watched.page
    page.goto(f"{address_of(server)}#/shovels")
    dialog = form(page)
    dialog.get_by_label("Name", exact=True).fill("small")
    dialog.get_by_label("Source queue").fill("small.from")
    dialog.get_by_role("button", name="As they came").click()
    dialog.get_by_role("button", name="Add shovel").click()
    row = page.get_by_role("row", name="small.from")
    expect(row).to_contain_text("where each came from")
    assert not watched.is_wider_than_the_screen()
    delete(page, "small")
    assert watched.errors == []
    watched.close()
