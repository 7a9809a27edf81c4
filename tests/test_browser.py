"""The site in headless Chromium: narrow screens, dark mode, search, and what is asked for.

Skipped where Chromium or its driver is not installed; with ``CNN50_REQUIRE_BROWSER=1`` a failure.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from site_samples import DRAWING_TEXT, make_book
from waiting import WAIT

from tools import ROOT
from tools.site import build

pytestmark = pytest.mark.browser

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
)
PHONE, DESK = 390, 1400
SAMPLE = "sample/notebooks/q16-spatial-pooling.html"
MIXED = (SAMPLE, "sample/book/intro.html", "sample/book/glossary.html", "sample/book/data.html")

# Text whose contrast with what lies behind it is too low, as [ratio, colours, words].
LOW_CONTRAST = """
const luminance = (c) => {
  const [r, g, b] = c.slice(0, 3).map((v) => {
    v /= 255;
    return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * r + 0.7152 * g + 0.0722 * b;
};
const parse = (text) => {
  const n = text.match(/[\\d.]+/g).map(Number);
  return n.length < 4 ? [...n, 1] : n;
};
const behind = (element) => {
  const layers = [];
  for (let e = element; e; e = e.parentElement) {
    const c = parse(getComputedStyle(e).backgroundColor);
    if (c[3] > 0) layers.push(c);
    if (c[3] === 1) break;
  }
  return layers.reverse().reduce(
    (below, c) => below.map((v, k) => c[k] * c[3] + v * (1 - c[3])), [255, 255, 255]);
};
const found = [];
document.querySelectorAll("details").forEach((d) => (d.open = true));
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const element = walker.currentNode.parentElement;
  const words = walker.currentNode.textContent.trim();
  if (!words || !element.checkVisibility({ opacityProperty: true, visibilityProperty: true }))
    continue;
  if (element.closest("script, style, noscript, .headerlink, dialog, .skip-link")) continue;
  const style = getComputedStyle(element);
  const ink = parse(style.color), paper = behind(element);
  const mixed = paper.map((v, k) => ink[k] * ink[3] + v * (1 - ink[3]));
  const [low, high] = [luminance(mixed), luminance(paper)].sort((a, b) => a - b);
  const ratio = (high + 0.05) / (low + 0.05);
  const size = parseFloat(style.fontSize), bold = Number(style.fontWeight) >= 700;
  const wanted = size >= 24 || (bold && size >= 18.66) ? 3 : 4.5;
  if (ratio < wanted)
    found.push([ratio.toFixed(2), style.color, String(paper), words.slice(0, 40)]);
}
return found;
"""


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves files and says nothing."""

    def log_message(self, format: str, *args: Any) -> None:
        pass


@dataclass(frozen=True)
class Served:
    """Two sites on a local server: the book's under ``book/``, a sample's under ``sample/``."""

    url: str
    folder: Path

    def pages(self) -> list[str]:
        """All pages of both."""
        paths = (p.relative_to(self.folder) for p in self.folder.rglob("*.html"))
        return sorted(str(p) for p in paths if "_static" not in p.parts and p.parent.name)


@pytest.fixture(scope="module")
def served(tmp_path_factory) -> Iterator[Served]:
    """Builds and serves the sites."""
    missing = unavailable()
    if missing and os.environ.get("CNN50_REQUIRE_BROWSER") == "1":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("served")
    build.build(ROOT, folder / "book")
    root = make_book(tmp_path_factory.mktemp("sample") / "book")
    build.build(root, folder / "sample")
    handler = functools.partial(Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield Served(f"http://127.0.0.1:{server.server_port}/", folder)
        server.shutdown()


def unavailable() -> str:
    """Why there is no browser to test with; empty where there is one."""
    if not any(map(shutil.which, BROWSERS)):
        return "no Chromium: apt-get install chromium chromium-driver"
    if not shutil.which("chromedriver"):
        return "no chromedriver: apt-get install chromium-driver"
    try:
        import selenium  # noqa: F401
    except ImportError:
        return "the package selenium is not installed"
    return ""


class Browser:
    """A window of headless Chromium with a fresh profile."""

    def __init__(self, address: str, profile: Path):
        from selenium import webdriver
        from selenium.webdriver.chrome.service import Service

        options = webdriver.ChromeOptions()
        options.binary_location = next(filter(None, map(shutil.which, BROWSERS)))
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        service = Service(shutil.which("chromedriver"))
        self.driver = webdriver.Chrome(options=options, service=service)
        self.driver.set_page_load_timeout(WAIT)
        self.driver.set_script_timeout(WAIT)
        self.address = address

    def open(self, page: str, *, width: int = DESK, dark: bool = False) -> None:
        """Show a page in a window of this width."""
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [scheme]})
        self.driver.get(self.address + page)

    def run(self, script: str) -> Any:
        """What a script returns."""
        return self.driver.execute_script(script)

    def wait(self, script: str) -> Any:
        """What a script returns as soon as that is true."""
        from selenium.webdriver.support.ui import WebDriverWait

        return WebDriverWait(self.driver, WAIT).until(lambda driver: driver.execute_script(script))

    def messages(self) -> list[str]:
        """The warnings and errors that pages wrote to the console since the last call."""
        entries = self.driver.get_log("browser")
        return [e["message"] for e in entries if e["level"] in ("WARNING", "SEVERE")]

    def traffic(self) -> tuple[set[str], set[str]]:
        """The addresses asked for since the last call, and those that failed."""
        asked, failed = set(), set()
        for entry in self.driver.get_log("performance"):
            event = json.loads(entry["message"])["message"]
            if event["method"] == "Network.requestWillBeSent":
                asked.add(event["params"]["request"]["url"])
            elif event["method"] == "Network.responseReceived":
                response = event["params"]["response"]
                if response["status"] >= 400:
                    failed.add(response["url"])
        return {a for a in asked if not a.startswith(("data:", "blob:"))}, failed


@pytest.fixture(scope="module")
def browser(served, tmp_path_factory) -> Iterator[Browser]:
    """One window for all tests."""
    window = Browser(served.url, tmp_path_factory.mktemp("profile"))
    yield window
    window.driver.quit()


def test_no_page_scrolls_sideways_on_a_phone(served, browser):
    wide = {}
    for page in served.pages():
        browser.open(page, width=PHONE)
        browser.run("document.querySelectorAll('details').forEach((d) => (d.open = true))")
        width = browser.run("return document.documentElement.scrollWidth")
        if width > PHONE:
            wide[page] = width
    assert not wide


def test_wide_content_scrolls_within_its_own_box(browser):
    browser.open(SAMPLE, width=PHONE)
    for box in (".cell_input pre", ".cell_output .text_html", ".formula-scroll"):
        script = f"""return [...document.querySelectorAll("{box}")].some(
            (e) => e.scrollWidth > e.clientWidth && getComputedStyle(e).overflowX !== "visible")"""
        assert browser.run(script), box


@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
def test_text_stands_out_from_what_is_behind_it(served, browser, dark):
    for page in [*MIXED, *(p for p in served.pages() if p.startswith("book/notebooks"))]:
        browser.open(page, dark=dark)
        theme = browser.run("return document.documentElement.dataset.theme")
        assert theme == ("dark" if dark else "light")
        assert browser.run(LOW_CONTRAST) == [], page


def test_figures_stand_on_white_in_the_dark(browser):
    browser.open(SAMPLE, dark=True)
    script = "return getComputedStyle(document.querySelector('.cell_output img')).backgroundColor"
    assert browser.run(script) == "rgb(255, 255, 255)"


def test_the_button_changes_the_colours(browser):
    browser.open(SAMPLE)
    seen = set()
    for _ in range(3):
        browser.run("document.querySelector('.theme-switch-button').click()")
        seen.add(browser.run("return document.documentElement.dataset.theme"))
    browser.run("localStorage.clear()")
    assert seen == {"light", "dark"}


@pytest.mark.parametrize(("width", "shown"), [(PHONE, "narrow"), (DESK, "wide")])
def test_a_drawing_fits_and_can_be_read(browser, width, shown):
    browser.open(SAMPLE, width=width)
    script = """
        const drawing = document.querySelector(".cnn50-drawing");
        const layouts = [...drawing.querySelectorAll("svg")].filter((s) => s.checkVisibility());
        const texts = [...layouts[0].querySelectorAll("text")];
        const words = texts.map((t) => t.getBoundingClientRect());
        const box = drawing.parentElement;
        return {
            layouts: layouts.map((s) => s.getAttribute("class")),
            smallest: Math.min(...words.map((w) => w.height)),
            outside: words.filter((w) => w.left < 0 || w.right > innerWidth).length,
            scrolls: box.scrollWidth > box.clientWidth,
        }"""
    found = browser.run(script)
    assert found["layouts"] == [shown]
    assert found["smallest"] >= 9 and not found["outside"] and not found["scrolls"]


def test_a_drawing_follows_the_button(browser):
    colours = set()
    for dark in (False, True):
        browser.open(SAMPLE, dark=dark)
        script = """
            const word = document.querySelector(".cnn50-drawing .wide text");
            const page = getComputedStyle(document.querySelector(".bd-article")).color;
            return [getComputedStyle(word).fill, page]"""
        drawn, page = browser.run(script)
        assert drawn == page
        colours.add(drawn)
    assert len(colours) == 2


def test_what_is_drawn_has_a_name(browser):
    browser.open(SAMPLE)
    names = {}
    tree = browser.driver.execute_cdp_cmd("Accessibility.getFullAXTree", {})["nodes"]
    for node in tree:
        names.setdefault(node.get("role", {}).get("value"), []).append(node)
    assert any(n["name"]["value"] == DRAWING_TEXT for n in names["image"])
    (slider,) = names["slider"]
    assert slider["name"]["value"] == "Shift"
    assert any(n["name"]["value"].startswith("A triangle moves") for n in names["figure"])


def test_a_slider_moves_by_keyboard_without_a_jump(browser):
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys

    state = """
        const figure = document.querySelector(".cnn50-slider");
        const input = figure.querySelector("input"), seen = figure.querySelectorAll("li.shown");
        return {
            value: figure.querySelector(".value").textContent,
            spoken: input.getAttribute("aria-valuetext"),
            shown: [...seen].map((e) => e.innerText.trim().slice(0, 13)),
            height: figure.getBoundingClientRect().height,
            bottom: document.documentElement.scrollHeight,
            outline: getComputedStyle(input).outlineStyle,
        }"""
    for width in (DESK, PHONE):
        browser.open(SAMPLE, width=width)
        first = browser.run(state)
        assert (first["value"], first["shown"]) == ("2 pixels", ["Accuracy 0.7."])
        slider = browser.driver.find_element(By.CSS_SELECTOR, ".cnn50-slider input")
        slider.send_keys(Keys.ARROW_LEFT)
        second = browser.run(state)
        assert (second["value"], second["spoken"]) == ("1 pixels", "1 pixels")
        assert second["shown"] == ["Accuracy 0.8."]
        assert second["outline"] == "solid"
        assert (second["height"], second["bottom"]) == (first["height"], first["bottom"])
        slider.send_keys(Keys.END)
        assert browser.run(state)["value"] == "4 pixels"


def test_without_scripts_a_slider_is_a_sheet_of_its_frames(browser):
    browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": True})
    try:
        browser.open(SAMPLE)
        seen = """
            const figure = document.querySelector(".cnn50-slider");
            const places = [...figure.querySelectorAll("li")].map((e) => {
                const box = e.getBoundingClientRect();
                return [getComputedStyle(e).visibility, box.left, box.top].join(" ");
            });
            return [figure.querySelector("input").checkVisibility(), places]"""
        slider, places = browser.run(seen)
        assert not slider
        assert len(set(places)) == 5 and all(p.startswith("visible") for p in places)
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setScriptExecutionDisabled", {"value": False})


def test_search_finds_a_word(browser):
    browser.open("sample/search.html?q=invariant")
    script = "return [...document.querySelectorAll('#search-results li a')].map((a) => a.href)"
    found = browser.wait(script)
    assert any("q16-spatial-pooling" in link for link in found)


def test_there_is_one_search_box(browser):
    browser.open(SAMPLE)
    visible = """return [...document.querySelectorAll("input:not([type=range])")]
        .filter((e) => e.checkVisibility()).length"""
    assert browser.run(visible) == 0
    browser.run("document.querySelector('.search-button__button').click()")
    browser.wait("return document.querySelector('#pst-search-dialog').open")
    assert browser.run(visible) == 1
    browser.open("sample/search.html?q=pooling")
    assert browser.run(visible) == 1


def test_formulas_are_drawn_in_the_books_own_font(browser):
    browser.open(SAMPLE)
    loaded = "return [...document.fonts].filter((f) => f.status === 'loaded').map((f) => f.family)"
    assert browser.wait(loaded) == ["Book Math"]


def test_the_site_asks_its_own_host_only_and_nothing_fails(served, browser):
    browser.messages()
    browser.traffic()
    for page in served.pages():
        browser.open(page)
        browser.run("window.scrollTo(0, document.body.scrollHeight)")
    asked, failed = browser.traffic()
    foreign = {a for a in asked if not a.startswith((served.url, "chrome:", "about:"))}
    assert len(asked) > len(served.pages())
    assert not foreign
    assert not failed
    assert not any("fontawesome" in a or "vendor" in a for a in asked)
    assert browser.messages() == []
