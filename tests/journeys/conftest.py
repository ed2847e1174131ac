"""A running shop and a real browser; where no chromium is, these tests are skipped with that reason."""

import shutil
import sys

import pytest

from tests.processes import Shop

playwright = pytest.importorskip("playwright.sync_api")
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
QUIET = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync",
)  # fmt: skip


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    running = Shop(tmp_path_factory.mktemp("pages") / "data")
    yield running.wait_until_open()
    running.interrupt()


@pytest.fixture(scope="module")
def browser():
    if not CHROMIUM:
        pytest.skip("no chromium on this machine")
    with playwright.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=list(QUIET))
        yield opened
        opened.close()


@pytest.fixture
def page(browser, shop):
    """A page whose console must stay silent: no error, nothing missing, but what a test sets as `page.forgiven`."""
    context = browser.new_context(base_url=f"http://127.0.0.1:{shop.port}")
    context.set_default_timeout(60_000)  # the machine may be busy with a kill test at the same time
    page, complaints = context.new_page(), []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.forgiven = None
    yield page
    # Shown beside a failure.
    sys.stdout.write(f"{page.url}\n{page.locator('body').inner_text()}\n{shop.log.read_text()[-4000:]}")
    context.close()
    assert [complaint for complaint in complaints if not page.forgiven or page.forgiven not in complaint] == []
