from django.urls import path

from analytics.views import desk, search

desk_urlpatterns = [
    path("", desk.home, name="home"),
    path("journeys/", desk.journey_list, name="journeys"),
    path("journeys/<int:pk>/", desk.journey, name="journey"),
    path("views/", desk.views, name="article-views"),
    path("exposures/<int:variant>/", desk.exposures, name="exposures"),
    path("evidence/", desk.evidence, name="evidence"),
    path("metrics/", desk.metrics, name="metrics"),
    path("search/learning/", search.learning, name="search-learning"),
]
