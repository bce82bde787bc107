"""Take the second factor from somebody who lost it."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.models import User
from django.core.management.base import BaseCommand, CommandError, CommandParser

from config.accounts import staff


class Command(BaseCommand):
    help = "Remove all second factors of an account (app, passkeys, recovery codes) and end its sessions."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("username")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["username"]
        user = User.objects.filter(username=name).first()
        if user is None:
            raise CommandError(f"There is no account {name!r}. The desk's page People lists them.")
        removed = staff.reset_second_factor(user, by=None, through="manage.py")
        print(f"{name}: {removed} second factors removed, sessions ended. The password alone lets them in now.")
