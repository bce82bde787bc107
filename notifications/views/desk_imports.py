"""The desk's import of orders and of carriers' scans: a file in, how it is read shown and changed, then the import."""

from __future__ import annotations

from itertools import islice
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.validators import RegexValidator
from django.db import transaction
from django.http import HttpRequest, HttpResponse, HttpResponseBase, StreamingHttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import audit, clock, roles
from core.roles import OPS, desk
from notifications import tasks
from notifications.intake.sheets import reading, rejects, runs, taking
from notifications.intake.sheets.columns import UnusableMapping
from notifications.intake.sheets.fields import FIELDS, Kind
from notifications.intake.sheets.files import Broken
from notifications.intake.sheets.moments import DateOrder
from notifications.intake.sheets.reading import Plan
from notifications.intake.tables import UnusableFile
from notifications.models import SheetRun, SheetState

_RUNS = 20
_PREVIEW = 20  # rows
_REFUSED = 100  # shown; all are in the file
_KINDS = [(Kind.ORDERS.value, gettext_lazy("Orders")), (Kind.TRACKING.value, gettext_lazy("Carriers' scans"))]


class UploadForm(forms.Form):
    kind = forms.ChoiceField(label=gettext_lazy("What is in it"), choices=_KINDS)
    file = forms.FileField(
        label=gettext_lazy("File"),
        help_text=gettext_lazy("A CSV file with the names of the columns on top; at most %(most)s MB.")
        % {"most": runs.MOST_MB},
        widget=forms.FileInput(attrs={"accept": ".csv,.tsv,.txt"}),
    )
    source = forms.CharField(
        label=gettext_lazy("Where it comes from"),
        help_text=gettext_lazy("The same name for the same shop system: its columns are remembered under it."),
        max_length=40,
        initial="csv",
        validators=[
            RegexValidator(r"^[a-z0-9][a-z0-9_.-]*$", gettext_lazy("Use small letters, digits, dots and dashes."))
        ],
    )

    def clean_file(self) -> Any:
        file = self.cleaned_data["file"]
        if file.size > runs.MOST_MB * 1_000_000:
            raise forms.ValidationError(
                _("It has %(size)s MB. Split it, or import it on the server: manage.py import_orders.")
                % {"size": file.size // 1_000_000}
            )
        return file


class ReadingForm(forms.Form):
    """How a file is read: a field for each of its columns, `c0`, `c1` …"""

    dates = forms.ChoiceField(
        label=gettext_lazy("Dates such as 03/04/2017"),
        required=False,
        choices=[
            ("", gettext_lazy("Find out from the file")),
            (DateOrder.DAY_FIRST.value, gettext_lazy("The day first: 3 April")),
            (DateOrder.MONTH_FIRST.value, gettext_lazy("The month first: 4 March")),
        ],
    )
    time_zone = forms.CharField(label=gettext_lazy("Times without a zone are of"), max_length=60)

    def __init__(self, kind: str, header: list[str], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.header = header
        choices = [("-", _("Not used")), *((one.name, one.title) for one in FIELDS[Kind(kind)])]
        for place, name in enumerate(header):
            self.fields[f"c{place}"] = forms.ChoiceField(label=name, choices=choices)

    def clean_time_zone(self) -> str:
        name = str(self.cleaned_data["time_zone"]).strip()
        if name not in available_timezones():
            raise forms.ValidationError(_("There is no such time zone. Write one like Europe/London."))
        return name

    def clean(self) -> dict[str, Any]:
        said: dict[str, Any] = super().clean() or {}
        chosen = [said.get(f"c{place}", "-") for place in range(len(self.header))]
        for place, one in enumerate(chosen):
            if one != "-" and one in chosen[:place]:
                self.add_error(f"c{place}", _("Another column is that already."))
        return said

    def columns(self) -> dict[str, str]:
        return {name: self.cleaned_data[f"c{place}"] for place, name in enumerate(self.header)}


@require_http_methods(["GET", "HEAD", "POST"])
@desk(OPS)
def upload(request: HttpRequest) -> HttpResponse:
    """Upload a file; nothing is taken in yet. The imports so far."""
    form = UploadForm(request.POST or None, request.FILES or None)
    if request.method == "POST" and form.is_valid():
        said = form.cleaned_data
        with transaction.atomic():
            file = runs.store_file(said["file"].name, said["file"].chunks())
            run = SheetRun.objects.create(
                kind=said["kind"],
                source=said["source"],
                file=file,
                name=file.name,
                time_zone="",
                asked_by=roles.user_of(request),
            )
            audit.record(request.user, "order_import.uploaded", run, label=run.name, kind=run.kind, source=run.source)
        return redirect("desk:order-import-run", run.pk)
    context = {
        "section": "orders",
        "form": form,
        "runs": SheetRun.objects.exclude(state=SheetState.DRAFT, file=None).select_related("asked_by")[:_RUNS],
        "kinds": dict(_KINDS),
    }
    return render(request, "desk/order_import.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@desk(OPS)
def run(request: HttpRequest, pk: int) -> HttpResponse:
    """A draft: how its file is read, to be changed. A run: how far it is, and what was left out; by POST of a dry run
    that is done: the same in earnest, as a draft.
    """
    found = get_object_or_404(SheetRun.objects.select_related("asked_by", "file"), pk=pk)
    if found.state == SheetState.DRAFT and found.file is not None:
        return _draft(request, found)
    if request.method == "POST" and found.is_dry and found.state == SheetState.DONE and found.file is not None:
        return redirect("desk:order-import-run", runs.in_earnest(found, by=roles.user_of(request)).pk)
    context = {"section": "orders", "run": found, "kinds": dict(_KINDS)}
    if request.htmx:  # type: ignore[attr-defined]  # django_htmx's middleware
        response = render(request, "desk/order_import_progress.html", context)
        if not found.is_open:
            response.headers["HX-Refresh"] = "true"  # the result is there now
        return response
    context["refusals"] = found.refusals.all()[:_REFUSED]
    return render(request, "desk/order_import_run.html", context)


@require_POST
@desk(OPS)
def start(request: HttpRequest, pk: int) -> HttpResponse:
    """Begin, read as the form says; with `dry` nothing is stored."""
    found = get_object_or_404(SheetRun.objects.select_related("file"), pk=pk, file__isnull=False)
    if found.state != SheetState.DRAFT:
        return redirect("desk:order-import-run", pk)
    return _draft(request, found, starts=True)


@require_safe
@desk(OPS)
def left_out(request: HttpRequest, pk: int) -> HttpResponseBase:
    """The rows that were left out, to mend and import again."""
    found = get_object_or_404(SheetRun, pk=pk)
    response = StreamingHttpResponse(rejects.lines(found), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="import-{found.pk}-rejects.csv"'
    return response


def _draft(request: HttpRequest, run: SheetRun, *, starts: bool = False) -> HttpResponse:
    form = None
    if request.method == "POST":
        form = ReadingForm(run.kind, run.header, request.POST)
        if form.is_valid():
            run.columns, run.dates = form.columns(), form.cleaned_data["dates"]
            run.time_zone = form.cleaned_data["time_zone"]
            run.save(update_fields=["columns", "dates", "time_zone"])
            form = None
    context: dict[str, Any] = {"section": "orders", "run": run, "kinds": dict(_KINDS)}
    status = 422 if form is not None else 200
    try:
        with runs.fetched(run) as path:
            wished, remembered = runs.wish(
                kind=Kind(run.kind),
                source=run.source,
                zone=ZoneInfo(run.time_zone) if run.time_zone else None,
                columns=run.columns,
                dates=DateOrder(run.dates) if run.dates else None,
            )
            made = runs.plan(path, wished, remembered)
            if starts and form is None and not made.problems:
                by, is_dry = roles.user_of(request), "dry" in request.POST
                runs.start(run, made, by=by, enqueue=tasks.run_import.delay, is_dry=is_dry)
                return redirect("desk:order-import-run", run.pk)
            context |= _shown(run, made, form)
    except (UnusableFile, UnusableMapping) as error:
        messages.error(request, str(error))
        return redirect("desk:order-import")
    if starts and made.problems:
        status = 422
    return render(request, "desk/order_import_draft.html", context, status=status)


def _shown(run: SheetRun, made: Plan, form: ReadingForm | None) -> dict[str, Any]:
    """The mapping with a sample, and the first rows with what is wrong with them."""
    header = list(made.format.header)
    if run.header != header:
        run.header = header
        run.save(update_fields=["header"])
    saved = made.saved()
    if form is None:
        values = {f"c{place}": saved[name] for place, name in enumerate(header)}
        zone = made.wish.zone.key or settings.SHOP_TIME_ZONE
        form = ReadingForm(run.kind, header, initial=values | {"dates": run.dates, "time_zone": zone})
    batch = list(islice((one for one, _row in reading.groups(made)), _PREVIEW))
    bad = taking.look_at(batch, reading.Reader(made), now=clock.now()) if not made.problems else {}
    rows: list[tuple[int, list[str], Any]] = []
    for one in batch:
        if isinstance(one, Broken):
            rows.append((one.refusal.row, one.values, one.refusal))
        else:
            rows += [(cells.row, cells.values, bad.get(cells.row)) for cells in one]
    return {
        "form": form,
        "made": made,
        "columns": [
            (form[f"c{place}"], why, sample) for place, (_name, _title, why, sample) in enumerate(made.columns())
        ],
        "rows": rows[:_PREVIEW],
        "dates": dict(form.fields["dates"].choices).get(made.dates.value, ""),  # type: ignore[attr-defined]
        "is_windows": made.format.encoding == "cp1252",
    }
