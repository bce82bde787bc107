"""Exports of other help centres in their public JSON shapes, with contents of our own."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path
from typing import Any

ZENDESK = "https://acme.zendesk.com/hc"


def zendesk_article(id: int, title: str, body: str, *, locale: str = "en-us", **more: Any) -> dict[str, Any]:
    """As GET /api/v2/help_center/{locale}/articles gives it."""
    return {
        "id": id,
        "url": f"https://acme.zendesk.com/api/v2/help_center/{locale}/articles/{id}.json",
        "html_url": f"{ZENDESK}/{locale}/articles/{id}-{title.replace(' ', '-')}",
        "author_id": 3465,
        "comments_disabled": False,
        "draft": False,
        "promoted": False,
        "position": 0,
        "vote_sum": 0,
        "vote_count": 0,
        "section_id": 98838,
        "created_at": "2024-04-17T17:18:10Z",
        "updated_at": "2024-04-17T17:18:10Z",
        "name": title,
        "title": title,
        "source_locale": "en-us",
        "locale": locale,
        "outdated": False,
        "outdated_locales": [],
        "edited_at": "2024-04-17T17:18:10Z",
        "user_segment_id": None,
        "permission_group_id": 28,
        "content_tag_ids": [],
        "label_names": [],
        "body": body,
        **more,
    }


def zendesk_translation(id: int, title: str, body: str, locale: str, **more: Any) -> dict[str, Any]:
    return {
        "id": id * 10,
        "html_url": f"{ZENDESK}/{locale}/articles/{id}-{title}",
        "source_id": id,
        "source_type": "Article",
        "locale": locale,
        "title": title,
        "body": body,
        "outdated": False,
        "draft": False,
        "hidden": False,
        "updated_at": "2024-05-01T10:00:00Z",
        **more,
    }


def zendesk_section(id: int, name: str, *, locale: str = "en-us") -> dict[str, Any]:
    return {
        "id": id,
        "html_url": f"{ZENDESK}/{locale}/sections/{id}-{name.replace(' ', '-')}",
        "category_id": 888,
        "position": 2,
        "name": name,
        "description": "All about it.",
        "locale": locale,
        "source_locale": "en-us",
        "outdated": False,
        "parent_section_id": None,
    }


def intercom_article(id: int, title: str, body: str, **more: Any) -> dict[str, Any]:
    """As GET /articles gives it; `translated_content` in `more`."""
    return {
        "id": str(id),
        "type": "article",
        "workspace_id": "this_is_an_id",
        "parent_id": 143,
        "parent_type": "collection",
        "parent_ids": [],
        "title": title,
        "description": "What it says.",
        "body": body,
        "author_id": 991266252,
        "state": "published",
        "created_at": 1734537288,
        "updated_at": 1734537288,
        "url": f"https://help.acme.example/en/articles/{id}-{title.lower().replace(' ', '-')}",
        "default_locale": "en",
        "translated_content": None,
        **more,
    }


def intercom_collection(id: int, name: str) -> dict[str, Any]:
    return {
        "id": str(id),
        "type": "collection",
        "workspace_id": "this_is_an_id",
        "name": name,
        "description": "",
        "url": f"https://help.acme.example/en/collections/{id}-{name.lower()}",
        "icon": "book",
        "order": 1,
        "created_at": 1734537250,
        "updated_at": 1734537250,
        "default_locale": "en",
        "translated_content": {"type": "group_translated_content", "es": {"type": "group_content", "name": "Envíos"}},
    }


def zipped(path: Path, files: dict[str, Any], how: int = zipfile.ZIP_DEFLATED) -> Path:
    """A zip; what is not bytes is written as JSON."""
    with zipfile.ZipFile(path, "w", how) as file:
        for name, content in files.items():
            file.writestr(name, content if isinstance(content, bytes) else json.dumps(content))
    return path
