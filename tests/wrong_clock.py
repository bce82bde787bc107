"""Imported by a worker of a test: from then on its own clock is wrong by PREEMPT_TEST_CLOCK_WRONG_BY seconds."""

from __future__ import annotations

import os
from datetime import datetime, timedelta, tzinfo
from typing import Self

from core import clock

_WRONG_BY = timedelta(seconds=float(os.environ["PREEMPT_TEST_CLOCK_WRONG_BY"]))


class _Wrong(datetime):
    @classmethod
    def now(cls, tz: tzinfo | None = None) -> Self:
        return super().now(tz) + _WRONG_BY


clock.datetime = _Wrong  # type: ignore[misc]
