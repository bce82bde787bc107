"""When nobody wants a mail: the night where the recipient is. Pure: it takes `now` and reads no row."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

# Where most people of a country with several zones are, or the only zone; by ISO 3166. For an order's ship-to country.
ZONE_OF_COUNTRY = {
    "AE": "Asia/Dubai", "AR": "America/Argentina/Buenos_Aires", "AT": "Europe/Vienna", "AU": "Australia/Sydney",
    "BE": "Europe/Brussels", "BG": "Europe/Sofia", "BR": "America/Sao_Paulo", "CA": "America/Toronto",
    "CH": "Europe/Zurich", "CL": "America/Santiago", "CN": "Asia/Shanghai", "CO": "America/Bogota",
    "CY": "Asia/Nicosia", "CZ": "Europe/Prague", "DE": "Europe/Berlin", "DK": "Europe/Copenhagen",
    "EE": "Europe/Tallinn", "EG": "Africa/Cairo", "ES": "Europe/Madrid", "FI": "Europe/Helsinki",
    "FR": "Europe/Paris", "GB": "Europe/London", "GR": "Europe/Athens", "HK": "Asia/Hong_Kong",
    "HR": "Europe/Zagreb", "HU": "Europe/Budapest", "ID": "Asia/Jakarta", "IE": "Europe/Dublin",
    "IL": "Asia/Jerusalem", "IN": "Asia/Kolkata", "IS": "Atlantic/Reykjavik", "IT": "Europe/Rome",
    "JP": "Asia/Tokyo", "KE": "Africa/Nairobi", "KR": "Asia/Seoul", "LT": "Europe/Vilnius",
    "LU": "Europe/Luxembourg", "LV": "Europe/Riga", "MA": "Africa/Casablanca", "MT": "Europe/Malta",
    "MX": "America/Mexico_City", "MY": "Asia/Kuala_Lumpur", "NG": "Africa/Lagos", "NL": "Europe/Amsterdam",
    "NO": "Europe/Oslo", "NZ": "Pacific/Auckland", "PE": "America/Lima", "PH": "Asia/Manila",
    "PK": "Asia/Karachi", "PL": "Europe/Warsaw", "PT": "Europe/Lisbon", "RO": "Europe/Bucharest",
    "RS": "Europe/Belgrade", "SA": "Asia/Riyadh", "SE": "Europe/Stockholm", "SG": "Asia/Singapore",
    "SI": "Europe/Ljubljana", "SK": "Europe/Bratislava", "TH": "Asia/Bangkok", "TR": "Europe/Istanbul",
    "TW": "Asia/Taipei", "UA": "Europe/Kyiv", "US": "America/New_York", "VN": "Asia/Ho_Chi_Minh",
    "ZA": "Africa/Johannesburg",
}  # fmt: skip


@dataclass(frozen=True)
class QuietHours:
    """From `begin` to `end` on the wall clock; over midnight where `begin` is the later one."""

    begin: time
    end: time

    def until(self, now: datetime, zone: ZoneInfo) -> datetime | None:
        """When the quiet hours that `now` falls in are over, or None where it falls in none.

        On a day whose clock is changed `end` may come twice or not at all: then it is the first moment at which the
        wall clock shows `end` or later, and is out of the quiet hours.
        """
        if not self._holds(now, zone):
            return None
        here = now.astimezone(zone)
        day = here.date() if here.time() < self.end else here.date() + timedelta(days=1)
        return self._first_after(now, day, zone)

    def _holds(self, moment: datetime, zone: ZoneInfo) -> bool:
        at = moment.astimezone(zone).time()
        if self.begin <= self.end:
            return self.begin <= at < self.end
        return at >= self.begin or at < self.end

    def _first_after(self, now: datetime, day: date, zone: ZoneInfo) -> datetime:
        # fold=0 is the first of two; of a moment that the clock skips, the offset before the change makes it later.
        end = datetime.combine(day, self.end, zone).astimezone(UTC)
        while end <= now or self._holds(end, zone):
            end += timedelta(minutes=15)  # the clock went back over the end: every change is in quarters of an hour
        return end


def zone_of(person: str, country: str, shop: str) -> ZoneInfo:
    """The person's own zone, else the country's that the order goes to, else the shop's (which must be known)."""
    for name in (person, ZONE_OF_COUNTRY.get(country.upper(), "")):
        if name and (zone := _known(name)):
            return zone
    return ZoneInfo(shop)


def _known(name: str) -> ZoneInfo | None:
    """A source may write any text as a zone."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None
