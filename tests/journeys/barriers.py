"""What keeps somebody from using a page, found in a real browser. Each function returns sentences; none means well."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from axe_playwright_python.base import AXE_SCRIPT
from playwright.sync_api import Page

from tests.waiting import until

# axe-core's own rules of every level and its best practices. A reporter of our own tells which texts it has judged, and
# names only what is wrong: the way to an element is long to find.
_AXE = """({ options, isMarked }) => {
    axe.configure({ rules: [{ id: "color-contrast", selector: isMarked ? "[data-paint]" : "*" }] });
    const tell = (rules, _options, done) => {
        const texts = rules.find(({ id }) => id === "color-contrast");
        const judged = texts ? [...texts.violations, ...texts.passes] : [];
        window.__judged = judged.map(({ node }) => node.element);
        done(rules.flatMap((rule) => rule.violations.map(({ node, any, all, none }) =>
            `${rule.id}: ${node.selector.join(" ")}: ` +
            [...any, ...all, ...none].map((check) => check.message).join("; ").slice(0, 300))));
    };
    return axe.run(document, { ...options, reporter: tell });
}"""

# What the width of the window decides, where everything that is shown is shown at another width as well.
LAID_OUT = ("target-size", "scrollable-region-focusable")
CONTRAST = ["color-contrast"]

# How each text is painted: what and where it is, its colour, whether it is large, and everything behind it. Where that
# is the same, contrast is too. What lies outside the flow has other things behind it: it is looked at each time.
_MARK = """(seen) => {
    const known = new Set(seen);
    const isDark = matchMedia("(prefers-color-scheme: dark)").matches;
    const over = (box) => box.parentElement ?? box.getRootNode().host ?? null;
    const kind = (box) => box && `${box.tagName}.${box.getAttribute("class")}`;
    const behind = new Map([[null, ""]]);
    const ground = (box) => {
        if (!behind.has(box)) {
            const { backgroundColor, backgroundImage, opacity, position } = getComputedStyle(box);
            const isClear = backgroundColor === "rgba(0, 0, 0, 0)" && backgroundImage === "none" && opacity === "1";
            const own = isClear ? "" : ` ${backgroundColor} ${backgroundImage} ${opacity}`;
            const before = ground(over(box));
            const isApart = before === null || ["absolute", "fixed"].includes(position);
            behind.set(box, isApart ? null : before + own);
        }
        return behind.get(box);
    };
    const all = (root) => [...root.querySelectorAll("*")].flatMap((box) =>
        box.shadowRoot ? [box, ...all(box.shadowRoot)] : [box]);
    window.__paint = new Map();
    for (const box of all(document.body)) {
        const hasText = [...box.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim());
        if (!hasText && !box.matches("input, select, textarea")) continue;
        if (!box.checkVisibility({ opacityProperty: true, visibilityProperty: true })) continue;
        const { color, fontSize, fontWeight, textShadow } = getComputedStyle(box);
        const isLarge = parseFloat(fontSize) >= (fontWeight >= 700 ? 18.66 : 24);
        const [own, under] = [`${kind(over(box))} ${kind(box)} ${color} ${isLarge} ${textShadow}`, ground(box)];
        const paint = under === null ? null : `${isDark} ${own} on${under}`;
        if (known.has(paint)) continue;
        window.__paint.set(box, paint);
        box.dataset.paint = "";
    }
    return window.__paint.size;
}"""
_UNMARK = """() => {
    for (const box of window.__paint.keys()) box.removeAttribute("data-paint");
    return [...new Set(window.__judged.map((box) => window.__paint.get(box)).filter(Boolean))];
}"""

# What a bar that stays in sight lies over is scrolled clear of it, which focus() sees to; axe takes it for too small.
_LOOSE = """() => {
    const isStuck = (box) => getComputedStyle(box).position === "sticky";
    window.__stuck = [...document.querySelectorAll("body *")].filter(isStuck);
    for (const box of window.__stuck) box.style.position = "static";
}"""
_STUCK = "() => { for (const box of window.__stuck) box.style.position = ''; }"

# WCAG 2.2, 1.4.12. A style sheet made by script, since the content policy lets no style element in.
_SPACED = """() => {
    const sheet = new CSSStyleSheet();
    sheet.replaceSync(`
        * { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important; }
        p { margin-block-end: 2em !important; }`);
    document.adoptedStyleSheets = [sheet];
}"""
_UNSPACED = "() => { document.adoptedStyleSheets = []; }"

# Text that sticks out of a box which does not show what sticks out. Not what is cut by lines on purpose, with "…" at
# the end: the beginning of a text that stands whole behind its link.
_CUT = """() => [...document.querySelectorAll("body *")].filter((box) => {
    const style = getComputedStyle(box);
    if (box.closest(".visually-hidden, svg") || !box.innerText?.trim() || !box.checkVisibility()) return false;
    if (style.webkitLineClamp !== "none") return false;
    const clips = (way) => ["hidden", "clip"].includes(style[`overflow${way}`]);
    const [wide, high] = [box.scrollWidth > box.clientWidth + 1, box.scrollHeight > box.clientHeight + 1];
    return (clips("X") && wide) || (clips("Y") && high);
}).map((box) => `${box.tagName.toLowerCase()}.${box.className}: “${box.innerText.trim().slice(0, 60)}”`)"""

# A control whose edge is only a colour is no control where the system chooses the colours.
_EDGELESS = """() => [
    ...document.querySelectorAll(".btn, input:not([type=hidden], [type=radio], [type=checkbox]), select, textarea"),
].filter((control) => {
    if (!control.checkVisibility() || control.closest(".visually-hidden")) return false;
    const style = getComputedStyle(control);
    return style.borderStyle === "none" || parseFloat(style.borderWidth) < 1;
}).map((control) => `${control.tagName.toLowerCase()}.${control.className} ${control.name}`)"""

_WIDER = "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"

# Tab goes on from where the reader was last; the body is before everything.
_FROM_THE_TOP = """() => {
    document.body.tabIndex = -1;
    document.body.focus();
    document.body.removeAttribute("tabindex");
    scrollTo(0, 0);
}"""

# Everything that Tab should reach: one of a group of radio buttons, no script-only stops, nothing hidden.
_STOPS = """() => {
    const groups = new Set();
    return [...document.querySelectorAll(
            "a[href], button, input, select, textarea, summary, iframe, [tabindex], [contenteditable=true]")]
        .filter((element) => {
            if (element.parentElement.closest("[contenteditable=true]")) return false; // text, where one writes
            if (element.tabIndex < 0 || element.disabled || element.type === "hidden") return false;
            if (!element.checkVisibility({ visibilityProperty: true })) return false;
            if (element.type !== "radio") return true;
            const isFirst = !groups.has(element.name);
            groups.add(element.name);
            return isFirst;
        });
}"""
_HOW_MANY = f"() => ({_STOPS})().length"
_LEFT_OUT = f"""() => ({_STOPS})().filter((element) => !window.__stops.has(element) && element.type !== "radio")
    .map((element) => element.outerHTML.slice(0, 120))"""

# The focused element: what it is, whether its focus can be seen, and whether something lies over it.
_FOCUSED = """() => {
    // What stands in a part of its own (the widget) is looked at there.
    let [element, root] = [document.activeElement, document];
    while (element?.shadowRoot) [element, root] = [element.shadowRoot.activeElement, element.shadowRoot];
    if (!element || element === document.body || element === document.documentElement) return null;
    const hasRing = (box) => {
        const style = getComputedStyle(box);
        return style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
    };
    // A card whose link fills it wears the ring in the link's place.
    let ring = element;
    while (ring && !hasRing(ring)) ring = ring.parentElement?.matches(":focus-within") ? ring.parentElement : null;
    // Some of it in sight is enough: a tall field may stand partly under what sticks to the window's end.
    const box = element.getClientRects()[0];
    const label = element.closest("label") ?? element.labels?.[0];
    const isIts = (other) => !!other && (element.contains(other) || other.contains(element) || other === label);
    const over = [0.02, 0.5, 0.98].flatMap((down) => [0.02, 0.5, 0.98].map((across) =>
        root.elementFromPoint(box.x + box.width * across, box.y + box.height * down)));
    const isSeen = over.some(isIts);
    const by = over[4] ? over[4].outerHTML.slice(0, 80) : `nothing, at ${Math.round(box.y)} of ${innerHeight} px`;
    const name = (element.innerText || element.name || element.id || "").trim().replace(/\\s+/g, " ").slice(0, 50);
    const number = (window.__stops ??= new Map()).get(element) ?? window.__stops.size;
    window.__stops.set(element, number);
    return { what: `${element.tagName.toLowerCase()} “${name}”`, number, hasRing: !!ring, isSeen, by };
}"""


_DRAWN = "() => new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)))"
_QUIET = "() => !document.querySelector('.htmx-request, .htmx-swapping, .htmx-settling')"


def settled(page: Page) -> None:
    """Wait until the parts of the page that are asked for after it have come: they push what is below them."""
    until(lambda: page.evaluate(_QUIET), "every part of the page has come")


def axe(page: Page, *, contrast: bool = True, only: Sequence[str] = (), seen: set[str] | None = None) -> list[str]:
    """What axe-core finds, by all its rules, all but `contrast`, or `only` some. Evaluated from outside the page, which
    keeps its content policy.

    Over many pages, the contrast of a text is judged once: `seen` holds how those were painted that axe has judged.
    """
    if not page.evaluate("() => typeof axe === 'object'"):
        page.evaluate(AXE_SCRIPT)
    options: dict[str, Any] = {}
    if only:
        options["runOnly"] = list(only)
    else:  # target sizes (WCAG 2.2 AA) must be asked for
        options["rules"] = {"target-size": {"enabled": True}, "color-contrast": {"enabled": contrast}}
    if seen is None:
        return _run_axe(page, options, is_marked=False)
    if not page.evaluate(_MARK, list(seen)) and list(only) == CONTRAST:
        return []
    found = _run_axe(page, options, is_marked=True)
    seen.update(page.evaluate(_UNMARK))
    return found


def _run_axe(page: Page, options: dict[str, Any], *, is_marked: bool) -> list[str]:
    page.evaluate(_LOOSE)
    found: list[str] = page.evaluate(_AXE, {"options": options, "isMarked": is_marked})
    page.evaluate(_STUCK)
    return [f"axe: {sentence}" for sentence in found]


def sideways(page: Page) -> list[str]:
    """Whether the page is wider than its window (WCAG 1.4.10, reflow)."""
    wider: int = page.evaluate(_WIDER)
    return [f"the page scrolls sideways by {wider} px"] if wider > 0 else []


def cut_by_text_spacing(page: Page) -> list[str]:
    """What is cut off, or pushed sideways, when a reader spaces the text as WCAG 1.4.12 lets them."""
    page.evaluate(_SPACED)
    cut: list[str] = page.evaluate(_CUT)
    wide = sideways(page)
    page.evaluate(_UNSPACED)
    return [f"with spaced text: {sentence}" for sentence in [*(f"cut off: {text}" for text in cut), *wide]]


def without_an_edge(page: Page) -> list[str]:
    """Controls that cannot be told from text where the reader's system sets the colours (Windows' contrast themes)."""
    page.emulate_media(forced_colors="active")
    found: list[str] = page.evaluate(_EDGELESS)
    page.emulate_media(forced_colors="none")
    return [f"with forced colours no edge: {control}" for control in found]


def _arrived(page: Page) -> dict[str, Any] | None:
    """What has the focus once it has arrived: a frame with a process of its own gets it a while after the key."""
    for _ in range(60):
        page.evaluate(_DRAWN)
        stop: dict[str, Any] | None = page.evaluate(_FOCUSED)
        if stop is not None:
            return stop
    return None


def focus(page: Page) -> list[str]:
    """Tab through the page: every stop is reached, its focus can be seen (2.4.7), nothing covers it (2.4.11)."""
    page.evaluate(_FROM_THE_TOP)
    expected: int = page.evaluate(_HOW_MANY)
    found: list[str] = []
    seen: set[int] = set()
    last = -1
    for _ in range(expected + 20):
        page.keyboard.press("Tab")
        stop: dict[str, Any] | None = page.evaluate(_FOCUSED)
        if stop is None and len(seen) < expected:
            stop = _arrived(page)
        if stop is None:
            break
        if not stop["isSeen"]:  # a window scrolls with its next picture
            page.evaluate(_DRAWN)
            stop = page.evaluate(_FOCUSED) or stop
        if stop["number"] == last:  # the next part of a date
            continue
        if stop["number"] in seen:
            break
        last = stop["number"]
        seen.add(stop["number"])
        if not stop["hasRing"]:
            found.append(f"the focus on {stop['what']} cannot be seen")
        if not stop["isSeen"]:
            found.append(f"{stop['what']} is covered while it has the focus, by {stop['by']}")
    if len(seen) < expected:
        left_out = ", ".join(page.evaluate(_LEFT_OUT))
        found.append(f"Tab reaches {len(seen)} of {expected} stops, not {left_out}")
    return found
