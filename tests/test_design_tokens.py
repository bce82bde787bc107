"""What the style sheets and templates promise: readable colours in both schemes, few bytes, nothing inline."""

from __future__ import annotations

import gzip
import hashlib
import re

import pytest
from django.conf import settings
from django.template.loader import get_template

CSS = settings.BASE_DIR / "static" / "css"
TEMPLATES = settings.BASE_DIR / "templates"
SHEETS = sorted(CSS.glob("*.css"))
PAGES = sorted(path for path in TEMPLATES.rglob("*.html") if "emails" not in path.parts)

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


def contrast(first: str, second: str) -> float:
    """The contrast ratio of two #rrggbb colours, 1 to 21 (WCAG 2.2, relative luminance)."""

    def luminance(colour: str) -> float:
        parts = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
        red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
        return 0.2126 * red + 0.7152 * green + 0.0722 * blue

    light, dark = sorted((luminance(first), luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def without_comments(css: str) -> str:
    return re.sub(r"/\*.*?\*/", "", css, flags=re.S)


def test_contrast_agrees_with_published_values():
    assert contrast("#000000", "#ffffff") == pytest.approx(21)
    assert contrast("#767676", "#ffffff") == pytest.approx(4.54, abs=0.005)


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
    defined = {name for path in SHEETS for name in re.findall(r"--([\w-]+):", path.read_text())}
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
    # As served: each file compressed by itself.
    sizes = {name: len(gzip.compress((CSS / name).read_bytes(), 9)) for name in ("tokens.css", "base.css", "help.css")}
    assert sum(sizes.values()) < 9000, sizes


def test_there_are_pages_to_check():
    assert len(PAGES) > 30


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(TEMPLATES)))
def test_page_compiles_and_holds_nothing_inline(page):
    get_template(str(page.relative_to(TEMPLATES)))
    markup = page.read_text()
    assert not re.findall(r"\sstyle=|<style|javascript:|\son\w+=|hx-on", markup)
    assert all("src=" in tag for tag in re.findall(r"<script[^>]*>", markup))
    # Nothing from elsewhere, not even a font.
    assert not re.findall(r"(?:src|href)=[\"'](?:https?:)?//", markup)


def test_every_icon_asked_for_is_drawn():
    drawn = set(re.findall(r'<symbol id="(\w+)"', (settings.BASE_DIR / "static/img/icons.svg").read_text()))
    asked = {
        name
        for page in PAGES
        for call in re.findall(r'_partials/icon\.html" with ([^%]*)%', page.read_text())
        for name in re.findall(r'(?:name=|default:)"(\w+)"', call)
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
