"""The shop's name and look as saved on the desk: what holds now, saving, and who changed what.

Every process asks the database at most once a second, so a change is everywhere within that time. `version()` names
what holds: whatever is made of it (a cached page, a style sheet) may be kept under that name for ever.
"""

from __future__ import annotations

import time
from dataclasses import asdict, dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db import IntegrityError, transaction
from django.db.models.functions import Length

from core import audit, brand_colours, brand_images, clock, contrast
from core.brand_look import DEFAULT_ACCENT, DEFAULT_NAME, Link, Look, Mark
from core.models import Brand, BrandImage

if TYPE_CHECKING:
    from django.contrib.auth.models import User

MOST_LINKS = 6
_FRESH_SECONDS = 1.0  # that this process may go on with what it read
_UNUSED_KEPT = timedelta(days=1)  # a logo that was tried in the preview and never saved


class Overtaken(Exception):
    """Somebody else saved meanwhile: `newest` is what they saved."""

    def __init__(self, newest: Brand) -> None:
        super().__init__(str(newest))
        self.newest = newest


@dataclass(frozen=True)
class Draft:
    """What a row of Brand says, an empty text being the default; logos by their digest."""

    name: str = ""
    mail_sender: str = ""
    accent: str = ""
    hero: str = ""
    logo: str = ""
    logo_dark: str = ""
    support_email: str = ""
    support_hours: str = ""
    links: tuple[Link, ...] = ()


@dataclass(frozen=True)
class Change:
    """One saved state beside the one before it: per field its name, then what it was and became ("" is the default)."""

    row: Brand
    what: tuple[tuple[str, str, str], ...]


_read: tuple[float, Look] | None = None  # when, by the monotonic clock, and what


def current() -> Look:
    """What customers see now; another process's change within a second. At most one query, and mostly none."""
    global _read
    last = _read
    if last is not None and time.monotonic() - last[0] < _FRESH_SECONDS:
        return last[1]
    row = newest()
    number = row.pk if row else 0
    # The settings' own look is made anew: it has no number to know it by.
    look = last[1] if last is not None and last[1].number == number > 0 else look_of(draft_of(row), number=number)
    _read = (time.monotonic(), look)
    return look


def version() -> str:
    """A name for what customers see now; another one after any change."""
    return current().version


def forget() -> None:
    """Ask the database at the next request."""
    global _read
    _read = None


def newest() -> Brand | None:
    return Brand.objects.order_by("-pk").first()


def draft_of(row: Brand | None) -> Draft:
    if row is None:
        return Draft()
    return Draft(
        name=row.name,
        mail_sender=row.mail_sender,
        accent=row.accent,
        hero=row.hero,
        logo=row.logo_id or "",
        logo_dark=row.logo_dark_id or "",
        support_email=row.support_email,
        support_hours=row.support_hours,
        links=tuple(Link(link["label"], link["url"]) for link in row.links),
    )


def look_of(draft: Draft, *, number: int = 0) -> Look:
    """The look that `draft` stands for, the settings filling what it leaves open. Raises ImproperlyConfigured where
    SHOP_ACCENT is no colour. Its `palette` raises ValueError where the draft's accent cannot be read.
    """
    accent = draft.accent or _default_accent()
    name = draft.name or settings.SHOP_NAME
    return Look(
        number=number,
        name=name,
        mail_sender=draft.mail_sender or name,
        accent=accent,
        hero=draft.hero or default_hero(accent),
        logo=_mark(draft.logo),
        logo_dark=_mark(draft.logo_dark),
        support_email=draft.support_email,
        support_hours=draft.support_hours,
        links=draft.links,
        is_own=draft != Draft() or (name, accent) != (DEFAULT_NAME, DEFAULT_ACCENT),
    )


def default() -> Look:
    """The look of the settings alone. Raises ImproperlyConfigured where SHOP_ACCENT is no colour."""
    return look_of(Draft())


def default_hero(accent: str) -> str:
    """The band's colour where none is chosen: the accent's hue, dark enough for white text."""
    seed = contrast.to_oklch(accent)
    return contrast.from_oklch(min(seed.lightness, 0.367), seed.chroma * 0.8, seed.hue)


def save(draft: Draft, *, after: int, by: User | None) -> bool:
    """Make `draft` what customers see, from the next second on. False where it is so already.

    `after` is the number of the look that was changed (Look.number). Raises Overtaken where a newer one is there,
    ValueError for an accent that cannot be read.
    """
    brand_colours.derive((look := look_of(draft)).accent, look.hero)  # or an error, before anything is written
    last = newest()
    if draft_of(last) == draft:  # sent twice, or nothing changed
        return False
    try:
        with transaction.atomic():
            made = Brand.objects.create(
                after=after,
                made_at=clock.now(),
                made_by=by,
                **{key: value for key, value in asdict(draft).items() if key not in ("logo", "logo_dark", "links")},
                logo_id=draft.logo or None,
                logo_dark_id=draft.logo_dark or None,
                links=[asdict(link) for link in draft.links],
            )
            changed = sorted(key for key, value in asdict(draft).items() if value != asdict(draft_of(last))[key])
            audit.record(by, "brand.changed", made, label=look.name, changed=changed)
    except IntegrityError as error:
        if (last := newest()) is None or last.pk == after:
            raise  # not somebody else's row, but a logo that is not there
        if draft_of(last) == draft:
            return False
        raise Overtaken(last) from error
    forget()
    _drop_unused_images()
    return True


def keep_image(logo: brand_images.Logo) -> BrandImage:
    """The row of a logo, made where this picture is new."""
    fields = {key: value for key, value in asdict(logo).items() if key != "digest"}
    made, _is_new = BrandImage.objects.get_or_create(digest=logo.digest, defaults={**fields, "made_at": clock.now()})
    return made


def known_image(digest: str) -> str:
    """`digest` where there is such a logo, else ""."""
    return digest if len(digest) == 64 and BrandImage.objects.filter(pk=digest).exists() else ""


def history(limit: int) -> list[Change]:
    """The newest changes first, each with what it changed."""
    rows = list(Brand.objects.select_related("made_by").order_by("-pk")[: limit + 1])
    before = [*rows[1:], None] if len(rows) <= limit else rows[1:]
    return [Change(row, _difference(draft_of(old), draft_of(row))) for row, old in zip(rows, before, strict=False)]


def _difference(old: Draft, new: Draft) -> tuple[tuple[str, str, str], ...]:
    return tuple(
        (key, _as_text(was), _as_text(getattr(new, key))) for key, was in vars(old).items() if was != getattr(new, key)
    )


def _as_text(value: str | tuple[Link, ...]) -> str:
    return value if isinstance(value, str) else ", ".join(f"{link.label} ({link.url})" for link in value)


def _default_accent() -> str:
    accent = contrast.parse(settings.SHOP_ACCENT)
    if accent is None:
        raise ImproperlyConfigured(f"SHOP_ACCENT={settings.SHOP_ACCENT!r} is not a colour. Write it as #1d5c42.")
    return brand_colours.judge_accent(accent).better or accent


def _mark(digest: str) -> Mark | None:
    if not digest:
        return None
    rows = BrandImage.objects.annotate(icon_bytes=Length("icon"))
    facts = ("digest", "width", "height", "darkest", "lightest", "has_own_ground", "icon_bytes")
    name, width, height, darkest, lightest, has_own_ground, icon_bytes = rows.values_list(*facts).get(pk=digest)
    return Mark(name, width, height, darkest, lightest, has_own_ground, has_icon=icon_bytes > 0)


def _drop_unused_images() -> None:
    used = Brand.objects.exclude(logo=None).values("logo"), Brand.objects.exclude(logo_dark=None).values("logo_dark")
    stale = BrandImage.objects.filter(made_at__lt=clock.now() - _UNUSED_KEPT)
    stale.exclude(pk__in=used[0]).exclude(pk__in=used[1]).delete()
