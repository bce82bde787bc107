"""Mail to a person of the desk about an article of theirs. Sent after the commit by a worker, or not at all."""

from __future__ import annotations

from django.conf import settings
from django.contrib.auth.models import User
from django.core.mail import EmailMessage
from django.urls import reverse

from core.commits import after_commit
from kb import tasks
from kb.models import Article


def tell(to: User | None, article: Article, *, subject: str, text: str, view: str = "desk:article-edit") -> None:
    """`text` and the address of the article's page on the desk; nobody is told who has no address or has left."""
    if to is None or not to.email or not to.is_active:
        return
    body = f"{text}\n\n{settings.SITE_URL}{reverse(view, args=[article.pk])}\n"
    address = to.email
    after_commit(lambda: tasks.mail_to_desk.delay(address, subject, body))


def send(address: str, subject: str, body: str) -> None:
    """By whatever provider there is. Raises smtplib.SMTPException."""
    EmailMessage(subject, body, settings.DEFAULT_FROM_EMAIL, [address]).send()
