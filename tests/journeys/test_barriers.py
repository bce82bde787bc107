"""Each kind of barrier is found where it stands, so that an empty list means something."""

from __future__ import annotations

import pytest

from tests.journeys import barriers

pytestmark = pytest.mark.browser

GOOD = """<!doctype html>
<html lang="en"><title>A page</title><style>
    body { margin: 0; color: #000; background: #fff } :focus-visible { outline: 3px solid blue }
    a, button { display: inline-block; min-height: 44px; min-width: 44px }
    .btn { border: 1px solid }
</style>
<body><main><h1>Heading</h1><p>Text</p><a href="#x">Link</a> <button class="btn">Button</button></main></html>"""


@pytest.fixture
def page(chromium):
    page = chromium.new_page(viewport={"width": 320, "height": 256})
    yield page
    page.close()


def found(page, change: str = "", *, style: str = "") -> list[str]:
    page.set_content(GOOD.replace("</main>", f"{change}</main>").replace("</style>", f"{style}</style>"))
    looks = (barriers.sideways, barriers.cut_by_text_spacing, barriers.without_an_edge, barriers.focus)
    return barriers.axe(page) + [sentence for look in looks for sentence in look(page)]


def test_a_good_page_has_none(page):
    assert found(page) == []


@pytest.mark.parametrize(
    ("change", "style", "said"),
    [
        ("<img src='data:,'>", "", "axe: image-alt"),
        ("<p class='pale'>Pale</p>", ".pale { color: #aaa }", "axe: color-contrast"),
        (
            "<a class='tiny' href='#1'>1</a><a class='tiny' href='#2'>2</a>",
            ".tiny { min-height: 0; min-width: 0; display: inline-block; width: 9px; height: 12px; line-height: 12px }",
            "axe: target-size",
        ),
        ("<p class='wide'>Wide</p>", ".wide { width: 400px }", "scrolls sideways by 80 px"),
        ("<p class='cut'>Text that just fits in</p>", ".cut { overflow: hidden; height: 1.2em }", "cut off: p.cut"),
        ("", ".btn { border: 0; background: #ddd }", "no edge: button.btn"),
        ("", ".btn:focus-visible { outline: 0 }", "the focus on button “Button” cannot be seen"),
        ("<div class='over'></div>", ".over { position: fixed; inset: 0; background: #fff }", "is covered while"),
        ("<a href='#3' id='3' onfocus='this.blur()'>Trap</a><a href='#4'>After</a>", "", "Tab reaches 2 of 4 stops"),
    ],
)
def test_each_barrier_is_found(page, change, style, said):
    sentences = found(page, change, style=style)
    assert any(said in sentence for sentence in sentences), sentences


def shown(page, texts: str, style: str) -> None:
    page.set_content(GOOD.replace("</main>", f"{texts}</main>").replace("</style>", f"{style}</style>"))


def kinds(sentences) -> list[str]:
    return [sentence.split(":")[1].strip() for sentence in sentences]


def test_the_contrast_of_a_text_is_judged_once_and_again_where_it_is_painted_otherwise(page):
    changed = """.hue { color: #000 } .bar { background: #fff } .wide { display: none }
        @media (min-width: 600px) { .hue { color: #aaa } .bar { background: #222 } .wide { display: block } }"""
    texts = "<p class='hue'>Hue</p><div class='bar'><p>Ground</p></div><p class='wide'>Wide</p><input class='hue'>"
    seen: set[str] = set()
    shown(page, texts, changed)
    assert barriers.axe(page, only=barriers.CONTRAST, seen=seen) == []
    known = len(seen)
    shown(page, texts * 3, changed)
    assert barriers.axe(page, only=barriers.CONTRAST, seen=seen) == []
    assert len(seen) == known
    page.set_viewport_size({"width": 900, "height": 600})
    pale = barriers.axe(page, only=barriers.CONTRAST, seen=seen)
    assert kinds(pale) == ["color-contrast"] * 9, pale
    assert len(seen) == known + 4  # the hue, the bar's, the wide one, the input


@pytest.mark.parametrize(
    "style",
    [
        ".text { color: #aaa }",
        ".box { background: #222 }",
        ".box { opacity: 0.3 }",
        "@media (prefers-color-scheme: dark) { :root { color-scheme: dark } body { background: none } }",
        ".ground { background: #222; height: 99px } .box { position: absolute; margin-block-start: -80px }",
    ],
)
def test_a_pale_text_is_found_after_pages_where_the_same_was_well(page, style):
    texts = "<div class='ground'></div><div class='box'><p class='text'>Text</p></div>"
    seen: set[str] = set()
    for _ in range(2):
        shown(page, texts, "")
        assert barriers.axe(page, seen=seen) == []
    page.emulate_media(color_scheme="dark" if "dark" in style else "light")
    shown(page, texts, style)
    assert "color-contrast" in kinds(barriers.axe(page, seen=seen))


def test_a_text_that_axe_could_not_judge_is_looked_at_on_the_next_page(page):
    style = "button { color: #aaa; background: #fff }"
    seen: set[str] = set()
    shown(page, "<button disabled>Text</button>", style.replace("button", "button:disabled"))
    assert barriers.axe(page, only=barriers.CONTRAST, seen=seen) == []
    known = set(seen)
    shown(page, "<button>Text</button>", style)
    assert "color-contrast" in kinds(barriers.axe(page, only=barriers.CONTRAST, seen=seen))
    assert seen > known


def test_a_text_in_a_part_of_its_own_is_judged_too(page):
    shown(page, "<div id='host'></div>", "")
    page.evaluate("""() => {
        const part = document.querySelector("#host").attachShadow({ mode: "open" });
        part.innerHTML = "<style>p { color: #aaa }</style><p>Pale</p>";
    }""")
    assert kinds(barriers.axe(page, only=barriers.CONTRAST, seen=set())) == ["color-contrast"]


def test_the_rules_of_the_layout_alone_find_what_is_too_small_and_nothing_else(page):
    tiny = "min-height: 0; min-width: 0; width: 9px; height: 12px; line-height: 12px; color: #aaa"
    links = "<a class='tiny' href='#1'>1</a><a class='tiny' href='#2'>2</a>"
    page.set_content(GOOD.replace("</main>", f"{links}</main>").replace("</style>", f".tiny {{ {tiny} }}</style>"))
    assert set(kinds(barriers.axe(page, only=barriers.LAID_OUT))) == {"target-size"}
