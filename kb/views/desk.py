"""What editors see: the list of articles."""

from __future__ import annotations

from django.core.paginator import Paginator
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.http import require_safe

from core.roles import ADMIN, ANALYST, REVIEWER, WRITER, desk
from kb import desk_list

_PER_PAGE = 50


@require_safe
@desk(WRITER, REVIEWER, ANALYST, ADMIN)
def articles(request: HttpRequest) -> HttpResponse:
    form = desk_list.FilterForm(request.GET)
    sort = request.GET.get("sort", desk_list.DEFAULT_SORT)
    page = Paginator(desk_list.rows(form, sort), _PER_PAGE).get_page(request.GET.get("page"))
    context = {
        "section": "articles",
        "articles": page,
        "filter_form": form,
        "sort": sort,
        "new_url": reverse("desk:article-new"),
    }
    return render(request, "desk/articles.html", context)
