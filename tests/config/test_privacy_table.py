"""Every column that could hold a person's data is in one of the tables of docs/privacy.md."""

from __future__ import annotations

import re

from django.apps import apps
from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models

OURS = ("core", "kb", "contacts", "notifications", "analytics")
TEXTS = (
    models.CharField, models.TextField, models.JSONField, models.BinaryField, models.UUIDField, models.GeneratedField,
    models.GenericIPAddressField, models.FileField, ArrayField,
)  # fmt: skip
ROW = re.compile(r"^\| (\w+\.\w+) \| ([\w ]+) \|", re.MULTILINE)


def columns() -> set[str]:
    return {
        f"{model._meta.label}.{field.name}"
        for model in apps.get_models()
        if model._meta.app_label in OURS
        for field in model._meta.local_fields
        if isinstance(field, TEXTS) and not field.choices
    }


def rows() -> list[str]:
    told = (settings.BASE_DIR / "docs" / "privacy.md").read_text()
    return [f"{model}.{name}" for model, names in ROW.findall(told) for name in names.split()]


def test_every_column_of_text_is_in_one_of_the_tables() -> None:
    missing = sorted(columns() - set(rows()))
    assert not missing, f"say in docs/privacy.md whether these hold a person's data, and erase it: {missing}"


def test_the_tables_have_no_column_that_is_gone_and_none_twice() -> None:
    assert sorted(set(rows()) - columns()) == []
    assert len(rows()) == len(set(rows()))
