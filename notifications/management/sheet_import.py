"""What import_orders and import_tracking say and ask on a terminal."""

from __future__ import annotations

import sys
import time
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Callable
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from django.core.management.base import BaseCommand, CommandError

from notifications.intake.sheets import files, rejects, runs
from notifications.intake.sheets.columns import UnusableMapping
from notifications.intake.sheets.fields import FIELDS, Kind
from notifications.intake.sheets.moments import DateOrder
from notifications.intake.sheets.reading import Plan
from notifications.intake.tables import UnusableFile
from notifications.models import SheetRun

SHOWN = 20  # refusals told one by one; all stand in the file of rejects
_BAR = 30  # characters


def zone(text: str) -> ZoneInfo:
    try:
        return ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError):
        raise CommandError(f"--time-zone {text}: no such time zone. Write one like America/Sao_Paulo.") from None


def column(text: str) -> tuple[str, str]:
    """COLUMN=field."""
    name, equals, field = text.rpartition("=")
    if not equals:
        raise ArgumentTypeError(f'{text!r}: write "the column\'s name=field", such as "Order No=number"')
    return name.strip(), field.strip()


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--source", default="", help="the name that these go under (default: csv, of a folder olist)")
    parser.add_argument(
        "--time-zone", type=zone, help="of times without a zone (default: as last time, else the shop's)"
    )
    parser.add_argument("--dry-run", action="store_true", help="read and report; store nothing")
    parser.add_argument(
        "--map",
        type=column,
        action="append",
        default=[],
        metavar="COLUMN=FIELD",
        help="what a column is, or COLUMN=- for nothing; remembered for this source",
    )
    parser.add_argument("--dates", type=DateOrder, choices=list(DateOrder), help="how 03/04/2017 is read: dmy or mdy")
    parser.add_argument("--rejects", type=Path, help="where left-out rows are written (default: beside the file)")


def run(command: BaseCommand, kind: Kind, path: Path, **options: Any) -> None:
    """Show how the file is read, import it, tell what came of it."""
    wished, remembered = runs.wish(
        kind=kind,
        source=options["source"] or "csv",
        zone=options["time_zone"],
        columns=dict(options["map"]),
        dates=options["dates"],
    )
    try:
        made = runs.plan(path, wished, remembered)
    except (UnusableFile, UnusableMapping) as error:
        raise CommandError(str(error)) from None
    _show(command, made)
    if made.problems:
        known = ", ".join(f"{one.name} ({one.title})" for one in FIELDS[kind])
        raise CommandError(
            "\n".join(made.problems)
            + f'\nSay what a column is with --map "Its name=field", how dates are read with --dates. Fields: {known}.'
        )
    try:
        done, goes_on = runs.run_here(made, is_dry=options["dry_run"], progress=_progress(command))
    except runs.Busy as error:
        raise CommandError(str(error)) from None
    if goes_on:
        command.stdout.write("This import was cut off before; it went on where it had stopped.")
    _tell(command, done, made, options["rejects"])


def _show(command: BaseCommand, made: Plan) -> None:
    command.stdout.write(f"{made.path}: {made.rows:,} rows, {made.format}, times in {made.wish.zone.key}")
    if made.format.encoding == files.WINDOWS:
        command.stdout.write("  It is not UTF-8 and was read as Windows-1252: look whether names are right below.")
    told = made.columns()
    wide = min(40, max(len(name) for name, *_ in told))
    for name, title, why, value in told:
        what = f"{title} ({why})" if title else "not used"
        command.stdout.write(f"  {name[:40]:<{wide}}  {value[:30]!r:<32}  {what}")


def _progress(command: BaseCommand) -> Callable[[SheetRun], None]:
    began = time.monotonic()
    first: list[int] = []
    told = [0]

    def show(run: SheetRun) -> None:
        first.append(run.done)
        share = run.done / max(1, run.total)
        line = f"{run.done:,} of {run.total:,} rows"
        if sys.stdout.isatty():
            since = run.done - first[0]
            left = (time.monotonic() - began) / since * (run.total - run.done) if since else 0
            bar = "#" * int(share * _BAR)
            command.stdout.write(f"  [{bar:<{_BAR}}] {share:4.0%}  {line}, {left:.0f} s left   ", ending="\r")
        elif int(share * 10) > told[0] or run.done == run.total:  # in a log a line every tenth
            told[0] = int(share * 10)
            command.stdout.write(f"  {line}")

    return show


def _tell(command: BaseCommand, run: SheetRun, made: Plan, where: Path | None) -> None:
    counted = {
        "orders": run.orders, "customers": run.customers, "further parcels": run.parcels, "scans": run.scans,
        "cancellations": run.cancellations,
    }  # fmt: skip
    new = ", ".join(f"{count:,} {name}" for name, count in counted.items() if count) or "nothing"
    if run.is_dry:
        command.stdout.write(f"Dry run, nothing was stored. New would be: {new}; {run.known:,} known already.")
    else:
        command.stdout.write(f"New: {new}; {run.known:,} known already.")
    if run.unknown_words:
        words = ", ".join(f"{word!r} ({count:,})" for word, count in list(run.unknown_words.items())[:10])
        command.stdout.write(f"Status words that we do not know, kept as they are: {words}.")
    if not run.refused:
        return
    for each in run.refusals.all()[:SHOWN]:
        place = f"{run.name}, row {each.row}" + (f", {each.field}" if each.field else "")
        command.stderr.write(f"{place}: {each.problem}. {each.remedy}")
    path = where or made.path.with_name(f"{made.path.stem}.rejects.csv")
    try:
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(rejects.lines(run))
    except OSError as error:
        raise CommandError(
            f"{run.refused:,} rows were left out, but {path} cannot be written ({error.strerror}). Name another place "
            "with --rejects and start again: what is in stays as it is."
        ) from None
    raise CommandError(
        f"{run.refused:,} rows were left out, see above; the rest {'would go' if run.is_dry else 'went'} in. "
        f"They are in {path}, with the reasons: mend them there and import that file.",
        returncode=1,
    )
