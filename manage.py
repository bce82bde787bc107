#!/usr/bin/env python
"""Django's commands, with the embedded database started first where no DATABASE_URL is set."""

import os
import sys

NEED_NO_DATABASE = {
    "help",
    "version",
    "--help",
    "--version",
    "-h",
    "compilemessages",
    "makemessages",
    "collectstatic",
    "shop",
}


def main() -> None:
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    from django.core.management import execute_from_command_line

    from config import embedded, env

    try:
        if len(sys.argv) > 1 and sys.argv[1] not in NEED_NO_DATABASE:
            embedded.ensure_for_checkout()
        execute_from_command_line(sys.argv)
    except (env.BadSetting, embedded.EmbeddedError) as error:
        sys.exit(f"preempt: {error}")


if __name__ == "__main__":
    main()
