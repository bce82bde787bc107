"""The desk's pages of the writing surface, for the walk over all of them: path, who may see it, what to set up."""

from __future__ import annotations

from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile

from core.roles import ADMIN, REVIEWER, WRITER
from kb import pictures, publishing
from kb.models import Article, Category
from tests.core.test_brand_images import picture

ROLES = (WRITER, REVIEWER, ADMIN)
BODY = """Say *what* to do, and [where](article:returns).

> [!TIP]
> Keep the box.

<!-- steps -->
1. Print the slip.
2. Bring it to a shop.

| Where | Days |
|---|--:|
| Home | 3 |

```
code
```

<div>kept as it is</div>

In {{fact:return-window}} days. ![A shelf](%s)
"""


def an_article_with_everything() -> Article:
    """A draft that has each kind of block."""
    shelf, _new = Category.objects.get_or_create(key="delivery", defaults={"topic": "order_status"})
    body = BODY % pictures.reference(a_picture())
    return publishing.create_article(title="Everything", body=body, category=shelf, locale="en", by=None)


def a_picture():
    by = User.objects.get_or_create(username="painter")[0]
    return pictures.keep(SimpleUploadedFile("shelf.png", picture(800, 400), "image/png"), by=by)


# (path, roles, what makes the rows; its result fills the path)
DESK_PAGES = [
    ("/desk/articles/{0.pk}/", ROLES, an_article_with_everything),
    ("/desk/articles/new/", ROLES, an_article_with_everything),
    ("/desk/articles/pictures/", ROLES, a_picture),
    ("/desk/articles/preview/", ROLES, a_picture),
]
