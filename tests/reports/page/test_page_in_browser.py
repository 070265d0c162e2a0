"""The page in a real browser: it draws, reacts, keeps names as text, and is accessible."""

from __future__ import annotations

import shutil
import time
from functools import cache
from pathlib import Path

import pytest

import reports
from tests.reports.runs.stored_runs import comparison, hostile, scaled, searched

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), ""
)
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="no Chromium is installed")


@pytest.fixture(scope="module")
def browser():
    sync_api = pytest.importorskip("playwright.sync_api")
    with sync_api.sync_playwright() as playwright:
        # As root, Chromium needs to be told to do without its sandbox.
        yield playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])


RUNS = {
    "arms": [comparison()],
    "search": [searched()],
    "all": [comparison(), searched(), scaled()],
    "hostile": [hostile()],
    "large": [searched(trials=2_000)],
}


@pytest.fixture(scope="module")
def reported(tmp_path_factory):
    """The page of some runs by name; written once."""

    @cache
    def report(name):
        folder = tmp_path_factory.mktemp("report")
        reports.write_report(RUNS[name], folder, force=True)
        return Path(folder, "index.html").as_uri()

    return report


@pytest.fixture
def show(browser, reported):
    """Open the report of some runs; fails where the browser prints an error."""
    pages, messages = [], []

    def show_runs(name, **context):
        page = browser.new_page(**context)
        pages.append(page)
        page.on("console", lambda message: messages.append(message.text))
        page.on("pageerror", lambda error: messages.append(str(error)))
        page.on("dialog", lambda dialog: messages.append(f"dialog: {dialog.message}"))
        page.on("request", lambda request: requests.append(request.url))
        page.goto(reported(name))
        page.wait_for_selector("#plot .points path")
        return page

    requests: list[str] = []
    yield show_runs
    for page in pages:
        page.close()
    assert messages == []
    assert all(url.startswith(("file:", "data:", "blob:")) for url in requests)


def table_id(page):
    return page.eval_on_selector("table", "table => table.id")


def by_id(page, table):
    return f"[id='{table}']"


def cells(page, table, index):
    return page.eval_on_selector_all(
        f"{by_id(page, table)} tbody tr:not([hidden])",
        f"rows => rows.map(row => row.cells[{index}].textContent.trim())",
    )


def test_tables_are_sorted_and_filtered(show):
    page = show("arms")
    table = table_id(page)
    before = cells(page, table, 1)
    header = page.locator(f"{by_id(page, table)} thead th", has_text="Params").first
    index = header.evaluate("cell => cell.cellIndex")
    header.locator("button").click()
    numbers = [float(text) for text in cells(page, table, index)]
    assert numbers == sorted(numbers) and header.get_attribute("aria-sort") == "ascending"
    header.locator("button").focus()
    page.keyboard.press("Enter")
    numbers = [float(text) for text in cells(page, table, index)]
    assert numbers == sorted(numbers, reverse=True)
    page.fill("input[type=search]", before[1].rstrip("†"))
    assert cells(page, table, 1) == [before[1]]
    assert page.inner_text("[role=status]") == "1 of 4 rows"


def test_points_are_hovered_and_pinned(show):
    page = show("arms")
    box = page.locator("#plot .points path").first.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(*middle)
    page.wait_for_selector("#plot .hovertext")
    assert "MACs (M)" in page.text_content("#plot .hovertext")
    page.mouse.click(*middle)
    page.wait_for_selector("#pinned h3")
    assert "depths" in page.inner_text("#pinned") and "compare " in page.inner_text("#pinned")
    page.locator("button.pin").nth(1).focus()
    page.keyboard.press("Enter")
    second = cells(page, table_id(page), 1)[1].rstrip("†")
    assert page.inner_text("#pinned h3").startswith(second)


def test_axes_are_switched(show):
    page = show("search")
    page.select_option("#x-axis", "macs")
    page.check("#x-log")
    page.wait_for_function("document.querySelector('#plot').layout.xaxis.type === 'log'")
    assert page.text_content("#plot .xtitle") == "MACs (M)"
    page.select_option("#y-axis", "latency")
    page.wait_for_function(
        "document.querySelector('#plot').layout.yaxis.title.text === 'Latency (ms)'"
    )


@pytest.mark.parametrize(
    ("runs", "label"), [("arms", "Test accuracy (%)"), ("search", "Validation accuracy (%)")]
)
def test_the_first_axes_are_what_the_runs_optimise(show, runs, label):
    page = show(runs)
    assert page.text_content("#plot .ytitle") == label
    assert page.text_content("#plot .xtitle") == "Latency (ms)"


def test_names_stay_text(show):
    page = show("hostile")
    assert "<script>alert(1)</script>" in cells(page, table_id(page), 1)
    box = page.locator("#plot .points path").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.wait_for_selector("#plot .hovertext")
    assert "<script>alert(1)</script>" in page.text_content("#plot .hovertext")
    page.locator("button.pin").nth(2).click()
    assert page.inner_text("#pinned h3").startswith("</script><b>&amp;")
    assert page.eval_on_selector_all("#content b, #content img[src=x]", "all => all.length") == 0


@pytest.mark.parametrize("colours", ["light", pytest.param("dark", marks=pytest.mark.slow)])
@pytest.mark.parametrize("width", [390, 1200])
def test_nothing_is_wider_than_the_screen(show, colours, width):
    viewport = {"width": width, "height": 800}
    page = show("all", viewport=viewport, color_scheme=colours)
    assert page.evaluate("document.documentElement.dataset.theme") == colours
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    page.click("#theme")
    assert page.evaluate("document.documentElement.dataset.theme") != colours


@pytest.mark.parametrize("colours", ["light", pytest.param("dark", marks=pytest.mark.slow)])
def test_axe_finds_no_violation(show, colours):
    axe = pytest.importorskip("axe_core_python.sync_playwright").Axe()
    page = show("all", color_scheme=colours)
    page.locator("button.pin").first.click()
    violations = axe.run(page)["violations"]
    assert [(v["id"], [node["html"][:90] for node in v["nodes"][:3]]) for v in violations] == []


def test_two_thousand_trials_are_drawn_soon(show):
    page = show("large")
    start = time.monotonic()
    seconds = page.evaluate(
        "(async () => { const start = performance.now(); await draw(); "
        "return (performance.now() - start) / 1000; })()"
    )
    assert time.monotonic() - start < 30 and seconds < 10  # 1 s on an idle machine
    assert page.eval_on_selector_all("#plot .points path", "all => all.length") > 1_000
