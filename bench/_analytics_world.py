"""A shop's year, written past the pages: so many events, with the rows of other rooms that belong to them.

Visitors of whom some come again, searches with kb's log and what was opened, readings with their stays, votes, forms,
contacts by form and by e-mail with their codings, order look-ups and ties. All of one seed: the same number is the
same year.
One day, two weeks before the end, is kept back until Year.come_late().
"""

from __future__ import annotations

import random
import uuid
from collections import defaultdict, deque
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from bench._search_figures import say

BEGINNING = datetime(2025, 11, 17, tzinfo=UTC)
WEEKS = 52
END = BEGINNING + timedelta(weeks=WEEKS)
LATE = END - timedelta(days=15)  # the day that begins then comes late
TOPICS = ("delivery", "returns", "refunds", "order_status", "product", "payment", "account", "damaged")
LOCALES = ("en", "en", "en", "es", "de", "pt-br", "ar")
ARTICLES = 300
_AT_ONCE = 20_000  # journeys between two writings
_COMING_AGAIN = 100_000  # visitors who may
_PER_JOURNEY = 3.75  # events, about; the last week is cut or stretched by what this is wrong

_EVENTS = "analytics_event (kind, at, visitor, person, is_returning, article_id, revision_id, variant_id, contact_id, seconds, scrolled, search_id, topic, locale, data)"  # noqa: E501
_SEARCHES = "kb_searchlog (id, at, visitor, kind, text, key, locale, categories, corrected, is_verbatim, total, shown, other_locale, engine, is_fallback, took_ms, error, ranking)"  # noqa: E501
_CLICKS = "kb_searchclick (search_id, article_id, position, at)"
_VOTES = "kb_vote (revision_id, visitor, is_helpful, reason, comment, at)"
_CONTACTS = "contacts_contact (id, reference, source, external_id, visitor, person, email, name, subject, message, order_number, locale, after_article_id, received_at)"  # noqa: E501
_CODINGS = "contacts_coding (contact_id, reason_id, coder, confidence, at)"
_TIES = "analytics_identity (visitor, person, how, at)"
_LATE_TABLES = (_SEARCHES, _CLICKS, _CONTACTS, _CODINGS, _EVENTS, _TIES)
_N = r"\N"

Rows = dict[str, list[str]]


@dataclass(frozen=True)
class _Text:
    """An article that can be read."""

    id: int
    revision: int
    topic: str
    locale: str


@dataclass
class Year:
    """What was written, and what was kept back."""

    events: int
    late: Rows
    txid: int = 0  # of a transaction after which no more of the year was written

    def come_late(self) -> int:
        """Write the day that was kept back; how many events."""
        from analytics.simulation.bulk import _copier

        with _copier() as copy:
            for table in _LATE_TABLES:
                copy(table, self.late.get(table, []))
        return len(self.late[_EVENTS])

    def go_back(self) -> None:
        """Take away what came after the year was written: the day, and what settling told of contacts."""
        from django.db import connection

        def firsts(table: str) -> list[str]:
            return [row.partition("\t")[0] for row in self.late.get(table, [])]

        with connection.cursor() as cursor:
            cursor.execute("DELETE FROM analytics_event WHERE txid > %s", [self.txid])
            cursor.execute("DELETE FROM analytics_identity WHERE txid > %s", [self.txid])
            for table, column in (("contacts_coding", "contact_id"), ("analytics_autopsyfinding", "contact_id"),
                                  ("contacts_contact", "id")):  # fmt: skip
                cursor.execute(f"DELETE FROM {table} WHERE {column} = ANY(%s::int[])", [firsts(_CONTACTS)])
            cursor.execute("DELETE FROM kb_searchclick WHERE search_id = ANY(%s::uuid[])", [firsts(_CLICKS)])
            cursor.execute("DELETE FROM kb_searchlog WHERE id = ANY(%s::uuid[])", [firsts(_SEARCHES)])
            for table in _LATE_TABLES:
                cursor.execute(f"VACUUM ANALYZE {table.split()[0]}")


def build(number: int, *, seed: int = 1) -> Year:
    """Write a year of about so many events."""
    from django.db import connection

    from analytics import partitions
    from analytics.simulation.bulk import _copier
    from core import clock

    with clock.frozen(BEGINNING):
        partitions.AHEAD, ahead = WEEKS, partitions.AHEAD
        partitions.look_after()
        partitions.AHEAD = ahead
    crowd = _Crowd(_articles(), _reasons(), random.Random(seed))
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE kb_vote DISABLE TRIGGER vote_is_counted")
    step = timedelta(weeks=WEEKS) / max(1, int(number / _PER_JOURNEY))
    at, written, late, rows, gathered = BEGINNING, 0, defaultdict(list), defaultdict(list), 0
    with _copier() as copy:
        while at < END:
            crowd.journey(at, late if LATE <= at < LATE + timedelta(days=1) else rows)
            at, gathered = at + step, gathered + 1
            if gathered % _AT_ONCE == 0 or at >= END:
                written += len(rows[_EVENTS])
                for table in (_SEARCHES, _CLICKS, _VOTES, _CONTACTS, _CODINGS, _EVENTS, _TIES):
                    copy(table, rows.pop(table, []))
    _finish(crowd)
    say(f"  a year of {written} events, {crowd.contacts} contacts, {len(late[_EVENTS])} events come late")
    return Year(written, dict(late))


def _finish(crowd: _Crowd) -> None:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute("""
            INSERT INTO kb_votecount AS c (revision_id, votes, yes)
            SELECT revision_id, count(*), count(*) FILTER (WHERE is_helpful) FROM kb_vote GROUP BY revision_id
            ON CONFLICT (revision_id) DO UPDATE SET votes = EXCLUDED.votes, yes = EXCLUDED.yes
        """)
        cursor.execute("ALTER TABLE kb_vote ENABLE TRIGGER vote_is_counted")
        cursor.execute("SELECT setval(pg_get_serial_sequence('contacts_contact', 'id'), %s)", [crowd.contacts + 1])
        for table in (_EVENTS, _SEARCHES, _CLICKS, _VOTES, _CONTACTS, _CODINGS, _TIES):
            cursor.execute(f"VACUUM ANALYZE {table.split()[0]}")


def _articles() -> list[_Text]:
    from kb.models import Article, Category, CategoryText, Revision

    made = []
    shelves = {topic: Category.objects.create(key=topic, topic=topic) for topic in TOPICS}
    for topic, shelf in shelves.items():
        CategoryText.objects.create(category=shelf, locale="en", slug=topic, name=topic.title(), description="")
    for number in range(ARTICLES):
        topic, locale = TOPICS[number % len(TOPICS)], LOCALES[number % len(LOCALES)]
        article = Article.objects.create(locale=locale, slug=f"article-{number}", category=shelves[topic])
        title = f"{topic.title()}: question {number}"
        revision = Revision.objects.create(
            article=article, number=1, title=title, body="It is.", html="<p>It is.", text="It is.", created_at=BEGINNING
        )
        Article.objects.filter(pk=article.pk).update(live_revision=revision, state="published")
        made.append(_Text(article.pk, revision.pk, topic, locale))
    return made


def _reasons() -> dict[str, list[int]]:
    """Topic → ids of its codes."""
    from contacts.models import ReasonCode

    found = {}
    for topic in TOPICS:
        top = ReasonCode.objects.get_or_create(code=topic, defaults={"name": topic.title()})[0]
        below = [
            ReasonCode.objects.get_or_create(code=f"{topic}-{n}", defaults={"name": f"{topic} {n}", "parent": top})[0]
            for n in range(3)
        ]
        found[topic] = [top.pk, *(reason.pk for reason in below)]
    return found


class _Crowd:
    """Visitors, one journey after the other."""

    def __init__(self, texts: list[_Text], reasons: dict[str, list[int]], chance: random.Random) -> None:
        self.texts, self.reasons, self.chance = texts, reasons, chance
        self.known: deque[tuple[str, str]] = deque(maxlen=_COMING_AGAIN)  # visitor and, where tied, person
        self.contacts = 0
        self.voted: set[tuple[str, int]] = set()

    def journey(self, at: datetime, rows: Rows) -> None:
        chance = self.chance
        is_back = bool(self.known) and chance.random() < 0.3
        visitor, person = chance.choice(self.known) if is_back else (self._uuid(), "")
        if not person and chance.random() < 0.2:
            person = self._uuid().replace("-", "")
            how = "link" if chance.random() < 0.7 else "lookup"
            rows[_TIES].append(f"{visitor}\t{person}\t{how}\t{at.isoformat()}\n")
        if not is_back:
            self.known.append((visitor, person))
        self._look_round(at, visitor, person, is_back=is_back, rows=rows)

    def _look_round(self, at: datetime, visitor: str, person: str, *, is_back: bool, rows: Rows) -> None:
        chance, seconds, events = self.chance, 0.0, rows[_EVENTS]
        text = self._text()
        topic, locale = text.topic, text.locale

        def event(kind: str, facts: str, *, about: str = topic, who: str = "", data: str = _N) -> None:
            nonlocal is_back
            when = (at + timedelta(seconds=seconds)).isoformat()
            back = "t" if is_back else "f"
            events.append(f"{kind}\t{when}\t{visitor}\t{who}\t{back}\t{facts}\t{about}\t{locale}\t{data}\n")
            is_back = True

        nothing = "\t".join([_N] * 7)
        if chance.random() < 0.5:
            event("help", nothing, about=topic if chance.random() < 0.4 else "")
        reads = chance.choice((0, 1, 1, 1, 2, 2, 3))
        if chance.random() < 0.5:
            seconds += 10
            search = self._search(at + timedelta(seconds=seconds), visitor, text, rows, is_opened=reads > 0)
            event("search", "\t".join([*[_N] * 6, search]))
        for number in range(reads):
            seconds += chance.uniform(5, 120)
            text = self._text() if number else text
            facts = f"{text.id}\t{text.revision}\t{_N}\t{_N}"
            event("read", f"{facts}\t{_N}\t{_N}\t{_N}", about=text.topic)
            seconds += 40
            if chance.random() < 0.7:
                stay = f"{chance.randrange(2, 300)}\t{chance.randrange(10, 101)}"
                event("stayed", f"{facts}\t{stay}\t{_N}", about="")
            if chance.random() < 0.08:
                self._vote(at + timedelta(seconds=seconds), visitor, text, rows, event)
        if chance.random() < 0.1:
            seconds += 20
            event("form", nothing, about="", data=f'{{"form_id": "{self._uuid()}"}}')
            if chance.random() < 0.6:
                seconds += 60
                self._contact(at + timedelta(seconds=seconds), visitor, person, text, rows)
        elif person and chance.random() < 0.12:
            self._contact(at + timedelta(days=chance.expovariate(0.5)), "", person, text, rows)
        if person and chance.random() < 0.2:
            seconds += 30
            event("order", nothing, about="", who=person, data=f'{{"order_id": {chance.randrange(1, 1_000_000)}}}')

    def _text(self) -> _Text:
        return self.texts[int(self.chance.paretovariate(0.9)) % len(self.texts)]

    def _uuid(self) -> str:
        return str(uuid.UUID(int=self.chance.getrandbits(128), version=4))

    def _search(self, at: datetime, visitor: str, text: _Text, rows: Rows, *, is_opened: bool) -> str:
        search, chance = self._uuid(), self.chance
        words = f"{text.topic} {int(chance.paretovariate(0.8)) % 3000}"
        shown = "{}" if chance.random() < 0.1 else f"{{{text.id}}}"
        total = int(shown != "{}")
        rows[_SEARCHES].append(
            f"{search}\t{at.isoformat()}\t{visitor}\tpage\t{words}\t{words}\t{text.locale}\t{{}}\t\tf\t{total}"
            f"\t{shown}\t\tours/1\tf\t3.5\t\t\n"
        )
        if is_opened and shown != "{}":
            rows[_CLICKS].append(f"{search}\t{text.id}\t1\t{(at + timedelta(seconds=4)).isoformat()}\n")
        return search

    def _vote(self, at: datetime, visitor: str, text: _Text, rows: Rows, event) -> None:  # type: ignore[no-untyped-def]
        word = self.chance.random() < 0.7
        facts = f"{text.id}\t{text.revision}" + f"\t{_N}" * 5
        event("vote", facts, about=text.topic, data=f'{{"is_helpful": {str(word).lower()}}}')
        key = (visitor, text.revision)
        if key not in self.voted:
            self.voted.add(key)
            rows[_VOTES].append(f"{text.revision}\t{visitor}\t{'t' if word else 'f'}\t\t\t{at.isoformat()}\n")

    def _contact(self, at: datetime, visitor: str, person: str, text: _Text, rows: Rows) -> None:
        chance = self.chance
        self.contacts += 1
        number, when = self.contacts, min(at, END - timedelta(seconds=1)).isoformat()
        source = "form" if visitor else "email"
        who = person or self._uuid().replace("-", "")
        rows[_CONTACTS].append(
            f"{number}\tC{number:09}\t{source}\tx{number}\t{visitor or _N}\t{who}\tr{number}@example.com\tReader"
            f"\tA question\tWhere is it?\t\t{text.locale}\t{text.id if visitor else _N}\t{when}\n"
        )
        topic = text.topic if chance.random() < 0.8 else chance.choice(TOPICS)
        reason = chance.randrange(4)
        code = topic if not reason else f"{topic}-{reason - 1}"
        if is_coded := chance.random() < 0.9:
            rows[_CODINGS].append(f"{number}\t{self.reasons[topic][reason]}\trule\t0.9\t{when}\n")
        said = f'{{"reason": "{code if is_coded else ""}", "source": "{source}"}}'
        nothing = f"{_N}\t{_N}\t{_N}\t{number}\t{_N}\t{_N}\t{_N}"
        rows[_EVENTS].append(
            f"contact\t{when}\t{visitor or _N}\t{who}\tf\t{nothing}\t{topic if is_coded else ''}\t\t{said}\n"
        )
        if visitor and not person:
            rows[_TIES].append(f"{visitor}\t{who}\tcontact\t{when}\n")
