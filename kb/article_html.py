"""An article's frozen HTML as a page shows it, with the words that the page adds in the reader's language."""

from __future__ import annotations

from django.urls import get_script_prefix
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _

from kb import rendering


def for_reader(html: str, locale: str) -> SafeString:
    """Links lead to the help centre in `locale`; headings, tables and call-outs get what a page adds to them."""
    shown = rendering.for_page(
        html,
        locale,
        under=get_script_prefix(),
        link_label=_("Link to this part"),
        table_label=_("Table"),
        callout_labels={"note": _("Note"), "tip": _("Tip"), "warning": _("Warning")},
    )
    return mark_safe(shown)
