"""The cluster in a browser: its nodes, queues in danger, and what is done by hand."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.web.chromium import Watched
from tests.web.clustered import ClusteredUi

EAST, WEST = "rabbit@east", "rabbit@west"


@pytest.fixture
def clustered(ui: object) -> Iterator[ClusteredUi]:
    with ClusteredUi() as started:
        yield started


def opened(browser: Browser, clustered: ClusteredUi, page: str, *, phone: bool = False) -> Watched:
    watched = Watched(browser, phone=phone)
    watched.page.goto(f"{clustered.url}#/{page}")
    expect(watched.page.get_by_role("heading", level=1)).to_be_visible()
    return watched


def close(watched: Watched) -> None:
    assert watched.errors == []
    watched.close()


def test_a_cluster_that_is_well(browser: Browser, clustered: ClusteredUi) -> None:
    watched = opened(browser, clustered, "nodes")
    page = watched.page
    for name in (clustered.own, EAST, WEST):
        expect(page.get_by_role("heading", name=name).first).to_be_visible()
    main = page.locator("#main")
    expect(main).to_contain_text("Every mirror is in sync")
    expect(main).to_contain_text("up to date")
    expect(main).to_contain_text("Metadata store")
    expect(page.locator(".verdict")).to_have_count(0)
    assert watched.axe() == []
    close(watched)


def test_a_node_that_is_gone_and_what_it_means(browser: Browser, clustered: ClusteredUi) -> None:
    clustered.cluster.put("payments", WEST, EAST)
    clustered.cluster.stop(WEST, gone_ms=90_000)
    watched = opened(browser, clustered, "nodes")
    page = watched.page
    expect(page.locator(".verdict")).to_contain_text(f"{WEST} is not running")
    rows = page.locator("table", has_text="Danger").locator("tbody tr")
    expect(rows).to_have_count(3)
    expect(rows.first).to_contain_text("payments")
    expect(rows.first).to_contain_text("no leader")
    expect(rows.nth(1)).to_contain_text("2 of 3")
    assert watched.axe() == []
    page.get_by_role("button", name="Forget…").click()
    asked = page.get_by_role("alertdialog")
    expect(asked.get_by_role("button", name="Forget node")).to_be_disabled()
    asked.get_by_label("Type").fill(WEST)
    asked.get_by_role("button", name="Forget node").click()
    expect(page.get_by_text(f"Forgot {WEST}")).to_be_visible()
    assert clustered.cluster.done == [("forget", WEST)]
    close(watched)


def test_what_needs_a_hand_is_on_the_overview(browser: Browser, clustered: ClusteredUi) -> None:
    clustered.cluster.stop(WEST)
    clustered.look()
    watched = opened(browser, clustered, "")
    attention = watched.page.locator("#attention")
    expect(attention).to_contain_text("is gone: start it, or forget it")
    expect(attention).to_contain_text("has lost a mirror, and one more stops its publishers")
    nodes = watched.page.locator("table", has_text="Node")
    expect(nodes.locator("tr", has_text=EAST)).to_contain_text("\u2013")
    assert watched.axe() == []
    close(watched)


def test_a_node_is_drained_and_taken_back(browser: Browser, clustered: ClusteredUi) -> None:
    watched = opened(browser, clustered, "nodes")
    page = watched.page
    card = page.locator(".node-card", has_text=EAST)
    card.get_by_role("button", name="Drain…").click()
    asked = page.get_by_role("dialog")
    expect(asked).to_contain_text("No queue needs it")
    assert watched.axe() == []
    asked.get_by_role("button", name="Drain node").click()
    expect(card).to_contain_text("draining")
    card.get_by_role("button", name="Undrain").click()
    expect(card).to_contain_text("running")
    assert clustered.cluster.done == [("drain", EAST), ("undrain", EAST)]
    close(watched)


def test_what_the_store_refuses_stays_in_the_dialog(
    browser: Browser, clustered: ClusteredUi
) -> None:
    clustered.cluster.is_away = True
    watched = opened(browser, clustered, "nodes")
    watched.page.get_by_role("button", name="Rebalance…").click()
    asked = watched.page.get_by_role("dialog")
    asked.get_by_role("button", name="Rebalance").click()
    expect(asked.get_by_role("alert")).to_contain_text("the metadata store does not answer")
    close(watched)


def test_a_queue_shows_its_replicas_and_its_leader_moves(
    browser: Browser, clustered: ClusteredUi
) -> None:
    clustered.cluster.change("orders", epoch=7)
    watched = opened(browser, clustered, "queues/%2F/orders")
    page = watched.page
    panel = page.locator(".panel", has_text="Replicas")
    expect(panel).to_contain_text("3 of 3 in sync, 2 needed, epoch 7")
    expect(panel.locator("tr", has_text=clustered.own)).to_contain_text("leader")
    assert watched.axe() == []
    panel.locator("tr", has_text=EAST).get_by_role("button", name="Lead…").click()
    page.get_by_role("dialog").get_by_role("button", name="Move leader").click()
    expect(panel.locator("tr", has_text=EAST)).to_contain_text("leader")
    expect(panel).to_contain_text("epoch 8")
    close(watched)


def test_a_promotion_says_what_is_lost_and_asks_for_the_name(
    browser: Browser, clustered: ClusteredUi
) -> None:
    view = clustered.cluster.mirrored["/", "orders"]
    behind = (*view.replicas[:2], view.replicas[2]._replace(is_member=False, lag=None))
    clustered.cluster.change("orders", leader=EAST, replicas=behind)
    clustered.cluster.stop(EAST)
    watched = opened(browser, clustered, "queues/%2F/orders")
    page = watched.page
    expect(page.locator(".verdict")).to_contain_text("The queue is down")
    panel = page.locator(".panel", has_text="Replicas")
    panel.locator("tr", has_text=WEST).get_by_role("button", name="Promote…").click()
    asked = page.get_by_role("alertdialog")
    expect(asked).to_contain_text("is lost for ever, and nobody can say how much")
    expect(asked.get_by_role("button", name="Wait for the members")).to_be_focused()
    assert watched.axe() == []
    asked.get_by_label("Type").fill("orders")
    asked.get_by_role("button", name="Accept loss and promote").click()
    expect(panel).to_contain_text("was promoted here")
    assert clustered.cluster.done == [("promote", "/", "orders", WEST)]
    close(watched)


def test_a_single_node_shows_none_of_it(browser: Browser, clustered: ClusteredUi) -> None:
    clustered.leave()
    watched = opened(browser, clustered, "nodes")
    page = watched.page
    expect(page.get_by_role("heading", name=clustered.own).first).to_be_visible()
    expect(page.locator("#main")).to_contain_text("Listeners")
    for text in ("Rebalance…", "Drain…"):
        expect(page.get_by_role("button", name=text)).to_have_count(0)
    expect(page.locator("#main")).not_to_contain_text("Metadata store")
    page.goto(f"{clustered.url}#/queues/%2F/orders")
    expect(page.locator("#main")).to_contain_text("Oldest message")
    expect(page.get_by_role("heading", name="Replicas")).to_have_count(0)
    close(watched)


def test_it_fits_a_phone(browser: Browser, clustered: ClusteredUi) -> None:
    clustered.cluster.stop(WEST)
    for place in ("nodes", "queues/%2F/orders"):
        watched = opened(browser, clustered, place, phone=True)
        expect(watched.page.locator("#main")).to_contain_text(WEST)
        assert not watched.is_wider_than_the_screen()
        close(watched)
