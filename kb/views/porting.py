"""The desk's import and export of articles: a file in, a dry run with its report, the same in earnest; a file out."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext_lazy as _
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import clock, roles
from core.roles import ADMIN, REVIEWER, desk
from kb import export_gaps, exporting, import_runs, tasks
from kb.import_reports import Asked
from kb.models import ImportOutcome, ImportRow, ImportRun
from kb.porting import formats
from kb.refusals import PublishingError

ROLES = (REVIEWER, ADMIN)  # what they bring in is live at once
_PER_PAGE = 50
_RUNS = 20
_ENDINGS = (".zip", ".csv", ".tsv", ".txt", ".json", ".jsonl", ".ndjson", ".md")
_FORMATS = [
    (formats.AUTO, _("Find out from the file")),
    (formats.MARKDOWN, _("Markdown with a YAML head")),
    (formats.CSV, _("CSV")),
    (formats.JSONL, _("JSON lines")),
    (formats.ZENDESK, _("Zendesk Guide")),
    (formats.INTERCOM, _("Intercom Articles")),
]
_TITLES = {
    exporting.JSONL: _("Everything, as JSON lines"),
    exporting.MARKDOWN: _("Markdown files in a zip"),
    exporting.CSV: _("A table, as CSV in a zip"),
}


class UploadForm(forms.Form):
    file = forms.FileField(
        label=_("File"),
        help_text=_("A .zip, .csv, .json, .jsonl or .md; at most %(most)s MB.") % {"most": import_runs.MOST_MB},
        widget=forms.FileInput(attrs={"accept": ",".join(_ENDINGS)}),
    )
    format = forms.ChoiceField(label=_("Where it comes from"), choices=_FORMATS)
    locale = forms.ChoiceField(label=_("Language of articles that name none"), choices=settings.LANGUAGES)
    locale_map = forms.CharField(
        label=_("Languages called otherwise there"),
        required=False,
        max_length=300,
        help_text=_("For example: en-gb=en, pt=pt-br. What is near to one of ours is found without."),
    )
    as_drafts = forms.BooleanField(label=_("Bring all in as drafts, publish nothing"), required=False)

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if not file.name.lower().endswith(_ENDINGS):
            raise forms.ValidationError(
                _("A file that ends so is not read. Upload one of: %(endings)s.") % {"endings": ", ".join(_ENDINGS)}
            )
        if file.size > import_runs.MOST_MB * 1_000_000:
            raise forms.ValidationError(
                _("It has %(size)s MB. Split it, or import it on the server: manage.py import_articles.")
                % {"size": file.size // 1_000_000}
            )
        return file

    def clean_locale_map(self) -> dict[str, str]:
        found = {}
        for pair in self.cleaned_data["locale_map"].replace(";", ",").split(","):
            theirs, equals, ours = (part.strip() for part in pair.partition("="))
            if not theirs and not ours:
                continue
            if not equals or ours not in dict(settings.LANGUAGES):
                raise forms.ValidationError(
                    _("“%(pair)s”: write theirs=ours, ours one of %(ours)s.")
                    % {"pair": pair.strip(), "ours": ", ".join(dict(settings.LANGUAGES))}
                )
            found[theirs] = ours
        return found


class FilterForm(forms.Form):
    outcome = forms.ChoiceField(
        label=_("Show"),
        required=False,
        choices=[("", _("All rows")), ("look", _("To look at")), *ImportOutcome.choices],
    )


@require_http_methods(["GET", "HEAD", "POST"])
@desk(*ROLES)
def port(request: HttpRequest) -> HttpResponse:
    """Upload a file, which is looked through first; the runs so far; export."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        asked = Asked(
            format=said["format"],
            locale=said["locale"],
            locale_map=said["locale_map"],
            as_drafts=said["as_drafts"],
            is_dry=True,
            by=roles.user_of(request),
        )
        file = import_runs.store(said["file"].name, said["file"].chunks())
        run = import_runs.ask(file, asked, enqueue=tasks.run_import.delay)
        return redirect("desk:article-port-run", run.pk)
    context = {
        "section": "articles",
        "form": form,
        "runs": ImportRun.objects.select_related("asked_by")[:_RUNS],
        "formats": [(value, title, export_gaps.sentences(value)) for value, title in _TITLES.items()],
    }
    return render(request, "desk/article_port.html", context, status=422 if form.errors else 200)


@require_safe
@desk(*ROLES)
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """One run: how far it is, and its report row by row. A fragment asks for itself again while it is under way."""
    found = get_object_or_404(ImportRun.objects.select_related("asked_by", "file"), pk=pk)
    form = FilterForm(request.GET)
    context = {
        "section": "articles",
        "run": found,
        "filter_form": form,
        "outcomes": [(value, label, getattr(found, _COUNTS[value])) for value, label in ImportOutcome.choices],
        "chosen": form.data.get("outcome", ""),
        "may_begin": found.is_dry and found.state == "done" and found.file_id is not None,
    }
    if request.htmx:  # type: ignore[attr-defined]  # django_htmx's middleware
        response = render(request, "desk/article_port_progress.html", context)
        if not found.is_open:
            response.headers["HX-Refresh"] = "true"  # the report is there now
        return response
    context["rows"] = Paginator(_rows(found, form), _PER_PAGE).get_page(request.GET.get("page"))
    return render(request, "desk/article_port_run.html", context)


@require_POST
@desk(*ROLES)
def begin(request: HttpRequest, pk: int) -> HttpResponse:
    """What a dry run looked through, in earnest."""
    dry = get_object_or_404(
        ImportRun.objects.select_related("file", "asked_by"), pk=pk, is_dry=True, file__isnull=False
    )
    try:
        made = import_runs.again(
            dry,
            is_dry=False,
            overwrites=request.POST.get("overwrite") == "1",
            by=roles.user_of(request),
            enqueue=tasks.run_import.delay,
        )
    except PublishingError as error:
        messages.error(request, str(error))
        return redirect("desk:article-port-run", pk)
    return redirect("desk:article-port-run", made.pk)


@require_safe
@desk(*ROLES)
def report(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The rows that the page shows, as CSV: a line for each finding."""
    found = get_object_or_404(ImportRun, pk=pk)
    rows = _rows(found, FilterForm(request.GET))
    response = StreamingHttpResponse(
        _report_lines(rows.iterator(chunk_size=500)), content_type="text/csv; charset=utf-8"
    )
    response.headers["Content-Disposition"] = f'attachment; filename="import-{found.pk}.csv"'
    return response


@require_POST
@desk(*ROLES)
def export(request: HttpRequest) -> HttpResponseBase:
    """All articles as a file, sent as it is written."""
    wanted = request.POST.get("format", "")
    if wanted not in exporting.FORMATS:
        return redirect("desk:article-port")
    history = request.POST.get("history") == "1"
    exporting.made(wanted, by=roles.user_of(request), history=history)
    name = f"articles-{clock.now():%Y-%m-%d}.{exporting.FORMATS[wanted]}"
    response = StreamingHttpResponse(exporting.chunks(wanted, history=history), content_type="application/octet-stream")
    response.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return response


_COUNTS = {"new": "new", "changed": "changed", "unchanged": "unchanged", "conflict": "conflicts", "refused": "refused"}


def _rows(run: ImportRun, form: FilterForm) -> Any:
    rows = ImportRow.objects.filter(run=run).select_related("article")
    wanted = form.data.get("outcome", "")
    if wanted == "look":
        return rows.exclude(findings=[])
    return rows.filter(outcome=wanted) if wanted in ImportOutcome.values else rows


def _report_lines(rows: Iterator[ImportRow]) -> Iterator[bytes]:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    yield b"\xef\xbb\xbf"  # spreadsheets take it for another encoding without
    writer.writerow(["outcome", "file", "row", "id", "language", "title", "field", "what", "what to do"])
    for row in rows:
        for finding in row.findings or [["", "", ""]]:
            cells = [row.outcome, row.file, row.row or "", row.external_id, row.locale, row.title, *finding]
            writer.writerow([_harmless(str(cell)) for cell in cells])
        yield out.getvalue().encode()
        out.seek(0)
        out.truncate()
    yield out.getvalue().encode()


def _harmless(cell: str) -> str:
    """A spreadsheet would calculate what begins so."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t")) else cell
