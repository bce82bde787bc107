"""kb's addresses: the help centre (mounted under /<locale>/), the editors' desk (/desk/) and the API (/api/v1/)."""

from __future__ import annotations

from django.urls import path

from kb import api
from kb.views import desk, editor, help, links, search, search_desk, search_tuning, votes

app_name = "help"

urlpatterns = [
    path("", help.home, name="home"),
    path("c/<slug:slug>/", help.category, name="category"),
    path("a/<str:slug>/", help.article, name="article"),
    path("search/", search.search, name="search"),
    path("search/suggest", search.suggestions, name="search-suggest"),
    path("vote/", votes.vote, name="vote"),
    path("-/a/<path:reference>", links.to_article, name="to-article"),
]

desk_urlpatterns = [
    path("articles/", desk.articles, name="articles"),
    path("articles/new/", editor.new, name="article-new"),
    path("articles/preview/", editor.preview, name="article-preview"),
    path("articles/<int:pk>/", editor.edit, name="article-edit"),
    path("articles/<int:pk>/revisions/<int:number>/", editor.revision, name="article-revision"),
    path("articles/<int:pk>/test/", editor.test, name="article-test"),
    path("search/", search_desk.health, name="search"),
    path("search/jobs/<slug:kind>/", search_desk.ask_for_job, name="search-job-ask"),
    path("search/job/<slug:kind>/", search_desk.job, name="search-job"),
    path("search/queries/", search_desk.queries, name="search-queries"),
    path("search/try/", search_desk.try_it, name="search-try"),
    path("search/tuning/", search_tuning.tuning_page, name="search-tuning"),
    path("search/tuning/synonyms/", search_tuning.synonyms, name="search-synonyms"),
    path("search/tuning/synonyms/preview/", search_tuning.preview, name="search-synonym-preview"),
    path("search/tuning/synonyms/<int:pk>/remove/", search_tuning.remove_synonym, name="search-synonym-remove"),
    path("search/tuning/place/", search_tuning.place, name="search-place"),
    path("search/tuning/placements/<int:pk>/remove/", search_tuning.remove_placement, name="search-placement-remove"),
    path("search/tuning/placements/<int:pk>/move/", search_tuning.move_pin, name="search-pin-move"),
]

api_urlpatterns = [
    path("search", api.Search.as_view(), name="search"),
    path("suggest", api.Suggest.as_view(), name="suggest"),
]
