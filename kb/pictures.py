"""Pictures in articles: taken from a file, found in texts, thrown away when no text has shown them for 30 days."""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from django.apps import apps
from django.core.files.uploadedfile import UploadedFile
from django.db import connection, models, transaction

from core import audit, clock
from kb import picture_files, rendering_blocks
from kb.models import DraftStep, Picture

if TYPE_CHECKING:
    from django.contrib.auth.models import User

logger = logging.getLogger("preempt.kb")

KEPT_UNUSED = timedelta(days=30)


def keep(file: UploadedFile[bytes], *, by: User) -> Picture:
    """The picture in an uploaded file, made where it is new. Raises picture_files.Refused."""
    name = file.name or ""
    return store(
        picture_files.make(file, size=file.size or 0, name=name[-100:], declared=file.content_type or ""),
        name=name,
        by=by,
    )


def store(made: picture_files.Made, *, name: str, by: User | None) -> Picture:
    """Keep it, where it is new, under the last 100 characters of `name`."""
    now = clock.now()
    with transaction.atomic():
        picture, is_new = Picture.objects.get_or_create(
            digest=made.digest,
            defaults={
                "width": made.width,
                "height": made.height,
                "webp": made.webp,
                "half": made.half,
                "name": name[-100:],
                "uploaded_at": now,
                "uploaded_by": by,
                "unused_since": now,
            },
        )
        if is_new:
            audit.record(by, "picture.uploaded", picture, width=made.width, height=made.height)
        else:  # uploaded again: the 30 days begin anew, for it will be in a text soon
            Picture.objects.filter(pk=made.digest, unused_since__isnull=False).update(unused_since=now)
    return picture


def reference(picture: Picture) -> str:
    """What a text says of it: ![words](this)."""
    return rendering_blocks.picture_reference(picture.digest, picture.width, picture.height)


def address(picture: Picture) -> str:
    """Where its bytes are, from the root of the site."""
    return f"{rendering_blocks.PICTURE_PREFIX}{picture.digest}.webp"


def sweep(*, now: datetime) -> list[str]:
    """Note which pictures no text shows, and throw away those that none has shown for 30 days; returns their names.

    A text is a revision, a draft, a block, or what else kb keeps in words.
    """
    with transaction.atomic():
        used = _used()
        Picture.objects.filter(pk__in=used, unused_since__isnull=False).update(unused_since=None)
        Picture.objects.filter(unused_since=None).exclude(pk__in=used).update(unused_since=now)
        # Locked: who uploads one of these again meanwhile waits, and then makes it anew.
        old = Picture.objects.select_for_update().filter(unused_since__lt=now - KEPT_UNUSED)
        gone = list(old.only("digest", "name"))
        for picture in gone:
            audit.record(None, "picture.removed", picture)
        Picture.objects.filter(pk__in=[picture.pk for picture in gone]).delete()
    if gone:
        logger.info("pictures removed", extra={"pictures": [picture.pk for picture in gone]})
    return [str(picture) for picture in gone]


def _used() -> set[str]:
    """The digests in all that kb keeps in words: texts, drafts, blocks, whatever room writes there next; not what a
    draft said a while ago, which only merging asks for.
    """
    words = (models.TextField, models.JSONField)
    texts = " UNION ALL ".join(
        f"SELECT {field.column}::text AS words FROM {model._meta.db_table} WHERE {field.column}::text LIKE '%picture:%'"  # noqa: S608  our own names
        for model in apps.get_app_config("kb").get_models()
        for field in model._meta.concrete_fields
        if isinstance(field, words) and model is not DraftStep
    )
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT DISTINCT found[1] FROM ({texts}) texts,"  # noqa: S608
            " regexp_matches(words, 'picture:([0-9a-f]{32})', 'g') found"
        )
        return {row[0] for row in cursor.fetchall()}
