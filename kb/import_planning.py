"""What an import would do with each article, before it does it: a dry run ends here."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Sequence
from dataclasses import replace

from django.contrib.auth.models import User
from django.db.models import Q

from kb import categories, import_leads, old_addresses, piece_uses, placeholders, publishing, upkeep
from kb.experiment_life import LIVE
from kb.import_plans import COMMENT, Plan, standing, standing_of
from kb.models import (
    Article,
    ArticleState,
    Category,
    Experiment,
    ImportMark,
    ImportOutcome,
    OldAddress,
    Revision,
)
from kb.porting.facts import ARCHIVED, DRAFT, PUBLISHED, ImportedArticle, ImportedCategory, ImportedPiece, Note
from kb.publishing import Text


class Planner:
    """Plans batches, one after the other. What a dry run would have made, the next batch of it finds as if it was."""

    def __init__(self, *, source: str, as_drafts: bool, overwrites: bool, is_dry: bool) -> None:
        self._source = source
        self._as_drafts = as_drafts
        self._overwrites = overwrites
        self._is_dry = is_dry
        self._declared: dict[str, ImportedCategory] = {}
        self._shelves: dict[tuple[str, str], Category | None] = {}
        self._planned_slugs: set[tuple[str, str]] = set()  # of a dry run
        self._planned_groups: dict[tuple[str, str], uuid.UUID] = {}
        self._pieces: set[tuple[str, str]] = set()  # that come along
        self._people: dict[str, User | None] = {}

    def source_of(self, item: ImportedArticle) -> str:
        """Where the article comes from. One that was written on a desk comes from nowhere."""
        return item.source or (self._source if item.id else "")

    def forget(self) -> None:
        """What was found or made may have gone with its transaction."""
        self._shelves.clear()

    def expect(self, piece: ImportedPiece) -> None:
        """A fact or block that comes along, and that a dry run therefore need not find."""
        self._pieces.add((piece.sort, piece.key))

    def marks(self, items: Sequence[ImportedArticle]) -> dict[tuple[str, str, str], str]:
        """By key(): the hash under which these were stored last, of those that were."""
        if not items:
            return {}
        ids, groups = _names(items)
        rows = ImportMark.objects.filter(
            Q(article__external_id__in=ids) | Q(article__translation_group__in=groups)
        ).values_list("article__source", "article__external_id", "article__translation_group", "article__locale",
                      "file_hash")  # fmt: skip
        return {
            (source, id, locale) if id else ("", str(group), locale): hash for source, id, group, locale, hash in rows
        }

    def declare(self, shelf: ImportedCategory) -> None:
        """A shelf that articles of this import may name by its key."""
        if shelf.is_ours and not self._is_dry:
            category = categories.store(shelf)
            for locale, slugs in shelf.old_slugs.items():
                old_addresses.keep_of_category(category, [(locale, f"/{locale}/c/{slug}/") for slug in slugs])
            old_addresses.keep_of_category(category, shelf.old_addresses)
        self._declared[shelf.key] = shelf

    def plan(self, items: Sequence[ImportedArticle]) -> list[Plan]:
        """In the order of `items`. Shelves that are missing are made here, unless it is a dry run."""
        known, groups, marks = self._known(items)
        tested = set(
            Experiment.objects.filter(article__in=[article.pk for article in known.values()], state__in=LIVE)
            .values_list("article_id", flat=True)
        )  # fmt: skip
        taken = self._taken_slugs([item for item in items if self.key(item) not in known])
        keys = {old_addresses.key(address) for item in items for address in item.old_addresses}
        held: dict[str, int | None] = (
            dict(OldAddress.objects.filter(path__in=keys).values_list("path", "article_id")) if keys else {}
        )
        plans = []
        for item in items:
            article = known.get(self.key(item))
            if article is None:
                plan = self._new(item, groups, taken)
            else:
                plan = self._again(item, article, marks.get(article.pk), article.pk in tested)
            if plan.outcome in (ImportOutcome.NEW, ImportOutcome.CHANGED):
                plan = self._filled(plan)
                if item.old_addresses:
                    self._lead_on(plan, held)
            plans.append(plan)
        return plans

    def key(self, item: ImportedArticle) -> tuple[str, str, str]:
        """What it is known again by."""
        return self.source_of(item), item.id or item.group, item.locale

    def _known(
        self, items: Sequence[ImportedArticle]
    ) -> tuple[dict[tuple[str, str, str], Article], dict[tuple[str, str], uuid.UUID], dict[int, tuple[str, str]]]:
        """Articles by (source, id or group, locale); groups by (source, id); (file's hash, desk's hash) by article."""
        ids, wanted = _names(items)
        found = Article.objects.filter(Q(external_id__in=ids) | Q(translation_group__in=wanted))
        known: dict[tuple[str, str, str], Article] = {}
        groups = dict(self._planned_groups)
        for article in found.select_related("live_revision", "draft"):
            if article.external_id:
                known[article.source, article.external_id, article.locale] = article
                groups[article.source, article.external_id] = article.translation_group
            else:
                known["", str(article.translation_group), article.locale] = article
        pks = [article.pk for article in known.values()]
        marks = {
            pk: (file, text)
            for pk, file, text in ImportMark.objects.filter(article__in=pks).values_list(
                "article_id", "file_hash", "text_hash"
            )
        }
        # Imported before there were marks: the revision that the import made tells what the file said.
        for pk, *text in (
            Revision.objects.filter(article__in=set(pks) - set(marks), comment=COMMENT)
            .order_by("number")
            .values_list("article_id", "title", "summary", "body")
        ):
            marks[pk] = ("", standing(Text(*text), Text(*text)))
        return known, groups, marks

    def _taken_slugs(self, items: Sequence[ImportedArticle]) -> set[tuple[str, str]]:
        """(locale, slug) of articles that begin with what one of these wants."""
        wanted = {publishing.slug_of(item.slug or placeholders.without(item.title)) for item in items}
        if not wanted:
            return set(self._planned_slugs)
        # "-2" and the like behind it: whoever is found is looked at again where it is made.
        found = Article.objects.filter(slug__in=[slug for stem in wanted for slug in _numbered(stem, 20)])
        return set(found.values_list("locale", "slug")) | self._planned_slugs

    def _new(
        self, item: ImportedArticle, groups: dict[tuple[str, str], uuid.UUID], taken: set[tuple[str, str]]
    ) -> Plan:
        category, shelf_note = self._shelf(item)
        owner, owner_note = self._owner(item, "It comes in without one")
        notes = [*item.notes, *filter(None, (shelf_note, owner_note))]
        wanted = publishing.slug_of(item.slug or placeholders.without(item.title))
        slug = next((slug for slug in _numbered(wanted, 500) if (item.locale, slug) not in taken), "")
        slug = slug or f"{wanted[:70]}-{uuid.uuid4().hex}"
        taken.add((item.locale, slug))
        if item.slug and slug != wanted:
            what = f"Another article has the address “{wanted}”: this one is at “{slug}”."
            notes.append(Note("slug", what, "Change one of them on the desk, if you like."))
        source = self.source_of(item)
        group = uuid.UUID(item.group) if item.group else groups.get((source, item.id)) or uuid.uuid4()
        if item.id:
            groups[source, item.id] = group
        if self._is_dry:
            self._planned_slugs.add((item.locale, slug))
            if item.id:
                self._planned_groups[source, item.id] = group
        return Plan(
            item=item,
            outcome=ImportOutcome.NEW,
            notes=tuple(notes),
            source=source,
            state=DRAFT if self._as_drafts else item.state or PUBLISHED,
            slug=slug,
            group=group,
            category=category,
            owner=owner,
            addresses=item.old_addresses,
        )

    def _again(self, item: ImportedArticle, article: Article, mark: tuple[str, str] | None, is_tested: bool) -> Plan:
        category, shelf_note = self._shelf(item)
        owner, owner_note = self._owner(item, "It stays as it is")
        notes = (*item.notes, *filter(None, (shelf_note, owner_note)))
        plan = Plan(
            item=item,
            outcome=ImportOutcome.CHANGED,
            notes=notes,
            source=article.source,
            state=DRAFT if self._as_drafts else item.state or PUBLISHED,
            slug=article.slug,
            group=article.translation_group,
            category=category,
            known=article,
            owner=owner,
            addresses=item.old_addresses,
        )
        file_hash, text_hash = mark or ("", "")
        here = standing_of(article)
        is_same_text = plan.standing == here or (
            text_hash == plan.standing if not file_hash else False
        )  # the file's, as it was stored last or as it is now
        is_same_place = category is not None and article.category_id == category.pk
        is_same_place &= item.visibility in ("", article.visibility)
        is_same_place &= owner is None or owner.pk == article.owner_id
        is_same_place &= plan.review_by(article.review_by) == article.review_by
        is_same_place &= item.leads_to in ("", import_leads.address_of(article))
        is_same_state = article.state == (item.state or article.state) or self._as_drafts
        if file_hash == item.digest() or (is_same_text and is_same_place and is_same_state):
            return replace(
                plan, outcome=ImportOutcome.UNCHANGED, notes=tuple(note for note in item.notes if note.is_refusal)
            )
        if is_tested and not is_same_text:
            what = "A test is running on this article, and its texts must not change. Stop the test first."
            return plan.refused(Note("", what, "Then import again."))
        if article.state == ArticleState.ARCHIVED and plan.state != ARCHIVED:
            what, to_do = "The article was archived on the desk.", "Publish it there, or leave the row out."
            return plan.refused(Note("", what, to_do), ImportOutcome.CONFLICT)
        if not is_same_text and text_hash != here and not self._overwrites:
            return plan.refused(_conflict(article, has_mark=bool(text_hash)), ImportOutcome.CONFLICT)
        return plan

    def _filled(self, plan: Plan) -> Plan:
        """Refused where customers would read a text with a fact or block that is not there."""
        if plan.state != PUBLISHED or not placeholders.mentioned(*plan.item.text):
            return plan
        try:
            piece_uses.filled(plan.text, plan.item.locale)
        except publishing.PublishingError as error:
            if self._is_dry and isinstance(error, piece_uses.Unfillable) and self._come_along(error):
                return plan
            to_do = "Make it on the desk, or bring facts.yaml along beside the articles; then import again."
            note = Note("body", str(error), to_do)
            # In a dry run what comes along is not made yet.
            return replace(plan, notes=(*plan.notes, note)) if self._is_dry else plan.refused(note)
        return plan

    def _come_along(self, error: piece_uses.Unfillable) -> bool:
        return all((problem.sort, problem.key) in self._pieces for problem in error.problems)

    def _owner(self, item: ImportedArticle, otherwise: str) -> tuple[User | None, Note | None]:
        """Who of the staff the file means; a note where it is nobody, or could be several."""
        word = item.owner
        if not word:
            return None, None
        if word not in self._people:
            found = list(upkeep.owners().filter(Q(username=word) | Q(email__iexact=word))[:3])
            named = [user for user in found if user.get_username() == word] or found
            self._people[word] = named[0] if len(named) == 1 else None
        if (owner := self._people[word]) is not None:
            return owner, None
        what = f"Nobody of the staff, or more than one, goes by “{word}”. {otherwise}."
        return None, Note("owner", what, "Choose an owner on the desk.")

    def _shelf(self, item: ImportedArticle) -> tuple[Category | None, Note | None]:
        """The shelf, and a note where it is told for the first time that it is new or another than the file's."""
        key = (item.category, item.locale)
        if key in self._shelves:
            return self._shelves[key], None
        declared = self._declared.get(item.category)
        found = categories.find(item.category)
        note = None
        if found is None and declared is not None:
            found = next(filter(None, (categories.find(name) for name in declared.name.values())), None)
            if found is not None:
                what = f"The shelf “{next(iter(declared.name.values()))}” of the file is the shelf “{found.key}” here."
                note = Note("category", what, "Move the articles on the desk, if that is wrong.")
        if found is None:
            name = next(iter(declared.name.values())) if declared is not None else item.category
            if not any(category == item.category for category, _ in self._shelves):
                note = Note("category", f"There is no shelf “{name}” yet: it is made.", "Give it a topic on the desk.")
            if not self._is_dry:
                found = categories.store(declared) if declared else categories.find_or_make(name, item.locale)
        if found is not None and declared is not None and not self._is_dry:
            old_addresses.keep_of_category(found, declared.old_addresses)
        self._shelves[key] = found
        return found, note

    def _lead_on(self, plan: Plan, held: dict[str, int | None]) -> None:
        pk = plan.known.pk if plan.known else None
        refused = old_addresses.refusals(pk, plan.item.locale, plan.slug, plan.addresses, held)
        bad = {refusal.address for refusal in refused}
        plan.addresses = tuple(address for address in plan.addresses if address not in bad)
        for address in plan.addresses:
            held[old_addresses.key(address)] = pk or -id(plan)
        plan.notes += tuple(
            Note("redirect_from", f"{refusal.address} is not led here: {refusal.why}.") for refusal in refused
        )


def _names(items: Sequence[ImportedArticle]) -> tuple[set[str], set[str]]:
    """Ids, and the groups of those without."""
    return {item.id for item in items if item.id}, {item.group for item in items if item.group and not item.id}


def _numbered(stem: str, most: int) -> Iterator[str]:
    yield stem
    for number in range(2, most + 1):
        yield f"{stem}-{number}"


def _conflict(article: Article, *, has_mark: bool) -> Note:
    live = article.live_revision
    if live is not None and Text.of(article.draft) != Text.of(live):
        what = "Its draft on the desk holds changes that are not published."
        return Note("", what, "Publish or undo them, then import; or overwrite them.")
    since = "since it was imported" if has_mark else "and never imported"
    return Note("", f"The article was changed on the desk {since}.", "Keep it, or import again and overwrite it.")
