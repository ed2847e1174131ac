"""The pages people look at, driven in a real browser."""

import json

import pytest

from config.api import contract_schema, s4


def test_the_start_page_links_everything_and_shows_the_shelf(page):
    page.goto("/", wait_until="networkidle")
    assert page.get_by_role("heading", level=1).inner_text() == "The backend a phone-first shop runs on."
    for name in ("API documentation", "Console", "Inbox", "Health", "Metrics", "OpenAPI"):
        href = page.locator("a.card", has_text=name).get_attribute("href")
        assert page.request.get(href).ok, href
    pictures = page.locator(".goods img").evaluate_all("all => all.map(one => one.naturalWidth)")
    assert len(pictures) == 6
    assert all(width == 640 for width in pictures)


@pytest.mark.parametrize("width", [360, 1280])
def test_no_page_is_wider_than_the_screen(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    for path in ("/", "/inbox/"):
        page.goto(path, wait_until="networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path


def test_the_documentation_lists_every_contract_and_tries_one(page):
    page.goto("/api/docs/")
    page.wait_for_selector(".opblock")
    assert page.locator(".opblock").count() > 25
    page.get_by_role("link", name="Campaign analytics (S4)").click()
    page.wait_for_selector(".opblock")
    addresses = contract_schema(s4)["paths"].values()
    assert page.locator(".opblock").count() == sum(len(methods) for methods in addresses)


def open_console(page, shop):
    kept = json.loads((shop.folder / "operator.json").read_text())
    page.goto("/admin/")
    page.fill("input[name=username]", kept["email"])
    page.fill("input[name=password]", kept["password"])
    page.click("button[type=submit]")
    page.wait_for_selector("text=Newest orders")


def test_no_list_of_the_console_breaks_the_policy_it_is_sent_with(page, shop):
    open_console(page, shop)
    links = page.locator("nav a[href^='/admin/'], aside a[href^='/admin/']")
    lists = {
        link for link in links.evaluate_all("all => all.map(one => one.getAttribute('href'))") if link != "/admin/"
    }
    assert len(lists) > 15
    for path in sorted(lists):
        page.goto(path)
        page.wait_for_selector("#changelist, #content")


def test_the_operator_signs_in_and_sees_orders_and_campaigns(page, shop):
    open_console(page, shop)
    assert page.locator("text=Waiting for payment").count() == 1
    page.locator("aside a[href$='/campaigns/campaign/'], nav a[href$='/campaigns/campaign/']").first.click()
    page.wait_for_selector("#result_list tbody tr")
    page.locator("#result_list tbody tr a").first.click()
    page.wait_for_selector("text=Repairs")


def test_a_text_is_read_in_the_inbox(page, shop):
    code = shop.call("/api/users/send-otp/", {"phone": "+801719159900"})[1]["otp"]
    page.goto("/inbox/")
    assert code in page.locator(".texts").inner_text()
