"""django-post_office and django-mailer on the same PostgreSQL, with a mail server as slow as our fake provider.

A part of bench/delivery.py, which holds our own figures against post_office_per_s and mailer_per_s. django-post_office
sends with 2 processes of 5 threads and renders its template at delivery; django-mailer has one process and renders
nothing. Both get the words of our own mail.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from psycopg.conninfo import conninfo_to_dict

from bench._search_figures import say
from bench._search_process import ROOT
from bench._search_world import World

PACKAGES = {
    "post_office": ("django-post_office==3.12.0", "Django~=5.2.0", "psycopg[binary]~=3.3"),
    "mailer": ("django-mailer==2.3.2", "Django~=5.2.0", "psycopg[binary]~=3.3"),
}
COUNTS = {"post_office": (6000, 900), "mailer": (900, 150)}  # all, quickly


def measure(quick: bool) -> dict[str, float]:
    """The figures; of a peer that cannot be installed there is none."""
    found: dict[str, float] = {}
    with World([]) as world:
        world.django()
        for peer, counts in COUNTS.items():
            if (python := _installed(peer)) is not None:
                found[f"{peer}_per_s"] = _measure(world, peer, python, count=counts[quick])
    return found


def _installed(peer: str) -> Path | None:
    """The peer's own Python, made where it is not there as pinned; None, and why on stderr, where it cannot."""
    home = ROOT / ".data" / f"bench-{peer}"
    mark, python = home / "installed", home / "bin" / "python"
    if mark.exists() and mark.read_text().splitlines() == list(PACKAGES[peer]):
        return python
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *PACKAGES[peer]]
    for command in ([sys.executable, "-m", "venv", str(home)], install):
        done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            say(f"delivery: {peer} cannot be installed, what we are beside it is left out: {last}")
            return None
    mark.write_text("\n".join(PACKAGES[peer]))
    return python


def _measure(world: World, peer: str, python: Path, *, count: int) -> float:
    """Mails a second between the tenth and the ninetieth of a hundred."""
    sink = [sys.executable, "-P", str(ROOT / "bench" / "_delivery_sink.py")]
    with subprocess.Popen(sink, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        given = {"database": _database(world, peer), "port": int(server.stdout.readline())}
        env = {**os.environ, "BENCH_PEER": json.dumps(given)}
        env.pop("DJANGO_SETTINGS_MODULE", None)
        call = [str(python), "-P", str(ROOT / "bench" / "_delivery_peer.py"), peer]
        with tempfile.NamedTemporaryFile("w", suffix=".json", dir=world.folder) as file:
            json.dump({"count": count, **_words()}, file)
            file.flush()
            subprocess.run([*call, "fill", file.name], env=env, check=True)
        subprocess.run([*call, "work"], env=env, check=True, stdout=sys.stderr)
        server.stdin.write("\n")
        server.stdin.flush()
        times = sorted(json.loads(server.stdout.readline()))
        server.stdin.close()
    if len(times) != count:
        raise SystemExit(f"delivery: {peer} sent {len(times)} of {count}")
    first, last = count // 10, count * 9 // 10
    return (last - first) / (times[last] - times[first])


def _database(world: World, peer: str) -> dict[str, Any]:
    parts = conninfo_to_dict(world.database(f"peer_{peer}"))
    names = {"dbname": "NAME", "user": "USER", "password": "PASSWORD", "host": "HOST", "port": "PORT"}
    return {name: str(parts[key]) for key, name in names.items() if key in parts}


def _words() -> dict[str, str]:
    """Our own mail, with two places for what differs."""
    from datetime import date

    from notifications import mail_templates

    facts = {name: f"https://shop.example.com/{name}/" for name in mail_templates.REQUIRED if name.endswith("_url")}
    facts |= {"shop_name": "Shop", "order_number": "ORDERNO", "customer_first_name": "NAME", "handed_over": True}
    mail = mail_templates.render("delay_promise_passed", "en", {**facts, "promised_by": date(2026, 11, 19)})

    def open_again(text: str) -> str:
        return text.replace("ORDERNO", "{{ order }}").replace("NAME", "{{ name }}")

    return {"subject": open_again(mail.subject), "text": open_again(mail.text), "html": open_again(mail.html)}
