"""kb's addresses: the help centre (mounted under /<locale>/), the editors' desk (/desk/) and the API (/api/v1/)."""

from __future__ import annotations

from django.urls import path, re_path

from kb import api
from kb.views import (
    around,
    article_address,
    autosave,
    care,
    choosing,
    desk,
    editor,
    finding,
    help,
    history,
    languages,
    links,
    piece_choices,
    pieces,
    porting,
    publishing_rules,
    review,
    schedule,
    search,
    search_desk,
    search_tests,
    search_tuning,
    translations,
    votes,
    writing,
)

app_name = "help"

urlpatterns = [
    path("", help.home, name="home"),
    path("c/<slug:slug>/", help.category, name="category"),
    path("a/<str:slug>/", help.article, name="article"),
    path("search/", search.search, name="search"),
    path("search/suggest", search.suggestions, name="search-suggest"),
    path("vote/", votes.vote, name="vote"),
    path("opensearch.xml", finding.opensearch, name="opensearch"),
    path("changes.atom", finding.changes, name="changes"),
    path("-/language/", languages.switch, name="switch-language"),
    path("-/a/<path:reference>", links.to_article, name="to-article"),
]

root_urlpatterns = [
    path("sitemap.xml", finding.sitemap, name="sitemap"),
    path("sitemap-pages.xml", finding.sitemap_pages, name="sitemap-pages"),
    path("sitemap-<int:number>.xml", finding.sitemap_part, name="sitemap-part"),
    path("robots.txt", finding.robots, name="robots"),
    path("favicon.ico", finding.favicon, name="favicon"),
    re_path(r"^pictures/(?P<digest>[0-9a-f]{32})(?P<half>-half)?\.webp$", writing.picture, name="picture"),
]

desk_urlpatterns = [
    path("publishing/", publishing_rules.page, name="publishing-rules"),
    path("articles/", desk.articles, name="articles"),
    path("articles/bulk/", desk.plan_bulk, name="bulk-plan"),
    path("articles/bulk/targets/", desk.bulk_targets, name="bulk-targets"),
    path("articles/bulk/<uuid:pk>/", desk.bulk_change, name="bulk"),
    path("articles/care/", care.todo, name="care"),
    path("articles/links/", care.links_page, name="links"),
    path("articles/new/", editor.new, name="article-new"),
    path("articles/preview/", writing.preview, name="article-preview"),
    path("articles/link-choices/", writing.link_choices, name="article-link-choices"),
    path("articles/pictures/", writing.pictures_page, name="pictures"),
    path("articles/pictures/upload/", writing.upload, name="picture-upload"),
    path("articles/port/", porting.port, name="article-port"),
    path("articles/port/export/", porting.export, name="article-port-export"),
    path("articles/port/<int:pk>/", porting.run, name="article-port-run"),
    path("articles/port/<int:pk>/begin/", porting.begin, name="article-port-begin"),
    path("articles/port/<int:pk>/report.csv", porting.report, name="article-port-report"),
    path("articles/<int:pk>/", editor.edit, name="article-edit"),
    path("articles/<int:pk>/autosave/", autosave.save, name="article-autosave"),
    path("articles/<int:pk>/here/", autosave.here, name="article-here"),
    path("articles/<int:pk>/choose/", choosing.choose, name="article-choose"),
    path("articles/<int:pk>/history/", history.history, name="article-history"),
    path("articles/<int:pk>/compare/", history.compare, name="article-compare"),
    path("articles/<int:pk>/revisions/<int:number>/", history.revision, name="article-revision"),
    path("articles/reviews/", review.overview, name="article-reviews"),
    path("articles/<int:pk>/review/", review.review, name="article-review"),
    path("articles/<int:pk>/review/comment/", review.comment, name="article-comment"),
    path("articles/<int:pk>/review/comments/<int:remark_id>/", review.resolve, name="article-comment-resolve"),
    path("articles/<int:pk>/review/<int:review_id>/end/", review.end, name="article-review-end"),
    path("articles/<int:pk>/plan/", schedule.plan, name="article-plan"),
    path("articles/<int:pk>/plan/<int:plan_id>/", schedule.change, name="article-plan-change"),
    path("articles/<int:pk>/address/", article_address.address, name="article-address"),
    path("articles/<int:pk>/archive/", article_address.archive, name="article-archive"),
    path("articles/<int:pk>/archive/choices/", article_address.choices, name="article-archive-choices"),
    path("articles/<int:pk>/links/", care.article_links, name="article-links"),
    path("articles/<int:pk>/look-after/", care.look_after, name="article-look-after"),
    path("articles/<int:pk>/translate/", translations.start, name="article-translate"),
    path("articles/<int:pk>/catch-up/", translations.catch_up, name="article-catch-up"),
    path("articles/<int:pk>/reviewed/", editor.reviewed, name="article-reviewed"),
    *(
        route
        for sort in ("fact", "block")
        for route in (
            path(f"{sort}s/", pieces.list_page, {"sort": sort}, name=f"{sort}s"),
            path(f"{sort}s/new/", pieces.new, {"sort": sort}, name=f"{sort}-new"),
            path(f"{sort}s/<slug:key>/", pieces.page, {"sort": sort}, name=sort),
            path(f"{sort}s/<slug:key>/progress/", pieces.progress, {"sort": sort}, name=f"{sort}-progress"),
            path(f"{sort}s/<slug:key>/archive/", pieces.archive, {"sort": sort}, name=f"{sort}-archive"),
            path(f"{sort}s/<slug:key>/<int:pk>/withdraw/", pieces.withdraw, {"sort": sort}, name=f"{sort}-withdraw"),
        )
    ),
    path("blocks/choices.json", piece_choices.choices, name="piece-choices"),
    path("notices/", around.notices_page, name="notices"),
    path("notices/<int:pk>/end/", around.end_notice, name="notice-end"),
    path("origins/", around.origins_page, name="origins"),
    path("origins/<int:pk>/remove/", around.remove_origin, name="origin-remove"),
    path("search/", search_desk.health, name="search"),
    path("search/jobs/<slug:kind>/", search_desk.ask_for_job, name="search-job-ask"),
    path("search/job/<slug:kind>/", search_desk.job, name="search-job"),
    path("search/try/", search_desk.try_it, name="search-try"),
    path("search/tests/", search_tests.page, name="search-tests"),
    path("search/tests/import/", search_tests.import_lines, name="search-tests-import"),
    path("search/tests/tests.csv", search_tests.export_lines, name="search-tests-export"),
    path("search/tests/<int:pk>/", search_tests.one, name="search-test"),
    path("search/tests/<int:pk>/remove/", search_tests.remove, name="search-test-remove"),
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
