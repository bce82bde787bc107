from django.urls import path

from analytics.views import article_evidence, desk, next_article, search, stayed

help_urlpatterns = [path("stayed/", stayed.stayed, name="stayed")]

desk_urlpatterns = [
    path("", desk.home, name="home"),
    path("journeys/", desk.journey_list, name="journeys"),
    path("journeys/<int:pk>/", desk.journey, name="journey"),
    path("views/", desk.views, name="article-views"),
    path("exposures/<int:variant>/", desk.exposures, name="exposures"),
    path("evidence/", desk.evidence, name="evidence"),
    path("metrics/", desk.metrics, name="metrics"),
    path("articles/<int:pk>/evidence/", article_evidence.panel, name="article-evidence"),
    path("articles/next/", next_article.page, name="next-article"),
    path("articles/next/draft/", next_article.draft, name="next-draft"),
    path("articles/next/dismiss/", next_article.dismiss, name="next-dismiss"),
    path("search/learning/", search.learning, name="search-learning"),
]
