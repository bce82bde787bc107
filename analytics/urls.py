from django.urls import path

from analytics import api, api_reports
from analytics.views import (
    article_evidence,
    articles_scorecard,
    dashboard,
    desk,
    effects,
    experiment_actions,
    experiment_list,
    experiment_planning,
    experiment_result,
    exposures,
    next_article,
    report_files,
    search,
    stayed,
)

help_urlpatterns = [path("stayed/", stayed.stayed, name="stayed")]

desk_urlpatterns = [
    path("", desk.home, name="home"),
    path("views/saved/", dashboard.save_view, name="saved-view"),
    path("views/saved/<int:pk>/delete/", dashboard.remove_view, name="saved-view-remove"),
    path("markers/", dashboard.marker_list, name="markers"),
    path("markers/<int:pk>/remove/", dashboard.remove_marker, name="marker-remove"),
    path("journeys/", desk.journey_list, name="journeys"),
    path("journeys/<int:pk>/", desk.journey, name="journey"),
    path("views/", desk.views, name="article-views"),
    path("exposures/<int:variant>/", exposures.page, name="exposures"),
    path("evidence/", desk.evidence, name="evidence"),
    path("effects/", effects.page, name="effects"),
    path("effects/visits/", effects.visits, name="effect-visits"),
    path("effects/costs/", effects.costs, name="costs"),
    path("metrics/", desk.metrics, name="metrics"),
    path("reports/<slug:name>/", report_files.page, name="report"),
    path("reports/<slug:name>/<slug:table>.csv", report_files.table, name="report-csv"),
    path("articles/<int:pk>/evidence/", article_evidence.panel, name="article-evidence"),
    path("results/", articles_scorecard.page, name="article-scorecards"),
    path("results/<int:pk>/", articles_scorecard.one, name="article-scorecard"),
    path("articles/next/", next_article.page, name="next-article"),
    path("articles/next/draft/", next_article.draft, name="next-draft"),
    path("articles/next/dismiss/", next_article.dismiss, name="next-dismiss"),
    path("experiments/", experiment_list.page, name="experiments"),
    path("experiments/<int:pk>/", experiment_result.page, name="experiment"),
    path("experiments/<int:pk>/look/", experiment_result.look, name="experiment-look"),
    path("experiments/<int:pk>/result.<slug:kind>", experiment_result.export, name="experiment-export"),
    path("experiments/<int:pk>/texts/", experiment_planning.compare, name="experiment-compare"),
    path("experiments/<int:pk>/hypothesis/", experiment_planning.hypothesis, name="experiment-hypothesis"),
    path("experiments/<int:pk>/plan/", experiment_planning.plan, name="experiment-plan"),
    path("experiments/<int:pk>/plan/figures/", experiment_planning.figures, name="experiment-figures"),
    path("experiments/<int:pk>/start/", experiment_planning.start, name="experiment-start"),
    path("experiments/<int:pk>/do/<slug:name>/", experiment_actions.act, name="experiment-act"),
    path("search/health/", search.health, name="search-health"),
    path("search/health/query/", search.one_query, name="search-query"),
    path("search/learning/", search.learning, name="search-learning"),
]

api_urlpatterns = [
    path("experiments", api.Experiments.as_view(), name="experiments"),
    path("experiments/<int:pk>", api.OneExperiment.as_view(), name="experiment"),
    path("reports", api_reports.Reports.as_view(), name="reports"),
    path("reports/<slug:name>", api_reports.OneReport.as_view(), name="report"),
]
