"""A text that is opened in the visual view and not changed stays as it is, byte by byte; of one that is changed, only
the changed block differs. In a real browser, with the very script that the editor's page loads.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

DATA = Path(os.environ.get("PREEMPT_DATA", settings.BASE_DIR.parent / "shared" / "data"))
CENTRES = ("help_gumroad", "help_dnsimple")
SCRIPTS = ("vendor/prosemirror-1.42.9.min.js", "js/editor-schema.js", "js/editor-markdown.js", "js/editor-commands.js")

NASTY = {
    "nothing": "",
    "white space": " \n\t\n \n",
    "no final newline": "one\n\ntwo",
    "many blank lines": "\n\n\none\n\n\n\n\ntwo\n\n\n",
    "blank lines with spaces in them": "one\n  \n\t\ntwo\n   \n",
    "hard breaks": "one  \ntwo\\\nthree   \n\nfour\\",
    "trailing white space": "one   \ntwo\t\n\n- three  \n",
    "carriage returns": "one\r\n\r\n- two\r\n- three\r\n\r\n```\r\ncode\r\n```\r\n",
    "line ends of three kinds": "one\r\n\r\ntwo\n\nthree\r\rfour",
    "nested lists": "- a\n    - b\n        1. c\n\n        still c\n- d\n+ e\n\n\n+ f\n1) g\n2) h\n\n3. i\n",
    "a list right after a paragraph": "one\n- two\n- three\nfour lazily\n# five\nsix\n",
    "a loose list with code": "1. one\n\n   ```sh\n   run  \n\n   ```\n\n2. two\n\n       indented\n",
    "an empty item": "-\n- one\n-\n",
    "html blocks": "<div align=center>\n\n*one*\n\n</div>\n<!-- a\n\ncomment -->\n<script>\nx\n\n</script>\n\n<hr/>",
    "html in a line": "one <b>two</b> <br> three &amp; &nbsp; &#x1F600; <span\nclass=x>four</span>",
    "reference links": "[a][1], [b], [c][] and ![d][1]\n\n[1]: /x 'title'\n[b]: <y z>\n[c]:\n  /w\n"
    "six\n\n[unused]: /v\n",
    "a definition in a quotation": "> [a]: /x\n> [a]\n",
    "footnotes": "one[^1]\n\n[^1]: The note.\n    And on.\n\n[^2]: word\n",
    "tables": "|a|b|\n|-|:-:|\n|1|x \\| y|\n|only one|\n|1|2|3|\n\nc | d\n--|--:\n`e|f` | **g**\n",
    "headings of every kind": "One\n===\nTwo\n---\n#   Three   ##\n####### seven\n#no\n## {#x}\n##\n",
    "rules": "***\n* * *\n___\n- - -\n",
    "fences": "~~~ js {1}\none\n~~~\n````\n```\n````\n   ```\n  two\n   ```\n",
    "an open fence": "one\n\n```\ntwo\n\n\n",
    "indented code": "    one\n\n\n\ttwo\n\nthree\n",
    "front matter": "---\ntitle: x\n---\n\none\n",
    "quotations": "> one\ntwo\n>three\n> > four\n>\n\n> five\n",
    "call-outs": "> [!NOTE]\n> one\n\n> [!tip]\n>\n> - two\n\n> [!WARNING] no\n\n> [!CAUTION]\n\n>[!IMPORTANT]\nlazy",
    "steps": "<!-- steps -->\n1. one\n2. two\n\n<!-- steps -->\n\n3) three\n\n<!-- steps -->\n\nfour\n"
    "- x\n  <!-- steps -->\n  1. y\n",
    "facts and blocks": "In {{fact:return-window}} days, {{ fact:no }}.\n\n"
    "{{block:shipping-times}}\n\n`{{fact:code}}`\n",
    "pictures": "![a *b*](picture:0123456789abcdef0123456789abcdef-800x600 't') ![](/x.png)\n"
    "![far](https://example.com/x.png)",
    "emphasis": "*a*_b_ **c**__d__ ***e*** *f**g**h* snake_case_word 2*3*4 ~~i~~ ~j~ `` ` `` ** k**",
    "escapes": "\\* \\# 1\\. \\[x\\] \\\\ \\a &copy; &bogus; <http://a.example> <a@b.example> http://c.example",
    "emoji and signs": "😀 ❤️‍🔥 👩🏽‍💻 e\u0301 \ufb01 “q” – … \u00a0\u200b\u2028\ufeff.",
    "a byte order mark": "\ufeff# One\n\ntwo\n",
    "right to left": "## مرحبا\n\nنص **عريض** و [رابط](article:x)\n\n- שלום\n- \u200fעולם\u200e abc\n",
    "tabs": "-\tone\n\n\ttwo\n1.\tthree\n>\tfour\n",
    "a word that looks like a list": "1986\\. A year\n\n\\- no\n\n+1 yes\n",
}

OPENED = """(texts) => texts.map((text) => {
    const { markdown, schema, plugins, withRoomBehind } = PreemptEditor;
    const opened = markdown.open(text);
    const { EditorState, EditorView } = ProseMirror;
    const state = EditorState.create({ doc: withRoomBehind(opened.doc), plugins: plugins({}) });
    const view = new EditorView(document.createElement("div"), { state });
    const back = markdown.text(view.state.doc, opened);
    view.destroy();
    return back;
})"""

# Words put at the end of every nth paragraph and heading, one at a time: [what stands before, what behind] must stay.
CHANGED = """([texts, step]) => {
    const { markdown, schema } = PreemptEditor;
    const wrong = [];
    let tried = 0;
    texts.forEach((text, number) => {
        const opened = markdown.open(text);
        opened.doc.forEach((node, _offset, index) => {
            if (!["paragraph", "heading"].includes(node.type.name) || (number + index) % step) return;
            if (!opened.originals.length) return; // nothing is written yet
            tried += 1;
            const more = node.copy(node.content.append(ProseMirror.Fragment.from(schema.text(" and *so* <on>"))));
            const got = markdown.text(opened.doc.copy(opened.doc.content.replaceChild(index, more)), opened);
            const parts = opened.originals.map(({ source, gap }) => [source, gap]);
            const before = opened.head + parts.slice(0, index).flat().join("");
            const behind = (parts[index]?.[1] ?? "") + parts.slice(index + 1).flat().join("");
            const mine = got.slice(before.length, got.length - behind.length);
            const again = markdown.open(mine).doc;
            const isRight = got.startsWith(before) && got.endsWith(behind)
                && again.childCount === 1 && again.textContent.trim() === more.textContent.trim();
            if (!isRight) wrong.push([text.slice(0, 80), parts[index][0], mine]);
        });
    });
    return { tried, wrong };
}"""


@pytest.fixture
def page(chromium: Browser) -> Iterator[Page]:
    context = chromium.new_context()
    page = context.new_page()
    page.goto("about:blank")
    for script in SCRIPTS:
        page.add_script_tag(path=settings.BASE_DIR / "static" / script)
    yield page
    context.close()


def articles(centre: str) -> list[str]:
    file = DATA / centre / "articles.jsonl"
    if not file.exists():
        pytest.skip(f"no articles in {file}; set PREEMPT_DATA to the folder that holds {centre}")
    return [json.loads(line)["body"] for line in file.read_text().splitlines()]


def test_nasty_markdown_comes_back_byte_by_byte(page: Page):
    got = dict(zip(NASTY, page.evaluate(OPENED, list(NASTY.values())), strict=True))
    assert got == NASTY


def test_of_nasty_markdown_only_the_changed_paragraph_differs(page: Page):
    found = page.evaluate(CHANGED, [list(NASTY.values()), 1])
    assert found["tried"] > 40
    assert found["wrong"] == []


@pytest.mark.parametrize("centre", CENTRES)
def test_real_articles_come_back_byte_by_byte(page: Page, centre: str):
    texts = articles(centre)
    assert len(texts) > 100
    got = page.evaluate(OPENED, texts)
    assert [was for was, back in zip(texts, got, strict=True) if was != back] == []


@pytest.mark.parametrize("centre", CENTRES)
def test_of_real_articles_only_the_changed_paragraph_differs(page: Page, centre: str):
    found = page.evaluate(CHANGED, [articles(centre), 7])
    assert found["tried"] > 200
    assert found["wrong"] == []


@pytest.mark.parametrize("centre", CENTRES)
def test_every_block_of_real_articles_written_anew_reads_the_same(page: Page, centre: str):
    lost = page.evaluate(
        """(texts) => texts.flatMap((text) => {
            const { markdown } = PreemptEditor;
            const words = (node) => node.textContent.replace(/\\s+/g, "");
            const opened = markdown.open(text);
            return opened.originals.filter(({ node }) => node.type.name !== "raw_block").flatMap(({ node, source }) => {
                const written = markdown.write(node, opened);
                const { doc } = markdown.open(written);
                return doc.childCount === 1 && doc.firstChild.type === node.type && words(doc) === words(node)
                    ? [] : [[source, written]];
            });
        })""",
        articles(centre)[::3],
    )
    assert lost == []


def test_blocks_that_would_run_together_are_kept_apart(page: Page):
    got = page.evaluate(
        """() => {
            const { markdown, schema } = PreemptEditor;
            const { list_item: item, bullet_list: list, paragraph, code_block: code } = schema.nodes;
            const says = (text) => paragraph.create(null, schema.text(text));
            const opened = markdown.open("- one\\n\\n```\\nopen");
            const more = [list.create(null, item.create(null, says("two"))), says("1. three"),
                code.create(null, schema.text("```"))];
            const [first, fence] = opened.doc.content.content;
            const doc = schema.node("doc", null, [first, ...more.slice(0, 2), fence, says("four"), more[2]]);
            return markdown.text(doc, opened);
        }"""
    )
    assert got == "- one\n\n* two\n\n1\\. three\n\n```\nopen\n```\n\nfour\n\n````\n```\n````"
