"""Call-outs, steps, pictures and columns: what our Markdown has beyond CommonMark."""

from __future__ import annotations

import pytest

from kb.rendering import for_page, localise, render

DIGEST = "0123456789abcdef0123456789abcdef"
LABELS = {"note": "Note", "tip": "Tip", "warning": "Warning"}


def shown(markdown: str) -> str:
    html = render(markdown).html
    return for_page(html, "en", link_label="Link", table_label="Table", callout_labels=LABELS)


@pytest.mark.parametrize(
    ("word", "kind"),
    [("NOTE", "note"), ("note", "note"), ("IMPORTANT", "note"), ("TIP", "tip"), ("WARNING", "warning"),
     ("CAUTION", "warning")],
)  # fmt: skip
def test_a_quotation_that_begins_with_a_word_is_a_callout(word, kind):
    rendered = render(f"> [!{word}]\n> Mind the *step*.\n>\n> - one")
    assert rendered.html.startswith(f'<div class="callout {kind}">\n<p>Mind the <em>step</em>.</p>\n<ul>')
    assert rendered.html.endswith("</div>")
    assert rendered.text == "Mind the step.\none"  # search reads no label


@pytest.mark.parametrize("markdown", ["> [!NOTE] Mind it.", "> Mind [!NOTE]", "> [!DANGER]\n> Mind it.", "> NOTE\n> x"])
def test_any_other_quotation_stays_one(markdown):
    assert render(markdown).html.startswith("<blockquote>")


def test_callouts_stand_in_each_other_and_in_quotations():
    html = render("> [!TIP]\n> one\n>\n> > two\n> >\n> > > [!NOTE]\n> > > three").html
    assert html.count("<div") == html.count("</div>") == 2
    assert html.count("<blockquote>") == html.count("</blockquote>") == 1


def test_a_page_says_in_words_what_a_callout_is():
    html = shown("> [!WARNING]\n> Hot.")
    assert html.startswith('<div class="callout warning" role="note"><p class="callout-label">Warning</p>')


@pytest.mark.parametrize("between", ["\n", "\n\n", "\n   \n"])
def test_a_numbered_list_after_the_mark_is_steps(between):
    assert render(f"<!-- steps -->{between}3. one\n4. two").html == (
        '<ol start="3" class="steps">\n<li>one</li>\n<li>two</li>\n</ol>'
    )


def test_the_mark_ends_a_paragraph_and_stands_in_items():
    assert 'Do this:</p>\n<ol class="steps">' in render("Do this:\n<!-- steps -->\n1. one").html
    assert '<ol class="steps">' in render("- in\n  <!-- steps -->\n  1. one").html


@pytest.mark.parametrize(
    "markdown", ["<!-- steps -->", "<!-- steps -->\n\n- no", "<!-- steps -->\n\ntext", "<!--steps-->\n1. x"]
)
def test_a_mark_without_a_numbered_list_is_text_as_all_html(markdown):
    html = render(markdown).html
    assert "&lt;!--" in html
    assert "steps" not in html.replace("steps --&gt;", "").replace("steps--&gt;", "")


def test_a_mark_in_code_is_code():
    assert "class" not in render("    <!-- steps -->\n\n1. x").html
    assert "class" not in render("```\n<!-- steps -->\n```\n1. x").html


def test_a_picture_has_its_size_and_a_variant_for_phones():
    html = render(f"![A *shelf*](picture:{DIGEST}-1601x901)").html
    assert f'<img src="/pictures/{DIGEST}.webp" alt="A shelf"' in html
    assert f'srcset="/pictures/{DIGEST}-half.webp 801w, /pictures/{DIGEST}.webp 1601w"' in html
    assert 'width="1601" height="901"' in html
    assert 'loading="lazy"' in shown(f"![x](picture:{DIGEST}-1601x901)")
    assert "srcset" not in render(f"![x](picture:{DIGEST}-639x90)").html


def test_a_picture_below_a_prefix_is_asked_for_there():
    html = localise(render(f"![/pictures/](picture:{DIGEST}-800x90)\n\n/pictures/ x").html, "en", under="/help/")
    assert html.count('"/help/pictures/') == 2
    assert ", /help/pictures/" in html
    assert "<p>/pictures/ x</p>" in html


@pytest.mark.parametrize(
    "src", ["picture:x", f"picture:{DIGEST}", f"picture:{DIGEST}-0x9", f"picture:{DIGEST[:-1]}-9x9",
            f"picture:{DIGEST}-9x9/../x",
            f"PICTURE:{DIGEST}-9x9", "pictures/x"],
)  # fmt: skip
def test_what_is_no_picture_of_ours_keeps_its_words_only(src):
    assert render(f"![words]({src})").html == '<p><img alt="words"></p>'


def test_columns_keep_their_alignment_as_a_class():
    html = render("|a|b|c|\n|:-|-:|:-:|\n|1|2|3|").html
    assert '<th class="end">b</th>' in html
    assert '<td class="center">3</td>' in html
    assert "style" not in html
