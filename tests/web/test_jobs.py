"""Messages on their way between queues, in a browser: redrive, move, progress and stop."""

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Route, expect

from tests.clients.support.deadlines import wait_until
from tests.clients.support.server import Server
from tests.web.broker_rig import Channel, address_of, connected
from tests.web.chromium import Watched

LETTERS = 300
RUNNING = {
    "id": 7,
    "vhost": "/",
    "source": "jobs.dlq",
    "dest": "origin",
    "copy": False,
    "user": "guest",
    "state": "running",
    "total": 1000,
    "moved": 100,
    "skipped": 2,
    "started_at": 1_700_000_000_000,
}


@pytest.fixture
def channel(filled_server: Server) -> Iterator[Channel]:
    """A channel, and queues of which one gets the dead letters of the other."""
    connection = connected(filled_server)
    channel = connection.channel()
    to_dead = {"x-dead-letter-exchange": "", "x-dead-letter-routing-key": "jobs.dlq"}
    channel.queue_declare("jobs.work", durable=True, arguments=to_dead)
    channel.queue_declare("jobs.dlq", durable=True)
    channel.confirm_delivery()
    yield channel
    for name in ("jobs.work", "jobs.dlq", "jobs.other"):
        channel.queue_delete(name)
    connection.close()


@pytest.fixture
def watched(browser: Browser, filled_server: Server) -> Iterator[Watched]:
    opened = Watched(browser)
    opened.log_in(address_of(filled_server))
    yield opened
    assert opened.errors == []
    opened.close()


def ready(channel: Channel, queue: str) -> int:
    return channel.queue_declare(queue, passive=True).method.message_count or 0


def taken(channel: Channel, queue: str) -> object:
    """Return the body of the next message, which is taken."""
    return channel.basic_get(queue, auto_ack=True)[2]


def let_die(channel: Channel) -> None:
    """Publish messages, and reject them all."""
    for number in range(LETTERS):
        channel.basic_publish("", "jobs.work", str(number).encode())
    for _ in range(LETTERS):
        method, _, _ = channel.basic_get("jobs.work")
        assert method is not None
        channel.basic_nack(method.delivery_tag or 0, requeue=False)
    wait_until(lambda: ready(channel, "jobs.dlq") == LETTERS, "the dead letters", 10)


def test_dead_letters_go_back_to_where_they_died(
    watched: Watched, filled_server: Server, channel: Channel
) -> None:
    let_die(channel)
    channel.basic_publish("", "jobs.dlq", b"never died")
    page = watched.page
    page.goto(f"{address_of(filled_server)}#/dead-letters")
    page.get_by_role("region", name="Dead-letter queues").get_by_role(
        "link", name="jobs.dlq"
    ).click()
    page.get_by_role("button", name=f"Redrive {LETTERS + 1}").click()
    told = page.get_by_text(f"{LETTERS} of {LETTERS + 1} from jobs.dlq, 1 had nowhere to go")
    expect(told).to_be_visible()
    assert (ready(channel, "jobs.work"), ready(channel, "jobs.dlq")) == (LETTERS, 1)
    _, properties, _ = channel.basic_get("jobs.work", auto_ack=True)
    assert properties is not None
    death = (properties.headers or {})["x-death"][0]
    assert (death["queue"], death["reason"]) == ("jobs.work", "rejected")
    expect(page.get_by_role("button", name="Redrive 1", exact=True)).to_be_visible()
    assert watched.axe() == []


def test_messages_move_to_another_queue(
    watched: Watched, filled_server: Server, channel: Channel
) -> None:
    channel.queue_declare("jobs.other", durable=True)
    for number in range(3):
        channel.basic_publish("", "jobs.work", str(number).encode())
    page = watched.page
    page.goto(f"{address_of(filled_server)}#/queues/%2F/jobs.work")
    page.get_by_role("button", name="Move…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Queue", exact=True).fill("jobs.nowhere")
    dialog.get_by_role("button", name="Move 3").click()
    expect(dialog.get_by_role("alert")).to_contain_text("jobs.nowhere")
    dialog.get_by_label("Queue", exact=True).fill("jobs.other")
    dialog.get_by_label("How many").fill("2")
    dialog.get_by_role("button", name="Move 2").click()
    expect(page.get_by_text("2 of 2 from jobs.work to jobs.other")).to_be_visible()
    assert (ready(channel, "jobs.work"), ready(channel, "jobs.other")) == (1, 2)


def test_only_messages_that_fit_are_moved_and_slowly(
    watched: Watched, filled_server: Server, channel: Channel
) -> None:
    channel.queue_declare("jobs.other", durable=True)
    for number in range(10):
        channel.basic_publish("", "jobs.work", b"even" if number % 2 == 0 else b"odd")
    page = watched.page
    page.goto(f"{address_of(filled_server)}#/queues/%2F/jobs.work")
    page.get_by_role("button", name="Move…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Queue", exact=True).fill("jobs.other")
    dialog.get_by_label("Which").fill("even")
    dialog.get_by_label("At most").fill("1000")
    dialog.get_by_role("button", name="Move what fits of 10").click()
    expect(page.get_by_text("5 of 10 from jobs.work to jobs.other")).to_be_visible()
    expect(page.get_by_text("5 did not fit the filter")).to_be_visible()
    expect(page.get_by_text("had nowhere to go")).to_have_count(0)
    assert (ready(channel, "jobs.work"), ready(channel, "jobs.other")) == (5, 5)


def test_a_queue_is_paused_resumed_and_paused_by_taking_it_back(
    watched: Watched, filled_server: Server, channel: Channel
) -> None:
    channel.basic_publish("", "jobs.work", b"waits")
    page = watched.page
    page.goto(f"{address_of(filled_server)}#/queues/%2F/jobs.work")
    page.get_by_role("button", name="Pause", exact=True).first.click()
    expect(page.get_by_text("Paused jobs.work: consumers get nothing")).to_be_visible()
    expect(page.locator(".badges")).to_contain_text("paused")
    assert channel.basic_get("jobs.work")[0] is None
    page.get_by_role("button", name="Resume", exact=True).click()
    expect(page.locator(".badges")).to_contain_text("running")
    page.get_by_role("button", name="Undo").last.click()
    expect(page.locator(".badges")).to_contain_text("paused")

    page.goto(f"{address_of(filled_server)}#/queues?filter=jobs.")
    page.get_by_role("checkbox").first.check()
    chosen = page.get_by_role("region", name="Selected queues")
    chosen.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("Resumed jobs.work")).to_be_visible()
    expect(page.locator("#main").get_by_text("paused")).to_have_count(0)
    method, _, _ = channel.basic_get("jobs.work", auto_ack=True)
    assert method is not None


def test_a_job_that_goes_on_has_its_progress_and_a_stop(
    watched: Watched, filled_server: Server, channel: Channel
) -> None:
    stopped: list[str] = []
    moved = [100]

    def tell(route: Route) -> None:
        if route.request.method == "DELETE":
            stopped.append(route.request.url)
            route.fulfill(status=204)
            return
        if route.request.url.endswith("/jobs/7"):
            moved[0] += 50
        state = "cancelled" if stopped else "running"
        job = {**RUNNING, "moved": moved[0], "state": state}
        is_list = route.request.url.endswith("/jobs")
        route.fulfill(json=[job] if is_list else job)

    page = watched.page
    page.route("**/api/jobs", tell)
    page.route("**/api/jobs/7", tell)
    page.goto(f"{address_of(filled_server)}#/queues/%2F/jobs.dlq")
    panel = page.locator("section.panel", has_text="Redrive to origin")
    expect(panel).to_contain_text("of 1,000")
    expect(panel).to_contain_text("2 had nowhere to go")
    expect(panel).to_contain_text("left")
    assert watched.axe() == []
    panel.get_by_role("button", name="Stop").click()
    expect(page.get_by_text("Stopped job 7")).to_be_visible()
    expect(panel).to_have_count(0)
    assert json.dumps(stopped).count("/jobs/7") == 1


def test_a_job_is_paused_and_goes_on(
    watched: Watched, filled_server: Server, channel: Channel
) -> None:
    channel.queue_declare("jobs.other", durable=True)
    for number in range(3):
        channel.basic_publish("", "jobs.work", str(number).encode())
    page = watched.page
    page.goto(f"{address_of(filled_server)}#/queues/%2F/jobs.work")
    page.get_by_role("button", name="Move…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Queue", exact=True).fill("jobs.other")
    dialog.get_by_label("At most").fill("1")
    dialog.get_by_role("button", name="Move 3").click()
    panel = page.locator("section.panel", has_text="Move to jobs.other")
    panel.get_by_role("button", name="Pause").click()
    expect(panel).to_contain_text("paused")
    assert watched.axe() == []
    panel.get_by_role("button", name="Resume").click()
    expect(page.get_by_text("3 of 3 from jobs.work to jobs.other")).to_be_visible()
    assert (ready(channel, "jobs.work"), ready(channel, "jobs.other")) == (0, 3)


def test_single_messages_are_deleted_and_moved_and_no_other(
    watched: Watched, filled_server: Server, channel: Channel
) -> None:
    channel.queue_declare("jobs.other", durable=True)
    for number in range(6):
        channel.basic_publish("", "jobs.work", f"body-{number}<b>".encode())
    page = watched.page
    page.goto(f"{address_of(filled_server)}#/queues/%2F/jobs.work?tab=messages")
    rows = page.locator("tbody tr[data-row]")
    expect(rows).to_have_count(6)
    rows.nth(2).click()
    panel = page.get_by_role("region", name="Message", exact=True)
    panel.get_by_role("button", name="Delete…").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("This cannot be undone")
    assert watched.axe() == []
    dialog.get_by_role("button", name="Delete 1").click()
    expect(page.get_by_text("Deleted 1 message of jobs.work")).to_be_visible()
    expect(rows).to_have_count(5)

    for index in (1, 3):
        rows.nth(index).get_by_role("checkbox").check()
    chosen = page.get_by_role("region", name="Selected messages")
    expect(chosen).to_contain_text("2 selected")
    assert taken(channel, "jobs.work") == b"body-0<b>"
    assert taken(channel, "jobs.work") == b"body-1<b>", "it is chosen"
    chosen.get_by_role("button", name="Move…").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_label("Queue", exact=True).fill("jobs.nowhere")
    dialog.get_by_role("button", name="Move 2").click()
    expect(dialog.get_by_role("alert")).to_contain_text("jobs.nowhere")
    dialog.get_by_label("Queue", exact=True).fill("jobs.other")
    dialog.get_by_role("button", name="Move 2").click()
    expect(page.get_by_text("Moved 1 message of jobs.work; 1 went before")).to_be_visible()
    expect(rows).to_have_count(2)
    assert taken(channel, "jobs.other") == b"body-4<b>"
    assert (ready(channel, "jobs.work"), ready(channel, "jobs.other")) == (2, 0)
