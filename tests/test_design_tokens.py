"""What the style sheets and templates promise: readable colours in both schemes, few bytes, nothing inline."""

from __future__ import annotations

import gzip
import hashlib
import re

import pytest
from django.conf import settings
from django.template.loader import get_template

from config import static_files
from core import brand_colours
from core.brand_look import DEFAULT_ACCENT, Look, Mark
from core.contrast import ratio as contrast

CSS = settings.BASE_DIR / "static" / "css"
TEMPLATES = settings.BASE_DIR / "templates"
SHEETS = sorted(CSS.glob("*.css"))
PAGES = sorted(path for path in TEMPLATES.rglob("*.html") if "emails" not in path.parts)

PAINT = re.compile(r"\s*(#|rgb\(|0 \d+px)")  # a colour or a shadow
HEX = re.compile(r"#[0-9a-f]{6}")
LIGHT = ":root {"
DARK_BY_SYSTEM = ':root:not([data-theme="light"]) {'
DARK_BY_CHOICE = '[data-theme="dark"] {'

# What is written on what. WCAG 2.2 AA: 4.5 for text, 3 for what only has to be seen (borders, focus rings).
TEXT_PAIRS = [
    *(
        (text, ground)
        for text in ("text", "muted", "accent", "accent-strong")
        for ground in ("page", "surface", "sunken")
    ),
    *(("text", ground) for ground in ("soft", "mark", "info-bg", "success-bg", "warning-bg", "danger-bg")),
    *((tone, f"{tone}-bg") for tone in ("info", "success", "warning", "danger")),
    *((tone, "surface") for tone in ("info", "success", "warning", "danger")),
    ("danger", "page"),
    ("on-accent", "accent"),
    ("on-accent", "accent-strong"),
    ("on-soft", "soft"),
    ("on-hero", "hero"),
    ("on-hero-muted", "hero"),
]
SEEN_PAIRS = [
    *(("focus", ground) for ground in ("page", "surface", "sunken", "soft")),
    ("on-hero-focus", "hero"),
    ("field-line", "page"),
    ("field-line", "surface"),
    *((tone, "surface") for tone in ("accent", "success", "warning", "danger")),
]


def block(opening: str) -> dict[str, str]:
    """The custom properties of the block that opens with `opening`."""
    css = (CSS / "tokens.css").read_text()
    start = css.index(opening) + len(opening)
    return dict(re.findall(r"--([\w-]+):\s*([^;]+);", css[start : css.index("}", start)]))


def scheme(name: str) -> dict[str, str]:
    return block(LIGHT) if name == "light" else block(LIGHT) | block(DARK_BY_CHOICE)


def without_comments(css: str) -> str:
    return re.sub(r"/\*.*?\*/", "", css, flags=re.S)


def test_the_default_colours_are_what_a_brand_of_them_would_get():
    said, made = scheme("light"), brand_colours.derive(DEFAULT_ACCENT, block(LIGHT)["hero"])
    assert {name: said[name] for name in made.light} == made.light
    said = scheme("dark")
    assert {name: said[name] for name in made.dark} == made.dark


@pytest.mark.parametrize("file", [*SHEETS, TEMPLATES / "widget" / "widget.js"], ids=lambda file: file.name)
def test_the_dark_changes_colours_and_nothing_that_stands_or_moves(file):
    """So that a journey through one scheme on a phone and the other on a desktop has seen both in both."""
    css = without_comments(file.read_text())
    dark = re.findall(r"@media[^{]*prefers-color-scheme[^{]*\{[^{]*\{([^}]*)\}\s*\}", css)
    dark += re.findall(r"\[data-theme=[^{]*\{([^}]*)\}", css)
    asked = css.count("prefers-color-scheme") + len(re.findall(r"^\s*\[data-theme", css, re.M))
    assert len(dark) >= asked, "a rule for one scheme that this test cannot read"
    for declaration in ";".join(dark).split(";"):
        name, _, value = declaration.strip().partition(":")
        assert not name or name == "color-scheme" or (name.startswith("--") and PAINT.match(value)), declaration


@pytest.mark.parametrize("name", ["light", "dark"])
def test_text_can_be_read(name: str):
    colours = scheme(name)
    poor = {pair: ratio for pair in TEXT_PAIRS if (ratio := contrast(colours[pair[0]], colours[pair[1]])) < 4.5}
    assert not poor


@pytest.mark.parametrize("name", ["light", "dark"])
def test_borders_and_focus_rings_can_be_seen(name: str):
    colours = scheme(name)
    poor = {pair: ratio for pair in SEEN_PAIRS if (ratio := contrast(colours[pair[0]], colours[pair[1]])) < 3}
    assert not poor


def test_dark_is_the_same_whether_the_system_or_the_reader_asks():
    assert block(DARK_BY_SYSTEM) == block(DARK_BY_CHOICE)


def test_dark_sets_every_opaque_colour():
    # What lies on the green band is the same in both schemes.
    stays = {"on-hero-focus"}
    opaque = {token for token, value in block(LIGHT).items() if HEX.fullmatch(value)}
    assert opaque - stays == {token for token, value in block(DARK_BY_CHOICE).items() if HEX.fullmatch(value)}


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_every_token_used_exists(sheet):
    logo = Mark("0" * 64, 400, 80, 0.1, 0.9, has_own_ground=False, has_icon=False)
    branded = Look(1, "Shop", "Shop", "#5b53e6", "#ffd84d", logo=logo).css
    texts = [*(path.read_text() for path in SHEETS), branded]
    defined = {name for text in texts for name in re.findall(r"--([\w-]+):", text)}
    assert set(re.findall(r"var\(--([\w-]+)", sheet.read_text())) <= defined


@pytest.mark.parametrize("sheet", [path for path in SHEETS if path.name != "tokens.css"], ids=lambda path: path.name)
def test_colour_values_stand_in_tokens_only(sheet):
    assert not re.findall(r"#[0-9a-fA-F]{3,8}\b|rgba?\(|hsla?\(", without_comments(sheet.read_text()))


@pytest.mark.parametrize("sheet", SHEETS, ids=lambda path: path.name)
def test_only_logical_properties(sheet):
    physical = (
        r"(?:^|[{;\s])((?:(?:margin|padding|border)-)?(?:left|right|top|bottom)[\w-]*|(?:(?:min|max)-)?(?:width|height)"
        r"|float)\s*:|text-align:\s*(?:left|right)"
    )
    assert not re.findall(physical, without_comments(sheet.read_text()))


def test_help_pages_load_less_than_9_kb_of_style():
    # As served: without comments, each file compressed by itself; with the sheet of a shop that has colours and logos.
    sheets = {name: static_files.squeezed((CSS / name).read_text()) for name in ("tokens.css", "base.css", "help.css")}
    logo = Mark("0" * 64, 400, 80, 0.1, 0.9, has_own_ground=False, has_icon=False)
    look = Look(1, "Shop", "Shop", "#5b53e6", "#ffd84d", logo=logo, logo_dark=logo, is_own=True)
    sizes = {name: len(gzip.compress(css.encode(), 9)) for name, css in {**sheets, "brand": look.css}.items()}
    assert sum(sizes.values()) < 9000, sizes


def test_there_are_pages_to_check():
    assert len(PAGES) > 30


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_page_compiles_and_holds_nothing_inline(page):
    get_template(str(page.relative_to(TEMPLATES)))
    markup = page.read_text()
    assert not re.findall(r"\sstyle=|<style|javascript:|\son\w+=|hx-on", markup)
    # But for data that no browser runs.
    assert all("src=" in tag or 'type="application/ld+json"' in tag for tag in re.findall(r"<script[^>]*>", markup))
    # Nothing from elsewhere, not even a font.
    assert not re.findall(r"(?:src|href)=[\"'](?:https?:)?//", markup)


def test_every_icon_asked_for_is_drawn():
    drawn = set(re.findall(r'<symbol id="(\w+)"', (settings.BASE_DIR / "static/img/icons.svg").read_text()))
    asked = {
        name
        for page in PAGES
        for call in re.findall(r"\{% icon ([^%]*)%", page.read_text())
        for name in re.findall(r'"(\w+)"', call)
    }
    assert asked
    assert asked <= drawn


def test_vendored_files_are_the_ones_recorded():
    vendor = settings.BASE_DIR / "static" / "vendor"
    rows = re.findall(r"^\| (\S+\.js) \|.*\| ([0-9a-f]{64}) \|$", (vendor / "README.md").read_text(), flags=re.M)
    assert {name for name, _ in rows} == {path.name for path in vendor.glob("*.js")}
    for name, digest in rows:
        assert hashlib.sha256((vendor / name).read_bytes()).hexdigest() == digest


def test_htmx_is_told_to_keep_the_content_policy():
    config = re.search(r"htmx-config\" content='([^']+)'", (TEMPLATES / "_partials/htmx.html").read_text())
    assert config
    assert '"allowEval": false' in config[1]
    assert '"includeIndicatorStyles": false' in config[1]


def test_scripts_of_ours_travel_without_the_lines_that_are_for_us():
    script = "// What it is for.\n\nconst a = 1; // stays\n  // why\n  go('//host');\n"
    assert static_files.without_comments(script) == "const a = 1; // stays\n  go('//host');\n"
