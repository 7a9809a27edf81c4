"""The site in headless Chromium: narrow screens, dark mode, search, and what is asked for.

Skipped where Chromium or its driver is not installed; with ``CNN50_REQUIRE_BROWSER=1`` a failure.
With ``CNN50_AXE=all`` axe looks at every page of the book, at both widths, light and dark.
"""

from __future__ import annotations

import functools
import http.server
import json
import os
import re
import shutil
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from site_samples import DRAWING_TEXT, built_book, make_book
from sphinx.search.en import SearchEnglish
from waiting import WAIT

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


AXE = """
const done = arguments[arguments.length - 1];
const tags = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"];
axe.run(document, {
  runOnly: { type: "tag", values: tags },
  rules: { "label-content-name-mismatch": { enabled: true }, "target-size": { enabled: true } },
  resultTypes: ["violations"],
}).then(
  ({ violations }) =>
    done(violations.flatMap((v) => v.nodes.map((n) => [v.id, n.html.slice(0, 120)]))),
  (error) => done([["error", String(error)]]));
"""

# Words of code that look the same are looked at once: axe takes minutes for thousands of them.
ALIKE = """
const seen = new Set();
const again = [...document.querySelectorAll("pre span")].filter((span) => {
  const look = [span, span.closest("pre"), span.closest("div")].map((e) => {
    const { color, backgroundColor, fontSize, fontWeight } = getComputedStyle(e);
    return [color, backgroundColor, fontSize, fontWeight].join();
  }).join("|");
  const known = seen.has(look) && !span.children.length;
  seen.add(look);
  return known;
});
again.forEach((span) => span.replaceWith(span.textContent));
"""

# How far the page moved by itself while it arrived, and what moved: [[score, [element, ...]], ...].
SHIFT = """
const done = arguments[arguments.length - 1];
const shifts = [];
const place = (box) => `${Math.round(box.x)} ${Math.round(box.y)}`;
const moved = ({ node, previousRect, currentRect }) =>
  `${node?.className || node?.nodeName} from ${place(previousRect)} to ${place(currentRect)}`;
new PerformanceObserver((list) => {
  for (const entry of list.getEntries())
    if (!entry.hadRecentInput) shifts.push([entry.value, entry.sources.map(moved)]);
}).observe({ type: "layout-shift", buffered: true });
setTimeout(() => done(shifts), 300);
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
    """Serves the site of the published book and that of a sample without a repository."""
    missing = unavailable()
    if missing and os.environ.get("CNN50_REQUIRE_BROWSER") == "1":
        pytest.fail(missing)
    if missing:
        pytest.skip(missing)
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(built_book(tmp_path_factory).html, folder / "book")
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


def results(browser, query: str, site: str = "book") -> list[tuple[str, str]]:
    """(address, text) of each result on a site, in order, when the search has finished."""
    browser.open(f"{site}/search.html?q={quote(query)}")
    done = (
        "return /finished|did not match/.test(document.querySelector('.search-summary')?.innerText)"
    )
    browser.wait(done)
    script = """return [...document.querySelectorAll('#search-results li a')]
        .map((a) => [a.getAttribute('href'), a.parentElement.innerText])"""
    return [tuple(row) for row in browser.run(script)]


def test_titles_come_first_in_the_search_and_the_glossary_next(served, browser):
    found = results(browser, "Mask R-CNN")
    assert found[0][0] == "notebooks/q24-mask-rcnn.html"
    assert found[1][0] == "book/glossary.html#technique-mask-rcnn"
    for address, _ in found:  # the pages that name it, and no others
        page = (served.folder / "book" / address.partition("#")[0]).read_text(encoding="utf-8")
        assert "mask r-cnn" in page.lower().replace("\u2011", "-"), address
    found = results(browser, "embeddings")
    assert {"q09", "q26"} == {address.split("/")[1][:3] for address, _ in found[:2]}
    assert results(browser, "grad-cam")[0][0] == "book/glossary.html#technique-grad-cam"


def test_terms_stay_whole_in_the_search(served, browser):
    for query, word in (("V-Net", "v-net"), ("state‑of‑the‑art", "state-of-the-art")):
        for address, _ in results(browser, query):
            page = (served.folder / "book" / address.partition("#")[0]).read_text(encoding="utf-8")
            assert word in page.lower().replace("\u2011", "-"), (query, address)
    assert not results(browser, "Z-Net")
    assert not results(browser, "zq convolution")  # short words have to be there too
    assert any("q16" in address for address, _ in results(browser, "vnet", "sample"))


def test_a_times_sign_is_an_x_in_the_search(browser):
    plain = {address for address, _ in results(browser, "1x1 convolution")}
    assert plain and plain == {address for address, _ in results(browser, "1 × 1 convolution")}
    in_formula = results(browser, "3x3", "sample")
    assert any("q16" in address for address, _ in in_formula)


def test_words_are_reduced_alike_in_the_browser_and_in_the_index(browser):
    words = "skip-connections re-ranked r-cnn x-rays self-supervised non-maximum 1x1 fine-tuned"
    browser.open("sample/search.html?q=pooling")
    script = "const s = new Stemmer(); return arguments[0].map((word) => s.stemWord(word))"
    stemmer = SearchEnglish({})
    stems = browser.driver.execute_script(script, words.split())
    assert stems == [stemmer.stem(word) for word in words.split()]


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


CODE = ".cell_input, details.fold:not(:has(.cell_output))"
VISIBLE = (
    "return [...document.querySelectorAll(arguments[0])].filter((e) => e.checkVisibility()).length"
)


def visible(browser, selector: str) -> int:
    """How many of these elements are shown."""
    return browser.driver.execute_script(VISIBLE, selector)


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_reading_mode_hides_code_and_is_remembered(browser, width):
    kept = ".bd-article p, .cell_output :is(.output, img, svg), table, h2, h3"
    browser.open(SAMPLE, width=width)
    code, rest = visible(browser, CODE), visible(browser, kept)
    assert code and visible(browser, ".reading-mode[aria-pressed='false']") == 1
    browser.run("document.querySelector('.reading-mode').focus()")
    press(browser, " ")
    assert visible(browser, ".reading-mode[aria-pressed='true']") == 1
    assert visible(browser, CODE) == 0
    assert visible(browser, kept) == rest

    browser.open("sample/notebooks/q01-feature-extraction.html", width=width)
    assert visible(browser, ".reading-mode[aria-pressed='true']") == 1
    assert visible(browser, CODE) == 0
    shifts = browser.driver.execute_async_script(SHIFT)
    assert sum(score for score, _ in shifts) < 0.1, shifts
    press(browser, " ", ".reading-mode")
    browser.open(SAMPLE, width=width)
    assert visible(browser, CODE) == code
    browser.run("localStorage.clear()")


def press(browser, key: str, selector: str = "") -> None:
    """Type a key at the element in focus, or at the one named."""
    if selector:
        browser.run(f"document.querySelector('{selector}').focus()")
    browser.driver.switch_to.active_element.send_keys(key)


def test_reading_mode_needs_no_storage(browser):
    refuse = "Object.defineProperty(window, 'localStorage', { get() { throw new Error('no') } })"
    command = "Page.addScriptToEvaluateOnNewDocument"
    added = browser.driver.execute_cdp_cmd(command, {"source": refuse})
    try:
        browser.open(SAMPLE)
        assert visible(browser, CODE)
        browser.run("document.querySelector('.reading-mode').click()")
        assert visible(browser, CODE) == 0
    finally:
        browser.driver.execute_cdp_cmd("Page.removeScriptToEvaluateOnNewDocument", added)
        browser.messages()


def test_without_scripts_code_is_shown_and_there_is_no_switch(browser):
    off = "Emulation.setScriptExecutionDisabled"
    browser.driver.execute_cdp_cmd(off, {"value": True})
    try:
        browser.open(SAMPLE)
        assert visible(browser, ".cell_input")
        assert visible(browser, ".reading-mode") == 0
        assert visible(browser, "details.folded-note > summary") == 3
        assert visible(browser, "details.folded-note > p") == 0
    finally:
        browser.driver.execute_cdp_cmd(off, {"value": False})


def test_a_print_is_whole_and_dark_on_white(browser):
    browser.open(SAMPLE, dark=True)
    browser.run("""window.printed = null; addEventListener("beforeprint", () => (window.printed = {
        closed: document.querySelectorAll("details:not([open])").length,
        ink: getComputedStyle(document.querySelector(".bd-article p")).color,
        paper: getComputedStyle(document.body).backgroundColor,
    }))""")
    closed = browser.run("return document.querySelectorAll('details:not([open])').length")
    browser.driver.execute_cdp_cmd("Page.printToPDF", {})
    printed = browser.run("return printed")
    assert closed and printed["closed"] == 0
    assert sum(map(int, re.findall(r"\d+", printed["ink"])[:3])) < 300
    assert printed["paper"] == "rgb(255, 255, 255)"
    assert browser.run("return document.querySelectorAll('details:not([open])').length") == closed
    assert browser.run("return document.documentElement.dataset.theme") == "dark"


def test_the_style_of_a_print_opens_and_wraps_by_itself(browser):
    browser.open(SAMPLE, width=700)
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        assert visible(browser, "h1") == 1
        assert visible(browser, "details:not([open]) > :not(summary)")
        cut = """return [...document.querySelectorAll(".bd-article pre")]
            .filter((e) => e.scrollWidth > e.clientWidth + 1).map((e) => e.innerText)"""
        assert browser.run(cut) == []
        assert visible(browser, ".reading-mode") == 0
        whole = """return [...document.querySelectorAll(".cell_input, .cell_input *")]
            .filter((e) => e.querySelector("pre") || e.matches("pre"))
            .filter((e) => getComputedStyle(e).breakInside !== "auto").map((e) => e.className)"""
        assert browser.run(whole) == [], "a long cell leaves its empty frame on the sheet before"
        browser.open("sample/search.html?q=pooling")
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
        browser.wait("return document.querySelector('#search-results li a[href*=q16]')")
        browser.run("document.querySelector('#search-results li a[href*=q16]').click()")
        browser.wait("return document.querySelector('.highlight-link')")
        assert visible(browser, ".highlight-link") == 0
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def test_a_print_in_reading_mode_has_no_code(browser):
    browser.open(SAMPLE)
    kept = "h1, .bd-article > section > p, .cell_output :is(.output, img, svg), table"
    browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    try:
        code, rest = visible(browser, CODE), visible(browser, kept)
        browser.run("document.documentElement.dataset.code = 'hidden'")
        assert code and visible(browser, CODE) == 0
        assert visible(browser, "h1") == 1
        assert rest and visible(browser, kept) == rest
    finally:
        browser.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": ""})


def axe(browser, page: str, width: int, dark: bool) -> list[list[str]]:
    """What axe has against a page with everything on it opened: [rule, element]."""
    script = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
    browser.open(page, width=width, dark=dark)
    browser.run("document.querySelectorAll('details').forEach((d) => (d.open = true))")
    browser.wait("return new Promise((d) => requestAnimationFrame(() => setTimeout(d, 50, true)))")
    browser.run(ALIKE)
    browser.run(script)
    return browser.driver.execute_async_script(AXE)


@pytest.mark.parametrize(
    "page", [*MIXED, "sample/search.html?q=pooling", "book/book/verification.html"]
)
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_axe_finds_nothing(browser, page, width):
    for dark in (False, True) if page == SAMPLE else (width == PHONE,):
        assert axe(browser, page, width, dark) == [], (page, dark)


@pytest.mark.skipif(os.environ.get("CNN50_AXE") != "all", reason="takes minutes: CNN50_AXE=all")
@pytest.mark.parametrize("dark", [False, True], ids=["light", "dark"])
@pytest.mark.parametrize("width", [DESK, PHONE])
def test_axe_finds_nothing_on_any_page(served, browser, width, dark):
    pages = [page for page in served.pages() if page.startswith("book/")]
    found = {page: axe(browser, page, width, dark) for page in pages}
    print(f"axe looked at {len(found)} pages, {width} px wide, {'dark' if dark else 'light'}")
    assert {page: faults for page, faults in found.items() if faults} == {}


@pytest.mark.parametrize("width", [DESK, PHONE])
def test_pages_do_not_jump_while_they_arrive(browser, width):
    for page in (SAMPLE, "book/book/breaks.html", "book/book/verification.html"):
        browser.open(page, width=width)
        browser.driver.refresh()  # the window has its size by now
        shifts = browser.driver.execute_async_script(SHIFT)
        assert sum(score for score, _ in shifts) < 0.1, (page, shifts)
