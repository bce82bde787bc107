from kb.models.article import Article, ArticleState, Category, CategoryText, Draft, Redirect, Revision
from kb.models.experiment import Experiment, ExperimentState, Exposure, Variant
from kb.models.feedback import Vote, VoteReason
from kb.models.search import IndexChange

__all__ = [
    "Article",
    "ArticleState",
    "Category",
    "CategoryText",
    "Draft",
    "Experiment",
    "ExperimentState",
    "Exposure",
    "IndexChange",
    "Redirect",
    "Revision",
    "Variant",
    "Vote",
    "VoteReason",
]
