"""django-post_office or django-mailer as their documentation sets them up: one file, run in an environment of its own.

    python -P bench/_delivery_peer.py post_office fill MAILS.json     make its tables, queue mails
    python -P bench/_delivery_peer.py post_office work                send what is queued, then end

BENCH_PEER is JSON: {"database": Django's NAME, USER, HOST …, "port": the mail server's}. It knows nothing of ours.
MAILS.json: {"count", "subject", "text", "html"}, Django templates with {{ name }} and {{ order }}.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import django
from django.conf import settings

PEER = sys.argv[1]
GIVEN = json.loads(os.environ["BENCH_PEER"])
BACKENDS = {"post_office": "post_office.EmailBackend", "mailer": "mailer.backend.DbBackend"}
SMTP = "django.core.mail.backends.smtp.EmailBackend"

settings.configure(
    SECRET_KEY="only for this bench",
    USE_TZ=True,
    DEFAULT_AUTO_FIELD="django.db.models.BigAutoField",
    DATABASES={"default": {"ENGINE": "django.db.backends.postgresql", **GIVEN["database"]}},
    INSTALLED_APPS=["django.contrib.contenttypes", PEER],
    TEMPLATES=[{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}],
    EMAIL_BACKEND=BACKENDS[PEER],
    EMAIL_HOST="127.0.0.1",
    EMAIL_PORT=GIVEN["port"],
    MAILER_EMAIL_BACKEND=SMTP,
    POST_OFFICE={
        "BACKENDS": {"default": SMTP},
        "THREADS_PER_PROCESS": 5,
        "BATCH_SIZE": 500,
        "TEMPLATE_ENGINE": "django",
    },
)
django.setup()

from django.core.management import call_command  # noqa: E402 - after the settings
from django.template import Context, Template  # noqa: E402


def fill(count: int, subject: str, text: str, html: str) -> None:
    call_command("migrate", verbosity=0)
    facts = [{"name": f"Ada {number}", "order": f"B-{number}"} for number in range(count)]
    if PEER == "post_office":
        from post_office import mail
        from post_office.models import EmailTemplate

        template = EmailTemplate.objects.create(name="late", subject=subject, content=text, html_content=html)
        for start in range(0, count, 500):
            mail.send_many(
                [
                    {
                        "sender": "shop@example.com",
                        "recipients": [f"person{start + place}@example.com"],
                        "template": template,
                        "context": one,
                        "render_on_delivery": True,
                    }
                    for place, one in enumerate(facts[start : start + 500])
                ]
            )
    else:
        from mailer import send_html_mail

        for number, one in enumerate(facts):
            # It renders nothing itself: what it queues is the finished mail.
            words = [Template(part).render(Context(one)) for part in (subject, text, html)]
            send_html_mail(*words, "shop@example.com", [f"person{number}@example.com"])


def work() -> None:
    if PEER == "post_office":
        call_command("send_queued_mail", processes=2, verbosity=0)
    else:
        call_command("send_mail", verbosity=0)


if __name__ == "__main__":
    if sys.argv[2] == "fill":
        fill(**json.loads(Path(sys.argv[3]).read_text(encoding="utf-8")))
    else:
        work()
