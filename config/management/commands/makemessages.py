"""manage.py makemessages: Django's, for customers' texts only and into tidy files. See docs/translations.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.commands import makemessages
from django.utils.translation import to_locale

from config import customer_texts, languages


class Command(makemessages.Command):
    help = "Brings locale/ up to date with the texts in the code: new ones empty, those no longer used taken out."
    # A fuzzy guess looks like a translation to whoever reads the file, and is none.
    msgmerge_options = [*makemessages.Command.msgmerge_options, "--no-fuzzy-matching"]

    def handle(self, *args: Any, **options: Any) -> None:
        given = options["locale"] or [to_locale(code) for code in languages.BUILT_IN if code != "en"]
        ignored = [*(options["ignore_patterns"] or []), *customer_texts.STAFF_FILES, ".venv/*", ".data/*"]
        tidy = {"no_wrap": True, "no_location": True, "no_obsolete": True}
        super().handle(*args, **{**options, **tidy, "locale": given, "ignore_patterns": ignored})
        for locale in given:
            path = Path(settings.LOCALE_PATHS[0]) / locale / "LC_MESSAGES" / "django.po"
            # A date that changes with every run, and a form to fill in that says nothing.
            text = re.sub(
                r'^"(POT-Creation-Date|PO-Revision-Date|Last-Translator|Language-Team|Report-Msgid-Bugs-To): .*\n',
                "",
                path.read_text(encoding="utf-8"),
                flags=re.M,
            )
            path.write_text(text, encoding="utf-8")
