"""How many mails a provider may be handed now: token buckets in PostgreSQL, shared by all workers.

Each lane has a bucket with its share of the rate. What a full bucket spills goes into a spare one from which every lane
may take: alone, a lane has the whole rate; beside others, never less than its share.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from django.db import connection
from django.db.models import F
from django.db.models.functions import Now

from notifications.models import Lane, ProviderBucket

SHARES: dict[str, float] = {Lane.URGENT: 0.2, Lane.NORMAL: 0.5, Lane.CAMPAIGN: 0.3}
HOLDS = 1.0  # seconds of its share of the rate that a bucket holds, and at least one mail
SLOWEST = 1 / 64
RECOVERS = 300.0  # seconds from the slowest pace to the full one


@dataclass(frozen=True)
class Bucket:
    """Tokens as they were at one moment. `pace`: the share of the full rate that the provider bears at present."""

    lanes: dict[str, float]
    spare: float
    pace: float = 1.0


def full(rate: float) -> Bucket:
    """A bucket that nothing has been taken from. `rate`: mails a second."""
    return Bucket({lane: _size(rate * share) for lane, share in SHARES.items()}, 0.0)


def refill(bucket: Bucket, *, rate: float, seconds: float) -> Bucket:
    """The bucket `seconds` later."""
    seconds = max(0.0, seconds)
    lanes, spilled = {}, 0.0
    for lane, share in SHARES.items():
        held = bucket.lanes[lane] + rate * bucket.pace * share * seconds
        lanes[lane] = min(held, _size(rate * share))
        spilled += held - lanes[lane]
    return Bucket(lanes, min(bucket.spare + spilled, _size(rate)), min(1.0, bucket.pace + seconds / RECOVERS))


def allowed(bucket: Bucket, lane: str) -> int:
    """How many mails the lane may hand over now."""
    return int(bucket.lanes[lane] + bucket.spare)


def spend(bucket: Bucket, lane: str, count: int) -> Bucket:
    """The bucket after `count` mails of a lane: its own tokens first."""
    own = min(bucket.lanes[lane], float(count))
    return replace(bucket, lanes={**bucket.lanes, lane: bucket.lanes[lane] - own}, spare=bucket.spare - (count - own))


def wait_for_one(bucket: Bucket, lane: str, *, rate: float) -> float:
    """Seconds until the lane may hand over one mail, at the latest."""
    missing = max(0.0, 1.0 - bucket.lanes[lane] - bucket.spare)
    return missing / (rate * bucket.pace * SHARES[lane])


class Tap:
    """One provider's bucket, locked until the transaction ends."""

    def __init__(self, provider: str, *, rate: float) -> None:
        with connection.cursor() as cursor:
            start = full(rate)
            cursor.execute(
                """
                INSERT INTO notifications_providerbucket (provider, urgent, normal, campaign, spare, pace)
                VALUES (%s, %s, %s, %s, 0, 1) ON CONFLICT DO NOTHING
                """,
                [provider, *(start.lanes[lane] for lane in SHARES)],
            )
            cursor.execute(
                """
                SELECT urgent, normal, campaign, spare, pace,
                       extract(epoch FROM statement_timestamp() - filled_at)::float8
                  FROM notifications_providerbucket WHERE provider = %s FOR UPDATE
                """,
                [provider],
            )
            *lanes, spare, pace, seconds = cursor.fetchone()
        self._provider, self._rate = provider, rate
        self.bucket = refill(Bucket(dict(zip(SHARES, lanes, strict=True)), spare, pace), rate=rate, seconds=seconds)

    def spend(self, lane: str, count: int) -> None:
        """Take `count` tokens and store what is left."""
        self.bucket = spend(self.bucket, lane, count)
        ProviderBucket.objects.filter(pk=self._provider).update(
            **self.bucket.lanes, spare=self.bucket.spare, pace=self.bucket.pace, filled_at=Now()
        )


def slow_down(provider: str) -> None:
    """The provider said 429: half as fast from now on, and slowly up to the full rate again."""
    ProviderBucket.objects.filter(pk=provider, pace__gt=SLOWEST).update(pace=F("pace") / 2)


def _size(rate: float) -> float:
    return max(1.0, rate * HOLDS)
