"""Somebody buys something in a browser: nothing but the public API, the text inbox and a test card."""

import re

import pytest


def sign_in(page):
    page.get_by_role("button", name="Text me a code").click()
    page.wait_for_selector("#in-code")
    inbox = page.context.new_page()
    inbox.goto("/inbox/")
    newest = inbox.locator(".texts li").filter(has_text="verification code").first
    code = re.search(r"\b\d{6}\b", newest.inner_text()).group()
    inbox.close()
    page.fill("#in-code", code)
    page.get_by_role("button", name="Sign in").click()


def plenty(page):
    """Something there is enough of."""
    products = page.request.get("/api/products/?in_stock=true&page_size=24").json()["results"]
    return max(products, key=lambda product: product["stock_quantity"])["name"]


def pay(page, card):
    page.select_option("#in-card", card)
    page.get_by_role("button", name="Pay").click()


def test_a_visitor_buys_something_and_sees_the_order_change(page):
    page.goto("/", wait_until="networkidle")
    page.get_by_role("link", name="Storefront").click()
    page.get_by_role("button", name=f"Add {plenty(page)} to the cart").click()
    page.get_by_role("link", name="Cart (1)").click()
    page.get_by_role("button", name=re.compile("more")).click()
    page.get_by_role("link", name="Cart (2)").wait_for()
    sign_in(page)
    page.get_by_role("button", name="Place the order").click()
    page.get_by_text("Waiting for payment").wait_for()
    pay(page, "4000 0000 0000 0002")
    page.get_by_text("The card was declined").wait_for()
    pay(page, "4242 4242 4242 4242")
    # Nobody reloads: the sandbox told the shop, and the page asked the shop.
    page.get_by_text("Paid, being packed").wait_for()
    assert page.locator("#in-card").count() == 0
    page.get_by_role("link", name="Orders").click()
    page.get_by_text("Paid, being packed").first.wait_for()
    assert page.get_by_role("link", name="Cart", exact=True).count() == 1


def test_a_bank_that_asks_is_answered(page):
    page.on("dialog", lambda dialog: dialog.accept())
    page.goto("/shop/")
    page.locator(".goods button").nth(1).click()
    page.get_by_role("link", name="Cart (1)").click()
    page.fill("#in-phone", "+801719159901")
    sign_in(page)
    page.get_by_role("button", name="Place the order").click()
    page.wait_for_selector("#in-card")
    pay(page, "4000 0025 0000 3155")
    page.get_by_text("Paid, being packed").wait_for()


def place(page, number):
    """Somebody's order, on the screen; what the page asks of it from now on."""
    page.goto("/shop/")
    page.locator(".goods button").nth(1).click()
    page.get_by_role("link", name="Cart (1)").click()
    page.fill("#in-phone", number)
    sign_in(page)
    page.get_by_role("button", name="Place the order").click()
    page.wait_for_selector("#in-card")
    path = f"/api/orders/{page.url.rpartition('/')[2]}/"
    asked = []
    page.on("request", lambda request: asked.append(request.url) if request.url.endswith(path) else None)
    return path, asked


def test_an_order_that_is_over_is_asked_for_no_more(page):
    path, asked = place(page, "+801719159902")
    page.wait_for_timeout(2500)
    assert len(asked) >= 2
    token = page.evaluate("localStorage.access")
    assert page.request.post(f"{path}cancel/", headers={"Authorization": f"Bearer {token}"}).ok
    page.get_by_text("Cancelled").wait_for()
    asked.clear()
    page.wait_for_timeout(2500)
    assert asked == []
    page.reload()
    page.get_by_text("Cancelled").wait_for()
    asked.clear()
    page.wait_for_timeout(2500)
    assert asked == []


def test_after_a_minute_an_order_is_asked_for_less_often(page):
    page.clock.install()
    _, asked = place(page, "+801719159903")
    page.clock.fast_forward(61_000)
    page.wait_for_timeout(1000)
    asked.clear()
    page.wait_for_timeout(3000)
    assert asked == []
    page.clock.fast_forward(5000)
    page.wait_for_timeout(500)
    assert len(asked) == 1


def test_what_a_customer_mistypes_is_said_and_nothing_is_sent(page):
    page.goto("/shop/")
    page.locator(".goods button").first.click()
    page.get_by_role("link", name="Cart (1)").click()
    page.fill("#in-phone", "12")
    page.forgiven = "status of 400"
    page.get_by_role("button", name="Text me a code").click()
    page.locator(".trouble:not(:empty)").wait_for()
    assert page.locator("#in-code").count() == 0


@pytest.mark.parametrize("width", [360, 1280])
def test_the_storefront_fits_the_screen(page, width):
    page.set_viewport_size({"width": width, "height": 800})
    for place in ("/shop/", "/shop/#/cart", "/shop/#/orders"):
        page.goto(place, wait_until="networkidle")
        assert page.evaluate("document.documentElement.scrollWidth") <= width, place
