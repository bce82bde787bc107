"""kb's addresses: the help centre (mounted under /<locale>/), the editors' desk (/desk/) and the API (/api/v1/)."""

from __future__ import annotations

from django.urls import path

from kb import api
from kb.views import desk, editor, help, links, votes

app_name = "help"

urlpatterns = [
    path("", help.home, name="home"),
    path("c/<slug:slug>/", help.category, name="category"),
    path("a/<str:slug>/", help.article, name="article"),
    path("search/", help.search, name="search"),
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
]

api_urlpatterns = [
    path("search", api.Search.as_view(), name="search"),
    path("suggest", api.Suggest.as_view(), name="suggest"),
]
