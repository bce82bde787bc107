"""The page of a save that came second: both texts, what differs, and both put together where they do not touch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _

from kb import differences, draft_merging
from kb.draft_merging import Together
from kb.merging import Choice
from kb.models import Article
from kb.refusals import DraftConflict


def page(
    request: HttpRequest,
    article: Article,
    form: forms.Form,
    conflict: DraftConflict,
    *,
    choices: Mapping[str, Choice] | None = None,
) -> HttpResponse:
    """`form` is what was sent. The one on the page may be changed and saved over theirs, knowingly. `choices` are what
    was chosen on this page before, where both changed the same.
    """
    together = draft_merging.put_together(article, conflict, choices=choices)
    offered = together.text if together else conflict.mine
    shown = type(form)(
        initial={
            "title": offered.title,
            "summary": offered.summary,
            "category": form.cleaned_data["category"],
            "visibility": form.cleaned_data["visibility"],
            "body": offered.body,
            "version": conflict.version,
        }
    )
    theirs = conflict.theirs
    context = {
        "section": "articles",
        "article": article,
        "form": shown,
        "conflict": conflict,
        "together": together,
        "is_decided": bool(choices),
        "places": _places(shown, conflict, together) if together else [],
        "mine": [
            ("title", conflict.mine.title),
            ("summary", conflict.mine.summary),
            ("body", conflict.mine.body),
            ("category", form.cleaned_data["category"]),
            ("visibility", form.cleaned_data["visibility"]),
            ("version", conflict.made_from),
            ("theirs", conflict.version),
        ],
        "fields": [
            {
                "label": shown.fields[name].label,
                "pieces": differences.words(getattr(theirs, name), getattr(offered, name)),
                "is_undecided": together is not None and name in together.fields,
            }
            for name in ("title", "summary")
            if getattr(theirs, name) != getattr(offered, name)
        ],
        "lines": differences.lines(theirs.body, offered.body),
        "their_lines": differences.lines(together.begun.body, theirs.body) if together else [],
    }
    return render(request, "desk/article_conflict.html", context, status=409)


def _places(shown: forms.Form, conflict: DraftConflict, together: Together) -> list[dict[str, Any]]:
    """Every place that both changed, with what may stand there: the form's field, what each says, the choice."""
    places = [
        {
            "field": name,
            "label": shown.fields[name].label,
            "base": getattr(together.begun, name),
            "says": [(Choice.THEIRS, getattr(conflict.theirs, name)), (Choice.MINE, getattr(conflict.mine, name))],
            "choice": choice,
        }
        for name, choice in together.fields.items()
    ]
    for number, one in enumerate(together.overlaps):
        says = [(Choice.THEIRS, one.theirs), (Choice.MINE, one.mine)]
        if one.theirs and one.mine:
            says.append((Choice.BOTH, f"{one.theirs}\n{one.mine}"))
        places.append(
            {
                "field": str(number),
                "label": _("Line %(line)d") % {"line": one.line},
                "base": one.base,
                "says": says,
                "choice": one.choice,
            }
        )
    return places
