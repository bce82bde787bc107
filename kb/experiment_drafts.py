"""A test while it is being planned: which frozen texts it will compare. It is a row from the first step on.

There is at most one draft of a test on an article: whoever goes on with it goes on with the same one.
"""

from __future__ import annotations

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from kb import changing, experiments, publishing
from kb.experiments import Arm, ExperimentError
from kb.models import Article, Experiment, ExperimentState, Revision
from kb.publishing import Text

KEYS = "abcde"  # of the arms; the first is the text that is live


def on(article: Article) -> Experiment | None:
    """The draft of a test on this article; the newest where there are several."""
    return Experiment.objects.filter(article=article, state=ExperimentState.DRAFT).order_by("-pk").first()


@transaction.atomic
def begin(article: Article, *, version: int, by: User) -> tuple[Experiment, str]:
    """Freeze the article's draft as an arm against the live text: of a new draft of a test, or of the one that there
    is. Returns it, and the key of the arm. `version` is the draft that the editor means.

    Raises ExperimentError, publishing.PublishingError.
    """
    article = changing.lock(article)
    draft = changing.draft_of(article, version)
    live = article.live_revision
    if live is None or article.state != "published":
        raise ExperimentError(_("Publish the article first: a test compares the draft with the live text."))
    if Text.of(draft) == Text.of(live):
        raise ExperimentError(_("The draft says the same as the live text. Change it, then test it."))
    if (running := experiments.live_on(article)) is not None:
        raise ExperimentError(
            _("“%(name)s” is running on this article. Decide it first; what you write stays in the draft.")
            % {"name": running.name}
        )
    planned = on(article)
    if planned is not None and (known := _arm_that_says(planned, Text.of(draft))):
        return planned, known
    if planned is not None:
        key = free_key(planned)
        frozen = publishing.freeze(article, version=version, by=by, comment=_("text %(key)s of a test") % {"key": key})
        add(planned, frozen, by=by)
        return planned, key
    frozen = publishing.freeze(article, version=version, by=by, comment=_("text b of a test"))
    planned = experiments.create(
        article, name=live.title[:120], control=Arm(KEYS[0], live), others=[Arm(KEYS[1], frozen)], by=by
    )
    return planned, KEYS[1]


def add(experiment: Experiment, revision: Revision, *, by: User) -> str:
    """One more frozen text of the article; returns its key. Raises ExperimentError."""
    if revision.article_id != experiment.article_id:
        raise ExperimentError(_("The texts of a test must all belong to its article."))
    arms = arms_of(experiment)
    if any(arm.revision.pk == revision.pk or Text.of(arm.revision) == Text.of(revision) for arm in arms):
        raise ExperimentError(_("This text is in the test already."))
    key = free_key(experiment)
    _revise(experiment, [*arms, Arm(key, revision)], by=by)
    return key


def remove(experiment: Experiment, key: str, *, by: User) -> None:
    """Without this text. Raises ExperimentError."""
    arms = arms_of(experiment)
    if key == arms[0].key:
        raise ExperimentError(_("The live text stays: it is what the others are compared with."))
    left = [arm for arm in arms if arm.key != key]
    if len(left) == len(arms):
        raise ExperimentError(_("This text is not in the test any more."))
    if len(left) < 2:
        raise ExperimentError(_("A test needs at least two texts. Add another one first, or discard the test."))
    _revise(experiment, left, by=by)


def renew_control(experiment: Experiment, *, by: User) -> None:
    """Compare with what is live now. Raises ExperimentError."""
    live = experiment.article.live_revision
    if live is None:
        raise ExperimentError(_("The article is not published."))
    arms = arms_of(experiment)
    others = [arm for arm in arms[1:] if Text.of(arm.revision) != Text.of(live)]
    if not others:
        raise ExperimentError(_("The text that was to be tested is live now. Discard the test."))
    _revise(experiment, [Arm(arms[0].key, live, arms[0].weight), *others], by=by)


def arms_of(experiment: Experiment) -> list[Arm]:
    """As they are planned, the control first."""
    variants = experiment.variants.select_related("revision").order_by("-is_control", "key")
    return [Arm(variant.key, variant.revision, variant.weight) for variant in variants]


def free_key(experiment: Experiment) -> str:
    """Of the next arm. Raises ExperimentError where there are as many as a test can have."""
    taken = set(experiment.variants.values_list("key", flat=True))
    key = next((key for key in KEYS if key not in taken), "")
    if not key:
        raise ExperimentError(
            _("A test has at most %(number)s texts. Remove one before you add another.") % {"number": len(KEYS)}
        )
    return key


def is_control_live(experiment: Experiment) -> bool:
    """Whether the text that the others are compared with is still the live one."""
    article = experiment.article
    control = experiment.variants.filter(is_control=True).values_list("revision", flat=True).first()
    return article.state == "published" and control == article.live_revision_id


def _arm_that_says(experiment: Experiment, text: Text) -> str:
    return next((arm.key for arm in arms_of(experiment) if Text.of(arm.revision) == text), "")


def _revise(experiment: Experiment, arms: list[Arm], *, by: User) -> None:
    experiments.revise(experiment, control=arms[0], others=arms[1:], by=by)
