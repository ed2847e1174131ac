"""The console behind its second door and under another address, as an operator sees it."""

import json
import time
from base64 import b32decode

import pytest
from django_otp.oath import hotp

from tests.processes import Shop

CONSOLE = "/back-office/"


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    folder = tmp_path_factory.mktemp("door") / "data"
    running = Shop(folder, CONSOLE_SECOND_FACTOR="1", ADMIN_PATH="back-office")
    yield running.wait_until_open()
    running.interrupt()


def code(secret, later=0):
    return f"{hotp(b32decode(secret), int(time.time()) // 30 + later):06}"


def give_password(page, shop):
    kept = json.loads((shop.folder / "operator.json").read_text())
    page.goto(CONSOLE)
    page.fill("input[name=username]", kept["email"])
    page.fill("input[name=password]", kept["password"])
    page.click("button[type=submit]")


def come_again(page, shop):
    page.context.clear_cookies()
    give_password(page, shop)
    page.wait_for_url(f"**{CONSOLE}second-factor/")


def give_code(page, typed):
    page.fill("input[name=code]", typed)
    page.locator("form:has(input[name=code]) button[type=submit]").first.click()


def fits(page, width):
    page.set_viewport_size({"width": width, "height": 844})
    return page.evaluate("document.documentElement.scrollWidth") <= width


def test_from_a_password_to_the_console_and_back_with_a_recovery_code(page, shop):
    assert f"{CONSOLE}   " in shop.log.read_text()
    give_password(page, shop)
    page.wait_for_url(f"**{CONSOLE}second-factor/set-up/")
    assert page.locator("img[alt^='QR code']").evaluate("one => one.naturalWidth") > 0
    assert all(fits(page, width) for width in (390, 1280))
    secret = page.locator("#secret").inner_text()
    give_code(page, code(secret))
    page.wait_for_selector("#codes li")
    codes = page.locator("#codes li").all_inner_texts()
    assert len(codes) == 10
    assert all(fits(page, width) for width in (390, 1280))
    page.get_by_text("I kept them").click()
    page.wait_for_selector("text=Newest orders")

    come_again(page, shop)
    assert all(fits(page, width) for width in (390, 1280))
    give_code(page, code(secret, later=1))
    page.wait_for_selector("text=Newest orders")

    come_again(page, shop)
    give_code(page, codes[0])
    page.wait_for_selector("text=Newest orders")
    page.goto(f"{CONSOLE}second-factor/")
    assert "9 recovery code(s) are left" in page.inner_text("body")


def test_pages_link_the_console_where_it_is(page, shop):
    page.goto("/")
    assert page.locator("a.card", has_text="Console").get_attribute("href") == CONSOLE
    assert page.request.get("/admin/").status == 404
    assert page.request.get("/back-office").ok
    policy = page.request.get(f"{CONSOLE}login/").headers["content-security-policy"]
    assert "'unsafe-eval'" in policy
