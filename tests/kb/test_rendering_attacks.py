# ruff: noqa: E501  vectors stand on one line, as they are published
"""Published ways past filters of HTML, by technique, each against what an article may have."""

from __future__ import annotations

import re
from html.parser import HTMLParser

import pytest

from kb.rendering import for_page, render
from kb.rendering_blocks import CLASSES

TAGS = {"p", "br", "hr", "h2", "h3", "h4", "h5", "h6", "strong", "em", "s", "code", "pre", "blockquote", "a", "img"}
TAGS |= {"ul", "ol", "li", "table", "thead", "tbody", "tr", "th", "td", "div"}
ATTRIBUTES = {
    "a": {"href", "title", "rel"}, "img": {"src", "alt", "title", "srcset", "sizes", "width", "height", "loading"},
    "ol": {"start", "class"}, "div": {"class", "role"}, "th": {"class"}, "td": {"class"}, "p": {"class"},
    **{f"h{level}": {"id"} for level in range(2, 7)},
}  # fmt: skip
PAYLOAD = "alert(1)"

VECTORS = {
    "script": ["<script>alert(1)</script>", "<SCRIPT SRC=//evil.example/x.js></SCRIPT>", "<script/x>alert(1)</script>",
               "<<script>alert(1)//<</script>", "<scr<script>ipt>alert(1)</scr</script>ipt>", "<script\x00>alert(1)</script>",
               "<script\n>alert(1)</script\n>", "<script>alert(1)", "</script><script>alert(1)</script>"],
    "frames and plug-ins": ["<iframe src=javascript:alert(1)>", "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
                            "<frameset><frame src=javascript:alert(1)></frameset>", "<object data=javascript:alert(1)></object>",
                            "<object data='data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=='></object>",
                            "<embed src=//evil.example/x.swf allowscriptaccess=always>", "<applet code=x></applet>",
                            "<portal src=//evil.example></portal>"],
    "event handlers": ["<img src=x onerror=alert(1)>", "<img src=x OnErRoR=alert(1)>", "<img/src=x/onerror=alert(1)>",
                       "<img src=x onerror\n=\nalert(1)>", "<img src=x onerror=`alert(1)`>", "<body onload=alert(1)>",
                       "<svg onload=alert(1)>", "<details open ontoggle=alert(1)>", "<input autofocus onfocus=alert(1)>",
                       "<video><source onerror=alert(1)></video>", "<audio src onloadstart=alert(1)>",
                       "<marquee onstart=alert(1)>", "<select onfocus=alert(1) autofocus>", "<x onpointerover=alert(1)>x</x>",
                       "<div style=animation-name:x onanimationstart=alert(1)>", "<a\x0bonclick=alert(1)>x</a>",
                       "<p oncontentvisibilityautostatechange=alert(1) style=content-visibility:auto>"],
    "svg and math": ["<svg><script>alert(1)</script></svg>", "<svg><a xlink:href=javascript:alert(1)><text>x</text></a></svg>",
                     "<svg><animate attributeName=href values=javascript:alert(1) /></svg>",
                     "<svg><use href='data:image/svg+xml;base64,PHN2Zz4='/></svg>", "<svg><foreignObject><iframe src=x></svg>",
                     "<math><maction actiontype=statusline xlink:href=javascript:alert(1)>x</math>",
                     "<math href=javascript:alert(1)>x</math>", "<svg><set onbegin=alert(1)></svg>"],
    "script addresses in links": ["[x](javascript:alert(1))", "[x](JAVASCRIPT:alert(1))", "[x](javascript&colon;alert(1))",
                                  "[x](java&#10;script:alert(1))", "[x](java&#x09;script:alert(1))", "[x](&#x6A;avascript:alert(1))",
                                  "[x](&#0000106avascript:alert(1))", "[x](\x01javascript:alert(1))", "[x]( javascript:alert(1))",
                                  "[x](<java\tscript:alert(1)>)", "[x](<javascript:alert(1)>)", "[x](javascript://%0aalert(1))",
                                  "[x](j\\avascript:alert(1))", "[x](vbscript:alert(1))", "[x](livescript:alert(1))",
                                  "[x](feed:javascript:alert(1))", "[x](view-source:javascript:alert(1))",
                                  "[x](file:///etc/passwd)", "[x](blob:https://evil.example/1)", "[x](filesystem:x)",
                                  "<javascript:alert(1)>", "<java\nscript:alert(1)>", "[x][r]\n\n[r]: javascript:alert(1)",
                                  "[x][r]\n\n[r]: <java\tscript:alert(1)>", "[javascript:alert(1)](javascript:alert(1))",
                                  "[x](article:javascript:alert(1))", "[x](\u2028javascript:alert(1))", "[x](javascript\u200b:alert(1))",
                                  "<a href=javascript:alert(1)>x</a>", "<a href='java\0script:alert(1)'>x</a>",
                                  "<form action=javascript:alert(1)><button>x</button></form>",
                                  "<button formaction=javascript:alert(1)>x</button>"],
    "data addresses": ["[x](data:text/html,<script>alert(1)</script>)", "[x](data:text/html;base64,PHNjcmlwdD4=)",
                       "[x](DATA:image/svg+xml,<svg/onload=alert(1)>)", "![x](data:image/svg+xml;base64,PHN2Zz4=)",
                       "![x](data:image/png;base64,AAAA)", "![x](data:text/html,alert(1))"],
    "pictures": ["![x](javascript:alert(1))", "![x](//evil.example/x.png)", "![x](https://evil.example/x.png)",
                 "![x](/\\evil.example/x.png)", "![x](picture:javascript:alert(1))",
                 '![" onerror="alert(1)](/x.png)', "![x](/x.png \"' onerror='alert(1)\")", "![x](/x.png?\"onerror=alert(1))",
                 "![x](picture:0123456789abcdef0123456789abcdef-800x600\"onerror=alert(1))",
                 "<img srcset='//evil.example/x 1x'>", "<picture><source srcset=//evil.example/x></picture>"],
    "styles": ["<style>@import'//evil.example/x.css';</style>", "<style>*{background:url(javascript:alert(1))}</style>",
               "<link rel=stylesheet href=//evil.example/x.css>", "<div style='background:url(javascript:alert(1))'>x</div>",
               "<div style=width:expression(alert(1))>x</div>", "<p style=-moz-binding:url(//evil.example)>x</p>",
               "<p style='position:fixed;inset:0'>x</p>", "<div class='callout warning' style=x>x</div>",
               "<table background=javascript:alert(1)><td>x</table>", "|a|\n|:-:|\n|<b style=x>|"],
    "the page's head": ["<base href=//evil.example/>", "<meta http-equiv=refresh content='0;url=javascript:alert(1)'>",
                        "<title><img src=x onerror=alert(1)></title>", "<noscript><p title='</noscript><img src=x onerror=alert(1)>'>"],
    "attributes broken out of": ['[x](/y "a\\" onmouseover=\\"alert(1)")', "[x](/y '\"><script>alert(1)</script>')",
                                 '[x](/y"onmouseover="alert(1))', "[x](</y\" onmouseover=\"alert(1)>)",
                                 '```"><script>alert(1)</script>\nx\n```', '# x {#"onclick="alert(1)}',
                                 "[x](https://a.example/\"onmouseover=alert(1))", "<https://a.example/\"onmouseover=alert(1)>"],
    "tags left open": ["<img src=x onerror=alert(1)", "<a href='javascript:alert(1)", "<div", "<!-- <img src=x onerror=alert(1)>",
                       "`<img src=x onerror=alert(1)>", "```\n<img src=x onerror=alert(1)>", "<![CDATA[<script>alert(1)</script>",
                       "<?php alert(1) ?>", "<!DOCTYPE x [<!ENTITY y 'alert(1)'>]>", "&lt;script&gt;alert(1)&lt;/script&gt;"],
    "mutation": ["<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=x onerror=alert(1)&gt;\">",
                 "<svg></p><style><a id=\"</style><img src=1 onerror=alert(1)>\">",
                 "<noscript><style></noscript><img src=x onerror=alert(1)></style>",
                 "<form><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
                 "<p><svg><title><style></title><img src=x onerror=alert(1)></style></svg>",
                 "<template><script>alert(1)</script></template>", "<listing>&lt;img onerror=\"alert(1)\" src=x&gt;</listing>",
                 "<xmp><img src=x onerror=alert(1)></xmp>", "<plaintext><img src=x onerror=alert(1)>",
                 "<a title='`<!--' href='x'>--!><img src=x onerror=alert(1)>", "<textarea></textarea><img src=x onerror=alert(1)>"],
    "clobbered names": ["# location", "# cookie {#cookie}", "<a id=document name=document>x</a>", "<form name=body><input name=action>",
                        "<img name=getElementById>", "# x {#main}", "# x {#preview}", "[x](#main)", "<a id=__proto__>x</a>"],
    "our own blocks": ["> [!NOTE]<img src=x onerror=alert(1)>\n> x", "> [!TIP]\n> <script>alert(1)</script>",
                       "> [!\"onclick=\"alert(1)]\n> x", "<!-- steps --><script>alert(1)</script>\n1. x",
                       "<!-- steps -->\n1. <img src=x onerror=alert(1)>", "<!-- steps --!><script>alert(1)</script>-->\n1. x",
                       "<div class=\"callout tip\"><script>alert(1)</script></div>", "![x](picture:0123456789abcdef0123456789abcdef-1x1 \"' onload='alert(1)\")"],
}  # fmt: skip


class Seen(HTMLParser):
    """Every tag as a browser would make it, and what of it no article may have."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.bad: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in TAGS:
            self.bad.append(f"<{tag}>")
        for name, value in attrs:
            if name not in ATTRIBUTES.get(tag, set()):
                self.bad.append(f"<{tag} {name}>")
            self._value(tag, name, value or "")

    def _value(self, tag: str, name: str, value: str) -> None:
        address = re.sub(r"[\x00-\x20\u2028\u2029\u200b]", "", value).lower()
        scheme = re.match(r"[a-z][a-z0-9+.-]*:", address)
        if name == "href" and scheme and scheme[0] not in ("http:", "https:", "mailto:", "tel:"):
            self.bad.append(f"href {value!r}")
        if name == "src" and not re.match(r"/(?![/\\])", address):
            self.bad.append(f"src {value!r}")
        if name == "srcset" and not re.fullmatch(r"(/pictures/[0-9a-f]{32}(-half)?\.webp\d+w,?)+", address):
            self.bad.append(f"srcset {value!r}")
        if name == "class" and not set(value.split()) <= CLASSES.get(tag, set()) | {
            "callout-label",
            "heading",
            "anchor",
        }:
            self.bad.append(f"class {value!r}")
        if name == "id" and not value.startswith("sec-"):
            self.bad.append(f"id {value!r}")

    def handle_comment(self, data: str) -> None:
        self.bad.append(f"comment {data!r}")

    def handle_decl(self, decl: str) -> None:
        self.bad.append(f"declaration {decl!r}")

    def handle_pi(self, data: str) -> None:
        self.bad.append(f"instruction {data!r}")


def bad_in(html: str) -> list[str]:
    seen = Seen()
    seen.feed(html)
    seen.close()
    return seen.bad


@pytest.mark.parametrize("technique", VECTORS)
def test_nothing_that_runs_comes_out(technique: str):
    found = {}
    for vector in VECTORS[technique]:
        # By itself, and where the parser is in another state.
        for around in (
            "{}",
            "> {}",
            "- {}",
            "> [!NOTE]\n> {}",
            "| a |\n|---|\n| {} |",
            "text {} text",
            "**{}**",
            "# {}",
        ):
            markdown = around.format(vector)
            if bad := bad_in(render(markdown).html):
                found[markdown] = bad
    assert found == {}


def test_the_eye_sees_what_it_should():
    for bad in ("<script>", "<img src=x onerror=y>", "<a href='java\tscript:x'>", "<p style=x>", "<!-- x -->", "<img src=//x>",
                "<div class=shell>", "<h2 id=main>"):  # fmt: skip
        assert bad_in(bad), bad


def test_what_a_page_adds_opens_nothing():
    markdown = "\n\n".join(vector for vectors in VECTORS.values() for vector in vectors)
    html = for_page(
        render(markdown).html, "en", link_label='"><script>', table_label='"><script>',
        callout_labels=dict.fromkeys(("note", "tip", "warning"), "<script>alert(1)</script>"),
    )  # fmt: skip
    assert "<script" not in html.lower()
    assert "onerror" not in re.sub(r"&lt;[^<]*|\"[^\"]*\"|>[^<]*<", "", html)


def test_ids_of_headings_cannot_meet_the_page_s_own():
    ids = re.findall(r'id="([^"]*)"', render("# main\n\n# x {#preview}\n\n# location {#location}").html)
    assert ids == ["sec-main", "sec-preview", "sec-location"]
