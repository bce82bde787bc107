from __future__ import annotations

from analytics import gap_clusters
from analytics.gap_clusters import Asked, cluster


def asked(key: str, weight: float = 1) -> Asked:
    return Asked(key, frozenset(key.split()), weight)


def keys(groups) -> list[list[str]]:
    return [[each.key for each in group] for group in groups]


def test_queries_that_share_most_of_their_words_are_one_and_the_heaviest_leads():
    groups = cluster(
        [asked("gift wrap", 2), asked("gift wrap order", 5), asked("cancel order", 4), asked("vat invoic", 3)]
    )
    assert keys(groups) == [["gift wrap order", "gift wrap"], ["cancel order"], ["vat invoic"]]


def test_a_word_that_every_query_has_joins_none():
    queries = [asked(f"order {word}") for word in ("gift", "cancel", "invoic", "colour", "stripe")]
    assert len(cluster(queries)) == 5


def test_a_cluster_never_grows_into_a_chain():
    groups = cluster([asked("a b", 3), asked("b c", 2), asked("c d", 1)])
    assert ["a b", "b c", "c d"] not in keys(groups)


def test_meaning_joins_clusters_without_a_word_in_common():
    near = {frozenset({"gift wrap", "present paper"}): 0.9}

    def meaning(one, other):
        return near.get(frozenset({one.key, other.key}))

    groups = cluster([asked("gift wrap", 3), asked("present paper", 2), asked("vat", 1)], meaning=meaning)
    assert keys(groups) == [["gift wrap", "present paper"], ["vat"]]


def test_the_work_is_bounded():
    queries = [asked(f"word{number} thing{number}", number) for number in range(2 * gap_clusters.MOST)]
    groups = cluster(queries)
    assert sum(map(len, groups)) == gap_clusters.MOST
    assert groups[0][0].key == f"word{2 * gap_clusters.MOST - 1} thing{2 * gap_clusters.MOST - 1}"
