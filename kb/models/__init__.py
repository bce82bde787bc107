from kb.models.article import Article, ArticleState, Category, CategoryText, Draft, Redirect, Revision, Visibility
from kb.models.experiment import Experiment, ExperimentState, Exposure, Variant
from kb.models.feedback import Vote, VoteReason
from kb.models.postings import IndexedArticle, IndexStep, LexiconChange, LexiconWord, Posting, TitleWord
from kb.models.search import (
    ArticleVector,
    IndexChange,
    Placement,
    PlacementKind,
    PopularQuery,
    SearchClick,
    SearchKind,
    SearchLog,
    SearchSignal,
    Synonym,
)

__all__ = [
    "Article",
    "ArticleState",
    "ArticleVector",
    "Category",
    "CategoryText",
    "Draft",
    "Experiment",
    "ExperimentState",
    "Exposure",
    "IndexChange",
    "IndexStep",
    "IndexedArticle",
    "LexiconChange",
    "LexiconWord",
    "Placement",
    "PlacementKind",
    "PopularQuery",
    "Posting",
    "Redirect",
    "Revision",
    "SearchClick",
    "SearchKind",
    "SearchLog",
    "SearchSignal",
    "Synonym",
    "TitleWord",
    "Variant",
    "Visibility",
    "Vote",
    "VoteReason",
]
