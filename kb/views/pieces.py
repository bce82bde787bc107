"""Facts and blocks on the desk: the lists, one of them with its history and where it is used, and a change of it with a
preview of its effect."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django import forms
from django.conf import settings
from django.contrib import messages
from django.db.models import Count, OuterRef, Q, Subquery
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_http_methods, require_POST, require_safe

from core import clock, roles
from core.roles import ADMIN, ANALYST, OPS, REVIEWER, WRITER, desk
from kb import fact_kinds, facts, piece_uses, pieces, used_in
from kb.models import Piece, PieceKind, PieceSort, PieceVersion
from kb.views import asking, search_guard

_READERS = (WRITER, REVIEWER, OPS, ANALYST, ADMIN)
_HISTORY = 50
_SHOWN = 120  # characters of a block in a list
_BLOCK_ROWS, _OWN_ROWS = 8, 4


class PieceForm(forms.Form):
    """What a piece says, in all languages and from when on. The fields of a new one are in NewPieceForm."""

    name = forms.CharField(
        label=gettext_lazy("Name"), max_length=80, help_text=gettext_lazy("What editors call it: Return window.")
    )
    seen = forms.IntegerField(widget=forms.HiddenInput, required=False)
    previewed = forms.CharField(widget=forms.HiddenInput, required=False, max_length=64)

    def __init__(self, *args: Any, kind: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.kind = kind
        is_block = kind == PieceKind.MARKDOWN
        for locale, label in [("", _("In every language")), *self._languages()]:
            rows = {"rows": _OWN_ROWS if locale else _BLOCK_ROWS}
            self.fields[f"value_{locale or 'all'}"] = forms.CharField(
                label=label,
                required=not locale,
                strip=not is_block,
                max_length=fact_kinds.LONGEST_BLOCK + 1 if is_block else fact_kinds.LONGEST_TEXT + 1,
                widget=forms.Textarea(attrs=rows) if is_block else forms.TextInput(),
                help_text=_hint(kind) if not locale else _("Only where it says something else."),
            )
        self.fields["effective_at"] = forms.DateTimeField(
            label=_("Counts from"),
            required=False,
            help_text=_("Empty: at once. Else every article changes by itself at this moment."),
            widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
        )

    def _languages(self) -> list[tuple[str, str]]:
        """Those that may have a value of their own: not the default one, unless it has one already."""
        default = f"value_{settings.LANGUAGE_CODE}"
        has_own = self.data.get(default) or self.initial.get(default)
        named = [(code, _("In %(language)s") % {"language": name}) for code, name in settings.LANGUAGES]
        return [(code, label) for code, label in named if code != settings.LANGUAGE_CODE or has_own]

    def values(self) -> dict[str, Any]:
        """Raises pieces.Refused."""
        return pieces.read_values(self.kind, self.written())

    def written(self) -> dict[str, str]:
        given = {name: text for name, text in self.cleaned_data.items() if name.startswith("value_")}
        return {name.removeprefix("value_").replace("all", ""): text for name, text in given.items()}

    def own_languages(self) -> list[forms.BoundField]:
        return [self[name] for name in self.fields if name.startswith("value_") and name != "value_all"]

    def has_own(self) -> bool:
        return any(field.value() or field.errors for field in self.own_languages())


class NewPieceForm(PieceForm):
    key = forms.CharField(
        label=gettext_lazy("Key"),
        max_length=60,
        help_text=gettext_lazy("What texts call it, for good: small letters, digits and hyphens, like return-window."),
    )


@require_safe
@desk(*_READERS)
def list_page(request: HttpRequest, sort: str) -> HttpResponse:
    """All facts, or all blocks: what they say now, what they will say, in how many articles they stand."""
    now = clock.now()
    rows = (
        Piece.objects.filter(sort=sort)
        .annotate(
            current=Subquery(_current(now).values("pk")),
            next_at=Subquery(_next(now).values("effective_at")),
            next_id=Subquery(_next(now).values("pk")),
            missing=Count("uses", filter=Q(uses__version=None, uses__in=piece_uses.seen())),
        )
        .order_by("archived_at", "name")
    )
    wanted = request.GET.get("q", "").strip()[:80]
    if wanted:
        rows = rows.filter(Q(name__icontains=wanted) | Q(key__icontains=wanted))
    found = list(rows)
    versions = PieceVersion.objects.in_bulk([pk for row in found for pk in (row.current, row.next_id) if pk])
    used = used_in.counts()
    shown = [
        {
            "piece": row,
            "now": _brief(row, versions.get(row.current)),
            "then": _brief(row, versions.get(row.next_id)),
            "then_at": row.next_at,
            "used": used.get(row.pk, 0),
        }
        for row in found
    ]
    context = {"section": "articles", "tab": f"{sort}s", "sort": sort, "rows": shown, "wanted": wanted,
               "may_change": roles.may_publish(request.user)}  # fmt: skip
    return render(request, "desk/pieces.html", context)


@require_http_methods(["GET", "HEAD", "POST"])
@desk(REVIEWER, ADMIN)
def new(request: HttpRequest, sort: str) -> HttpResponse:
    """A new fact (its kind is chosen first) or block."""
    kind = PieceKind.MARKDOWN if sort == PieceSort.BLOCK else request.GET.get("kind", "")
    kinds = [(kind.value, kind.label, fact_kinds.example(kind)) for kind in PieceKind if kind != PieceKind.MARKDOWN]
    if kind not in PieceKind.values or (kind == PieceKind.MARKDOWN) != (sort == PieceSort.BLOCK):
        return render(request, "desk/piece_new.html", {"section": "articles", "sort": sort, "kinds": kinds})
    form = NewPieceForm(request.POST or None, kind=kind)
    if request.method == "POST" and form.is_valid():
        given = form.cleaned_data
        try:
            piece = pieces.create(
                sort=sort,
                key=given["key"],
                kind=kind,
                name=given["name"],
                values=form.values(),
                effective_at=given["effective_at"],
                by=roles.user_of(request),
            )
        except pieces.Refused as refused:
            form.add_error(refused.field or None, str(refused))
        else:
            messages.success(request, _("Saved. Write %(code)s where it belongs.") % {"code": piece.code})
            return redirect(f"desk:{sort}", piece.key)
    context = {"section": "articles", "sort": sort, "form": form, "kind": PieceKind(kind)}
    return render(request, "desk/piece_new.html", context, status=422 if form.errors else 200)


@require_http_methods(["GET", "HEAD", "POST"])
@desk(*_READERS)
def page(request: HttpRequest, sort: str, key: str) -> HttpResponse:
    """One piece. POST action=preview shows what the change would do, action=save does it."""
    piece = get_object_or_404(Piece, sort=sort, key=key)
    if request.method != "POST":
        return _piece_page(request, piece, _form_of(piece))
    if not roles.may_publish(request.user):
        messages.error(request, _("Only a reviewer may change it."))
        return redirect(f"desk:{sort}", key)
    form = PieceForm(request.POST, kind=piece.kind)
    if not form.is_valid():
        return _piece_page(request, piece, form, seen=asking.number(request.POST.get("seen"), digits=17), status=422)
    given = form.cleaned_data
    try:
        values = form.values()
        sign = _sign(values, given["effective_at"])
        if request.POST.get("action") != "save" or given["previewed"] != sign:
            preview = used_in.preview(piece, values)
            return _piece_page(request, piece, form, preview=preview, previewed=sign, seen=given["seen"])
        back = reverse(f"desk:{sort}", args=[key])
        if asked := search_guard.ask_before_filling(request, piece, values, back=back):
            return asked
        version = pieces.change(
            piece, values, seen=given["seen"] or 0, by=roles.user_of(request), effective_at=given["effective_at"]
        )
        pieces.rename(piece, given["name"], by=roles.user_of(request))
    except pieces.ChangedMeanwhile as refused:
        form.add_error(None, str(refused))
        return _piece_page(request, piece, form, status=409)
    except pieces.Refused as refused:
        form.add_error(refused.field or None, str(refused))
        return _piece_page(request, piece, form, seen=given["seen"], status=422)
    messages.success(request, _told_of_save(version))
    return redirect(f"desk:{sort}", key)


@require_POST
@desk(REVIEWER, ADMIN)
def withdraw(request: HttpRequest, sort: str, key: str, pk: int) -> HttpResponse:
    """Take back a change whose moment has not come."""
    version = get_object_or_404(PieceVersion.objects.select_related("piece"), pk=pk, piece__sort=sort, piece__key=key)
    try:
        pieces.withdraw(version, by=roles.user_of(request))
        messages.success(request, _("Taken back. It goes on saying what it says now."))
    except pieces.Refused as refused:
        messages.error(request, str(refused))
    return redirect(f"desk:{sort}", key)


@require_POST
@desk(REVIEWER, ADMIN)
def archive(request: HttpRequest, sort: str, key: str) -> HttpResponse:
    """Take it out of use, which is refused while anything holds it; action=restore brings it back."""
    piece = get_object_or_404(Piece, sort=sort, key=key)
    if request.POST.get("action") == "restore":
        pieces.bring_back(piece, by=roles.user_of(request))
        messages.success(request, _("It can be used again."))
        return redirect(f"desk:{sort}", key)
    try:
        pieces.archive(piece, by=roles.user_of(request))
    except pieces.StillUsed as refused:
        return _piece_page(request, piece, _form_of(piece), refused=str(refused), status=409)
    messages.success(request, _("Taken out of use. What it said is kept, and it can be brought back."))
    return redirect(f"desk:{sort}s")


@require_safe
@desk(*_READERS)
def progress(request: HttpRequest, sort: str, key: str) -> HttpResponse:
    """How far a change has come through the articles; a fragment that asks for itself while it is on its way."""
    piece = get_object_or_404(Piece, sort=sort, key=key)
    return render(request, "desk/_partials/piece_progress.html", {"piece": piece, **_progress(piece)})


def _piece_page(
    request: HttpRequest,
    piece: Piece,
    form: PieceForm,
    *,
    preview: used_in.Preview | None = None,
    previewed: str = "",
    seen: int | None = None,
    refused: str = "",
    status: int = 200,
) -> HttpResponse:
    now = clock.now()
    versions = list(piece.versions.select_related("created_by").order_by("-effective_at", "-pk")[:_HISTORY])
    current = next((row for row in versions if row.withdrawn_at is None and row.effective_at <= now), None)
    context = {
        "section": "articles",
        "tab": f"{piece.sort}s",
        "sort": piece.sort,
        "piece": piece,
        "form": form,
        "preview": preview,
        "previewed": previewed,
        "seen": pieces.newest(piece) if seen is None else seen,
        "refused": refused,
        "may_change": roles.may_publish(request.user) and piece.archived_at is None,
        "may_archive": roles.may_publish(request.user),
        "uses": used_in.of(piece),
        "shows": [
            (code, name, facts.shown(piece, current, code)) for code, name in settings.LANGUAGES
        ] if current else [],
        "history": [_history_row(piece, row, current, now) for row in versions],
        "scheduled": [row for row in versions if row.withdrawn_at is None and row.effective_at > now],
        **_progress(piece),
    }  # fmt: skip
    return render(request, "desk/piece.html", context, status=status)


def _history_row(piece: Piece, row: PieceVersion, current: PieceVersion | None, now: datetime) -> dict[str, Any]:
    return {
        "version": row,
        "says": [(locale, _short(fact_kinds.write(piece.kind, value))) for locale, value in sorted(row.values.items())],
        "is_current": current is not None and row.pk == current.pk,
        "is_scheduled": row.withdrawn_at is None and row.effective_at > now,
    }


def _progress(piece: Piece) -> dict[str, Any]:
    done, total = used_in.progress(piece)
    return {"done": done, "total": total, "is_under_way": done < total}


def _form_of(piece: Piece) -> PieceForm:
    """Filled in with what the piece says now, else with what it will say first."""
    now = clock.now()
    versions = piece.versions.filter(withdrawn_at=None)
    version = versions.filter(effective_at__lte=now).first() or versions.order_by("effective_at", "pk").first()
    values: Mapping[str, Any] = version.values if version else {}
    written = {f"value_{code or 'all'}": fact_kinds.write(piece.kind, value) for code, value in values.items()}
    return PieceForm(initial={"name": piece.name, **written}, kind=piece.kind)


def _told_of_save(version: PieceVersion | None) -> str:
    if version is None:
        return _("It says so already; nothing had to change.")
    if version.effective_at > clock.now():
        return _("Saved. Every text changes by itself when the moment comes.")
    return _("Saved. The articles that use it follow now.")


def _hint(kind: str) -> str:
    if kind == PieceKind.MARKDOWN:
        return _("Markdown. It may hold facts, and no other block.")
    if kind == PieceKind.TEXT:
        return _("One line, shown as it is. Write the words of each other language below.")
    return _("For example: %(example)s. Each language shows it in its own way.") % {"example": fact_kinds.example(kind)}


def _brief(piece: Piece, version: PieceVersion | None) -> str:
    return _short(facts.shown(piece, version, settings.LANGUAGE_CODE))


def _short(text: str) -> str:
    text = " ".join(text.split())
    return text if len(text) <= _SHOWN else text[: _SHOWN - 1].rstrip() + "…"


def _current(now: datetime) -> Any:
    come = PieceVersion.objects.filter(piece=OuterRef("pk"), withdrawn_at=None, effective_at__lte=now)
    return come.order_by("-effective_at", "-pk")[:1]


def _next(now: datetime) -> Any:
    coming = PieceVersion.objects.filter(piece=OuterRef("pk"), withdrawn_at=None, effective_at__gt=now)
    return coming.order_by("effective_at", "pk")[:1]


def _sign(values: Mapping[str, Any], effective_at: datetime | None) -> str:
    """Of a change that was previewed: what is saved is what somebody looked at."""
    said = json.dumps([values, effective_at.isoformat() if effective_at else ""], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()
