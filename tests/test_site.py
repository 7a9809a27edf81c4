"""The site: it builds without a warning, asks no other host for anything, and says what is true."""

from __future__ import annotations

import base64
import gzip
import html
import io
import json
import re
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit
from urllib.request import urlopen

import nbformat
import pytest
import yaml
from fontTools.ttLib import TTFont
from site_samples import FIGURE_TEXT, Built, built_book, make_book, second_page

from tools import ROOT
from tools.pages import toc
from tools.pages.page import setup_cell
from tools.pages.questions import part_titles, questions
from tools.site import build, colab_files, publish_as, serve
from tools.site.repository import Repository, configured, name_in

pytestmark = pytest.mark.site

UNNAMED = Repository("somebody/else", "main")
BUILD_SECONDS = 60
WIRE_BYTES = 1_000_000
INVISIBLE = {"\u2061", "\ufe00"}  # the application of a function, the choice of a letter's form
CSS_URL = re.compile(r"""(?:url\(|@import\s+)["']?([^"')]+)""")


@dataclass
class Page(HTMLParser):
    """What the tests ask about one HTML page."""

    path: Path
    tags: list[tuple[str, dict[str, str]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        super().__init__()
        self.text = self.path.read_text(encoding="utf-8")
        self.feed(self.text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, {name: value or "" for name, value in attrs}))

    def each(self, *names: str) -> Iterator[dict[str, str]]:
        """The attributes of every element with one of these names."""
        return (attributes for tag, attributes in self.tags if tag in names)

    def loaded(self) -> list[str]:
        """The addresses that a browser asks for when it opens the page."""
        found = [a["src"] for a in self.each("script", "img", "source", "iframe") if a.get("src")]
        kinds = ("stylesheet", "icon", "preload")
        found += [a["href"] for a in self.each("link") if a.get("rel") in kinds]
        return [address for address in found if not address.startswith("data:")]

    @property
    def ids(self) -> set[str]:
        """All anchors."""
        return {attributes["id"] for _, attributes in self.tags if "id" in attributes}


class Site:
    """A built site."""

    def __init__(self, index: Path):
        self.folder = index.parent
        self.pages = {
            str(path.relative_to(self.folder)): Page(path)
            for path in sorted(self.folder.rglob("*.html"))
            if "_static" not in path.parts
        }

    @property
    def questions(self) -> dict[str, Page]:
        """The question pages by slug."""
        return {Path(n).stem: p for n, p in self.pages.items() if n.startswith("notebooks/")}

    def local(self, page: Page, address: str) -> Path:
        """The file that a relative address on a page means."""
        return (page.path.parent / unquote(urlsplit(address).path)).resolve()


@pytest.fixture(scope="module")
def built(tmp_path_factory) -> Built:
    """The book as it stands, published from a repository."""
    built = built_book(tmp_path_factory)
    assert built.seconds <= BUILD_SECONDS
    return built


@pytest.fixture(scope="module")
def site(built) -> Site:
    """Its site."""
    return Site(built.html / "index.html")


@pytest.fixture(scope="module")
def sample_root(tmp_path_factory) -> Path:
    """A copy of the book with two sample pages."""
    return make_book(tmp_path_factory.mktemp("sample") / "book")


@pytest.fixture(scope="module")
def sample(sample_root) -> Site:
    """The sample book's site, whose notebooks do not name the repository."""
    return Site(build.build(sample_root, sample_root.parent / "html", UNNAMED))


def both(site: Site, sample: Site) -> Iterator[Page]:
    """The pages of both sites."""
    yield from site.pages.values()
    yield from sample.pages.values()


def test_no_page_asks_another_host_for_anything(site, sample):
    for page in both(site, sample):
        foreign = [a for a in page.loaded() if urlsplit(a).netloc]
        assert not foreign, page.path


def test_no_style_sheet_asks_another_host_for_anything(site):
    for sheet in site.folder.rglob("*.css"):
        for address in CSS_URL.findall(sheet.read_text(encoding="utf-8")):
            assert address.startswith("data:") or not urlsplit(address).netloc, sheet


def test_what_a_page_loads_is_there(site, sample):
    for page in both(site, sample):
        for address in page.loaded():
            assert (page.path.parent / urlsplit(address).path).is_file(), (page.path, address)


def test_links_within_the_site_resolve(site, sample):
    for whole in (site, sample):
        by_path = {page.path.resolve(): page for page in whole.pages.values()}
        for page in whole.pages.values():
            for address in (a.get("href", "") for a in page.each("a")):
                parts = urlsplit(address)
                if parts.scheme or parts.netloc or address in ("", "#"):
                    continue
                target = whole.local(page, address) if parts.path else page.path.resolve()
                assert target.is_file(), (page.path, address)
                if parts.fragment and target in by_path:
                    assert unquote(parts.fragment) in by_path[target].ids, (page.path, address)


def test_every_picture_has_an_alternative_text_and_figures_have_sizes(site, sample):
    for page in both(site, sample):
        for image in page.each("img"):
            assert "alt" in image, page.path
            if "_images" in image["src"]:
                assert len(image["alt"].split()) >= 8, page.path
                assert {"width", "height"} <= set(image), page.path
                assert image["loading"] == "lazy"


def test_a_figures_text_equivalent_is_its_alternative_text(sample):
    texts = [i["alt"] for i in sample.questions["q16-spatial-pooling"].each("img")]
    assert FIGURE_TEXT in texts


def test_mathematics_is_mathml(site, sample):
    for page in both(site, sample):
        assert "mathjax" not in page.text.lower()
    page = sample.questions["q16-spatial-pooling"]
    assert page.text.count("<math") >= 6
    assert "\\frac" not in page.text and "$$" not in page.text


def test_the_font_draws_all_formulas(site, sample):
    for whole in (site, sample):
        drawn = set(TTFont(whole.folder / "_static" / "math.woff2").getBestCmap())
        for page in whole.pages.values():
            for formula in re.findall(r"<math.*?</math>", page.text, re.S):
                letters = html.unescape(re.sub(r"<[^>]+>", "", formula))
                missing = {c for c in letters if c.isprintable() and ord(c) not in drawn}
                assert missing <= INVISIBLE, page.path


def test_call_outs_are_boxes_and_other_quotes_stay_quotes(sample):
    text = sample.questions["q16-spatial-pooling"].text
    for kind, title in (("tip", "In one breath"), ("warning", "Common mistake"), ("note", "Note")):
        box = rf'<div class="[^"]*callout[^"]*\b{kind}\b[^"]*">\s*'
        assert re.search(box + rf'<p class="admonition-title">{title}</p>', text), title
    assert text.count("<blockquote") == 1


def test_every_question_opens_with_its_answer_in_one_breath(site):
    for slug, page in site.questions.items():
        assert '<p class="admonition-title">In one breath</p>' in page.text, slug


def test_folds_are_named_after_their_cells(sample):
    text = sample.questions["q16-spatial-pooling"].text
    assert re.findall(r'<details class="fold">\s*<summary>(.*?)</summary>', text) == [
        "Setup",
        "Code of this figure",
        "A helper",
        "Solution",
    ]


def test_a_folded_note_opens_with_its_first_words(sample):
    text = sample.questions["q16-spatial-pooling"].text
    notes = re.findall(r'<details class="folded-note">\s*<summary>(.*?)</summary>', text)
    assert [re.sub("<[^>]+>", "", note) for note in notes] == [
        "Keras note: Dropout runs in training only",
        "Keras note",  # its first words hold a formula
        "Keras note: A long first sentence of the note goes on …",
    ]
    assert "<p>A second paragraph of the note.</p>" in text


def test_the_history_of_a_page_stands_on_the_page_about_verification(sample, site):
    text = sample.pages["book/verification.html"].text
    told = re.search(r'<section id="history-q16">(.*?)</section>', text, re.S)
    assert told and told[1].count("<li>") == 2
    assert "The bound was 0.9 at first; <code" in told[1]
    assert "A trial." not in sample.questions["q16-spatial-pooling"].text
    assert 'id="history-q01"' not in text


def test_a_page_whose_code_starts_in_the_answer_has_its_header(sample):
    text = sample.questions["q16-spatial-pooling"].text
    order = ("<h1>", "page-facts", "In one breath", "<summary>Setup", "import", 'id="answer"')
    places = [text.index(mark, text.index("<article")) for mark in order]
    assert places == sorted(places)


def test_the_switch_of_the_reading_mode_is_on_question_pages_only(site):
    for name, page in site.pages.items():
        switches = [a for a in page.each("button") if "reading-mode" in a.get("class", "")]
        assert len(switches) == (name.startswith("notebooks/")), name
        assert all(switch["aria-pressed"] == "false" for switch in switches)


def test_words_of_the_search():
    sys.path.insert(0, str(ROOT / "book" / "_ext"))
    from site_search import BookSearch

    split = BookSearch({}).split
    assert split("1 × 1") == split("1x1") == split(r"1 \times 1") == ["1x1"]
    assert split("3×3×64 H × W") == ["3x3x64", "hxw"]
    assert split("height × width") == ["height", "width"]
    assert split("R-CNN") == split("R\u2011CNN") == ["r-cnn", "r", "cnn", "rcnn"]
    assert split("2012–2017, a - b") == ["2012", "2017", "a", "b"]


def test_a_taken_port_is_told_before_the_build(monkeypatch, capsys):
    monkeypatch.setattr(build, "make", lambda output: pytest.fail("it was built"))
    with serve.server(0, ROOT) as taken:
        assert taken.server_address[0] == "127.0.0.1"
        monkeypatch.setattr(sys, "argv", ["serve", "--port", str(taken.server_port)])
        assert serve.main() == 1
    said = capsys.readouterr().err
    assert f"Port {taken.server_port} cannot be had" in said and "PORT=" in said
    monkeypatch.setattr(sys, "argv", ["serve", "--port", "70000"])
    assert serve.main() == 1
    assert "70000 is no port" in capsys.readouterr().err


def test_the_printed_address_answers(monkeypatch, capsys, tmp_path):
    (tmp_path / "index.html").write_text("the book")
    monkeypatch.setattr(build, "make", lambda output: 0)
    monkeypatch.setattr(build, "OUTPUT", tmp_path)
    monkeypatch.setattr(sys, "argv", ["serve", "--port", "0"])
    seen = []

    def visit(server):
        server.socket.settimeout(10)
        address = capsys.readouterr().out.split()[4]
        asked = threading.Thread(target=lambda: seen.append(urlopen(address).read()))
        asked.start()
        server.handle_request()
        asked.join()
        raise KeyboardInterrupt

    monkeypatch.setattr("http.server.ThreadingHTTPServer.serve_forever", visit)
    assert serve.main() == 0
    assert seen == [b"the book"]


def test_the_line_under_the_title(sample):
    text = sample.questions["q16-spatial-pooling"].text
    line = re.search(r'<div class="page-facts">(.*?)</div>', text, re.S)
    assert line
    assert 'aria-label="level 2 of 3"' in line[1]
    assert "at most 2.5 min of processor time" in line[1]
    assert '<a href="q01-feature-extraction.html"' in line[1]
    assert "2. Backpropagation" in line[1]  # has not landed: words, no link


def test_a_link_to_a_page_that_has_not_landed_is_plain_text(sample):
    text = sample.questions["q16-spatial-pooling"].text
    assert '<span class="not-landed">question 50</span>' in text
    assert '<a class="reference internal" href="q01-feature-extraction.html">' in text


def test_each_colab_button_opens_the_pages_own_notebook(site):
    assert site.questions
    for slug, page in site.questions.items():
        colab = "https://colab.research.google.com/github/"
        buttons = [a["href"] for a in page.each("a") if a.get("href", "").startswith(colab)]
        assert buttons == [f"{colab}example/cnn50/blob/a/branch/notebooks/{slug}.ipynb"]
        assert (ROOT / "notebooks" / f"{slug}.ipynb").is_file()


def test_no_colab_button_where_the_notebook_names_another_repository(sample):
    for slug, page in sample.questions.items():
        assert "colab.research.google.com/github" not in page.text, slug
        assert "Open in Colab" not in page.text, slug


def test_each_page_offers_its_notebook_and_the_self_contained_one(built, site):
    for slug, page in site.questions.items():
        files = [site.local(page, a["href"]) for a in page.each("a") if "download" in a]
        assert [f.parent.name for f in files] == ["notebooks", "colab"], slug
        original = (built.root / "notebooks" / f"{slug}.ipynb").read_bytes()
        assert files[0].read_bytes() == original
        assert nbformat.read(files[1], as_version=4)


def test_a_page_is_light_on_the_wire(site):
    for slug, page in site.questions.items():
        files = {page.path, site.folder / "_static" / "math.woff2"}
        files |= {site.local(page, address) for address in page.loaded()}
        files |= {f.parent.parent / "basic.css" for f in files if f.name == "theme.css"}
        whole = sum(compressed(path) for path in files)
        assert whole <= WIRE_BYTES, (slug, whole)


def compressed(path: Path) -> int:
    """Bytes of a file over the wire."""
    content = path.read_bytes()
    packed = path.suffix in (".png", ".jpg", ".woff2")
    return len(content) if packed else len(gzip.compress(content))


def test_the_home_page_lists_all_fifty(site):
    page = site.pages["book/intro.html"]
    links = {unquote(a["href"]) for a in page.each("a") if a.get("class") == "text"}
    assert links == {f"../notebooks/{slug}.html" for slug in site.questions}
    for question in questions():
        assert html.escape(question.title, quote=False) in page.text.replace("&quot;", '"')


def test_parts_are_called_the_same_everywhere(site):
    home = (ROOT / "book" / "intro.md").read_text(encoding="utf-8")
    for number, title in part_titles().items():
        assert f"## {number}. {title}\n" in home
        opening = (ROOT / "book" / "parts" / f"part{number}.md").read_text(encoding="utf-8")
        assert opening.startswith(f"# Part {number}. {title}\n")
        assert f"book/parts/part{number}.html" in site.pages


def test_the_table_of_contents_lists_what_has_landed():
    text = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    assert text == toc.expected(), "run `python -m tools.pages.toc`"


def test_the_glossary_joins_techniques_and_pages(sample):
    page = sample.pages["book/glossary.html"]
    entry = re.search(r'<dt id="technique-convolution">(.*?)</dd>', page.text, re.S)
    assert entry
    assert re.search(r"runs in <a [^>]*q01[^>]*>question 1</a>", entry[1])
    assert re.search(r"explained in <a [^>]*q16[^>]*>question 16</a>", entry[1])


def test_techniques_are_well_formed():
    entries = yaml.safe_load((ROOT / "book" / "techniques.yml").read_text(encoding="utf-8"))
    ids = [entry["id"] for entry in entries]
    assert len(ids) == len(set(ids))
    for entry in entries:
        assert set(entry) == {"id", "name", "definition", "source"}, entry["id"]
        assert entry["definition"].endswith("."), entry["id"]
        assert ". " not in entry["definition"], f"{entry['id']}: one sentence"
        assert entry["source"]["link"].startswith("https://"), entry["id"]


def test_references_name_each_source_once(sample):
    text = sample.pages["book/references.html"].text
    assert text.count('href="https://arxiv.org/abs/1703.06870"') == 1
    row = re.search(r"<li>He, K\..*?</li>", text, re.S)
    assert row and "question 1<" in row[0] and "question 16<" in row[0]


def test_a_faulty_page_does_not_build_and_leaves_the_old_site(tmp_path):
    page = second_page(figure_text="<Figure size 640x480 with 1 Axes>")
    text = json.dumps(page)
    text = text.replace("[Mask R-CNN]", "[Mask RCNN, the paper]")
    text = text.replace("(q01-feature-extraction.ipynb)", "(q01-feature-extractoin.ipynb)")
    text = text.replace(r"\\frac{1}{1 + e^{-z}}", r"\\frac{1}{1 + e^{-z}")
    text = text.replace('"max-pooling"', '"maximum-pooling"')
    root = make_book(tmp_path / "book", nbformat.from_dict(json.loads(text)))
    output = tmp_path / "html"
    output.mkdir()
    (output / "index.html").write_text("the old site")
    (output / "searchindex.js").write_text("")
    with pytest.raises(build.BuildFailed) as failure:
        build.build(root, output)
    said = str(failure.value)
    assert "a figure has no text equivalent" in said
    assert "is called 'Mask RCNN, the paper' here and 'Mask R-CNN' in notebooks/q01" in said
    assert "q01-feature-extractoin" in said
    assert "formula" in said
    assert "technique 'maximum-pooling' is not in book/techniques.yml" in said
    assert (output / "index.html").read_text() == "the old site"
    assert sorted(p.name for p in tmp_path.iterdir()) == ["book", "html"]


def test_all_pages_name_the_same_repository():
    name = name_in(configured()[0])
    for path in publish_as.pages():
        found = publish_as.CELL.findall(path.read_text(encoding="utf-8"))
        assert len(found) == 1, path
        expected = f'REPOSITORY = "{name}"'
        assert expected in path.read_text(encoding="utf-8").replace('\\"', '"'), path


def test_publish_as_changes_the_name_and_nothing_else(tmp_path):
    root = make_book(tmp_path / "book")
    (root / "book" / "questions").mkdir()
    text = f"# A page\n\n```{{code-cell}} ipython3\n{setup_cell()}\n```\n"
    (root / "book" / "questions" / "q01-feature-extraction.md").write_text(text)
    files = [root / "_config.yml", *publish_as.pages(root)]
    publish_as.publish_as("", root)
    before = {path: path.read_bytes() for path in files}

    changed = publish_as.publish_as("owner/name", root)
    assert sorted(changed) == sorted(files)
    for path in files:
        name = b"https://github.com/owner/name" if path.name == "_config.yml" else b"owner/name"
        old, new = before[path].split(b"\n"), path.read_bytes().split(b"\n")
        lines = [(a, b) for a, b in zip(old, new, strict=True) if a != b]
        assert len(lines) == 1
        assert lines[0][1].replace(name, b"", 1) == lines[0][0]
    cells = nbformat.read(root / "notebooks" / "q16-spatial-pooling.ipynb", as_version=4).cells
    assert setup_cell("owner/name") in [cell.source for cell in cells]

    assert publish_as.publish_as("owner/name", root) == []
    publish_as.publish_as("", root)
    assert {path: path.read_bytes() for path in files} == before


def test_publish_as_refuses_what_is_no_repository(tmp_path):
    with pytest.raises(ValueError, match="owner/name"):
        publish_as.publish_as("just-a-name", tmp_path)


def test_self_contained_notebooks_carry_the_package(sample_root, tmp_path):
    written = colab_files.write_all(sample_root, tmp_path / "one")
    again = colab_files.write_all(sample_root, tmp_path / "two")
    assert [p.read_bytes() for p in written] == [p.read_bytes() for p in again]

    ours = json.loads(written[1].read_text(encoding="utf-8"))
    theirs = json.loads((sample_root / "notebooks" / written[1].name).read_text(encoding="utf-8"))
    assert "cnn50_stored" not in ours["metadata"], "it is no stored notebook"
    both = zip(ours["cells"], theirs["cells"], strict=True)
    different = [k for k, (a, b) in enumerate(both) if a != b and a["cell_type"] == "code"]
    assert len(different) == 1
    setup = "".join(ours["cells"][different[0]]["source"])
    assert '%pip install -q "{wheel}[run]"' in setup

    wheel = re.search(r'WHEEL = """\n(.*?)\n"""', setup, re.S)
    assert wheel
    content = base64.b64decode(wheel[1])
    names = zipfile.ZipFile(io.BytesIO(content)).namelist()
    assert {"cnn50/__init__.py", "cnn50/data/registry.toml"} <= set(names)
    assert not any("tests/" in name or "notebooks/" in name for name in names)


def test_the_wheel_holds_the_package_as_it_stands():
    name, content = colab_files.build_wheel()
    assert re.fullmatch(r"cnn50-[\d.]+-py3-none-any\.whl", name)
    wheel = zipfile.ZipFile(io.BytesIO(content))
    held = {n: wheel.read(n) for n in wheel.namelist() if n.startswith("cnn50/")}
    package = {
        path.relative_to(ROOT).as_posix(): path.read_bytes()
        for path in (ROOT / "cnn50").rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert held == package
    metadata = next(n for n in wheel.namelist() if n.endswith("METADATA"))
    assert "Provides-Extra: run" in wheel.read(metadata).decode()
