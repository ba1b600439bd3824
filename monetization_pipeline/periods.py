"""Billing periods as half-open instants, the grid of billing months, and the days that proration counts."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

from monetization_pipeline.errors import MonetizeError

MICROSECOND = timedelta(microseconds=1)


class PeriodKeyError(MonetizeError):
    """Text that names no billing month."""


@dataclass(frozen=True, slots=True, order=True)
class Period:
    """Half-open `[start, end)` of aware UTC instants (rule 1).

    >>> july = month_period("2023-07", "UTC")
    >>> july.start in july, july.end in july
    (True, False)
    """

    start: datetime
    end: datetime

    def __contains__(self, instant: datetime) -> bool:
        return self.start <= instant < self.end

    def overlap(self, start: datetime, end: datetime | None) -> "Period | None":
        """The part that lies in `[start, end)`, or None where that is empty. An `end` of None never comes.

        >>> july = month_period("2023-07", "UTC")
        >>> print(july.overlap(datetime(2023, 7, 10, tzinfo=UTC), None).start)
        2023-07-10 00:00:00+00:00
        >>> july.overlap(july.end, None) is None
        True
        """
        clipped = Period(max(self.start, start), self.end if end is None else min(self.end, end))
        return clipped if clipped.start < clipped.end else None


def is_zone(name: str) -> bool:
    """Whether `name` is a time zone of the IANA database, spelled as there.

    >>> is_zone("Europe/Berlin"), is_zone("europe/berlin"), is_zone("Berlin")
    (True, False, False)
    """
    return name in _zones()


@lru_cache(maxsize=1)
def _zones() -> frozenset[str]:
    return frozenset(available_timezones())


def end_within(end: datetime | None, period: Period) -> datetime | None:
    """`end` where it lies before the period's end, else None: what comes later says nothing about the period.

    >>> july = month_period("2023-07", "UTC")
    >>> print(end_within(datetime(2023, 7, 31, tzinfo=UTC), july), end_within(july.end, july))
    2023-07-31 00:00:00+00:00 None
    """
    return end if end is not None and end < period.end else None


@lru_cache(maxsize=4096)
def local_midnight(day: date, zone: str) -> datetime:
    """The UTC instant at which `day` begins in `zone`: the first there is, where a clock change skips midnight.

    >>> print(local_midnight(date(2023, 7, 1), "Europe/Berlin"))
    2023-06-30 22:00:00+00:00

    In São Paulo the clocks went from 00:00 to 01:00, two hours behind UTC:

    >>> print(local_midnight(date(2018, 11, 4), "America/Sao_Paulo"))
    2018-11-04 03:00:00+00:00
    """
    naive = datetime.combine(day, time.min)
    instant = naive.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)
    while instant.astimezone(ZoneInfo(zone)).date() < day:
        instant += timedelta(minutes=15)
    return instant


def is_midnight(instant: datetime, zone: str) -> bool:
    """Whether a day begins at `instant` in `zone`.

    >>> is_midnight(datetime(2023, 6, 30, 22, tzinfo=UTC), "Europe/Berlin")
    True
    """
    return local_midnight(instant.astimezone(ZoneInfo(zone)).date(), zone) == instant


@lru_cache(maxsize=4096)
def month_start(year: int, month: int, zone: str) -> datetime:
    """First instant of a local month; `month` may run past 12 or below 1.

    >>> print(month_start(2023, 13, "UTC"), month_start(2023, 0, "UTC"))
    2024-01-01 00:00:00+00:00 2022-12-01 00:00:00+00:00
    """
    years, index = divmod(month - 1, 12)
    return local_midnight(date(year + years, index + 1, 1), zone)


def month_of(instant: datetime, zone: str) -> Period:
    """The calendar month of `zone` that holds `instant`.

    >>> print(month_of(datetime(2023, 6, 30, 22, tzinfo=UTC), "Europe/Berlin").end)
    2023-07-31 22:00:00+00:00
    """
    return month_period(f"{instant.astimezone(ZoneInfo(zone)):%Y-%m}", zone)


def months_of(start: datetime, end: datetime, zone: str) -> Iterator[Period]:
    """The calendar months of `zone` that overlap `[start, end)`, in order.

    >>> new_year = datetime(2024, 1, 1, tzinfo=UTC)
    >>> [f"{month.start:%Y-%m}" for month in months_of(datetime(2023, 11, 30, tzinfo=UTC), new_year, "UTC")]
    ['2023-11', '2023-12']
    """
    if start >= end:
        return
    month = month_of(start, zone)
    while month.start < end:
        yield month
        month = month_of(month.end, zone)


def billing_month(bill_at: datetime, zone: str) -> str:
    """Key `YYYY-MM` of the local month that holds the instant just before `bill_at`: the partition a line lies in.

    >>> august = datetime(2023, 8, 1, tzinfo=UTC)
    >>> billing_month(august, "UTC"), billing_month(august, "Asia/Tokyo")
    ('2023-07', '2023-08')
    """
    return f"{(bill_at - MICROSECOND).astimezone(ZoneInfo(zone)):%Y-%m}"


def parse_month(key: str) -> tuple[int, int]:
    """(year, month) of a key such as `2023-07`. Raises PeriodKeyError for anything else.

    >>> parse_month("2023-07")
    (2023, 7)
    """
    year, _, month = key.partition("-")
    digits = (year + month).isdecimal() and (year + month).isascii()
    if len(year) == 4 and len(month) == 2 and digits and 1 <= int(month) <= 12 and int(year) >= 1:
        return int(year), int(month)
    raise PeriodKeyError(f"{key!r} is not a billing period; write a year and a month, such as 2023-07")


def month_key(day: date) -> str:
    """Key of the calendar month that holds a day.

    >>> month_key(date(2023, 7, 31))
    '2023-07'
    """
    return f"{day:%Y-%m}"


def add_months(key: str, months: int) -> str:
    """The key of the month so many months after `key`, or before it. Raises PeriodKeyError.

    >>> add_months("2023-11", 3), add_months("2023-01", -1)
    ('2024-02', '2022-12')
    """
    year, month = parse_month(key)
    years, index = divmod(month - 1 + months, 12)
    return f"{year + years:04}-{index + 1:02}"


def months_between(first: str, last: str) -> list[str]:
    """The keys from `first` to `last`, both included. Raises PeriodKeyError.

    >>> months_between("2023-11", "2024-01"), months_between("2024-01", "2023-11")
    (['2023-11', '2023-12', '2024-01'], [])
    """
    parse_month(last)
    months: list[str] = []
    month = add_months(first, 0)
    while month <= last:
        months.append(month)
        month = add_months(month, 1)
    return months


def months_of_range(text: str) -> list[str]:
    """The keys that `2023-07` or `2022-01..2023-12` stand for. Raises PeriodKeyError.

    >>> months_of_range("2023-07"), months_of_range("2023-12..2024-01")
    (['2023-07'], ['2023-12', '2024-01'])
    """
    first, dots, last = text.partition("..")
    months = months_between(first, last if dots else first)
    if not months:
        raise PeriodKeyError(f"{text!r}: {last} comes before {first}")
    return months


@lru_cache(maxsize=4096)
def month_period(key: str, zone: str) -> Period:
    """The local month named by `key`.

    >>> print(month_period("2024-02", "UTC").end - month_period("2024-02", "UTC").start)
    29 days, 0:00:00
    """
    year, month = parse_month(key)
    return Period(month_start(year, month, zone), month_start(year, month + 1, zone))


def utc_days(period: Period) -> list[date]:
    """The UTC days that overlap `period`, in order.

    >>> night = Period(datetime(2023, 7, 1, 22, tzinfo=UTC), datetime(2023, 7, 3, tzinfo=UTC))
    >>> [day.isoformat() for day in utc_days(night)]
    ['2023-07-01', '2023-07-02']
    """
    return [day for day, _ in local_days(period, "UTC")]


def days_of_month(zones: Iterable[str], key: str) -> list[date]:
    """The UTC days that hold any instant of the local month `key` in any of `zones`, in order.

    Nothing is clipped at the first billing period: events before the grid begins are refused by ingest, so the days
    before it that a zone ahead of UTC reaches into hold none.

    >>> days = days_of_month(["UTC", "Asia/Tokyo"], "2023-07")
    >>> days[0].isoformat(), days[-1].isoformat(), len(days)
    ('2023-06-30', '2023-07-31', 32)
    """
    months = [month_period(key, zone) for zone in zones]
    return utc_days(Period(min(month.start for month in months), max(month.end for month in months)))


def local_days(period: Period, zone: str) -> Iterator[tuple[date, Period]]:
    """The local days that overlap `period`, each with its full half-open span; a day that never was is left out.

    >>> spring = Period(datetime(2023, 3, 26, 10, tzinfo=UTC), datetime(2023, 3, 26, 11, tzinfo=UTC))
    >>> [(day.isoformat(), str(span.end - span.start)) for day, span in local_days(spring, "Europe/Berlin")]
    [('2023-03-26', '23:00:00')]
    """
    day = period.start.astimezone(ZoneInfo(zone)).date()
    start = local_midnight(day, zone)
    while start < period.end:
        following = day + timedelta(days=1)
        end = local_midnight(following, zone)
        if start < end:
            yield day, Period(start, end)
        day, start = following, end


def active_days(active: Period, full: Period, zone: str) -> tuple[int, int]:
    """(days of `full` that belong to `active`, days of `full`), for proration by day (rule 12).

    A day belongs to the stretch that is active at the last instant before the day's end.

    >>> july = month_period("2023-07", "UTC")
    >>> active_days(Period(datetime(2023, 7, 10, 12, tzinfo=UTC), july.end), july, "UTC")
    (22, 31)
    """
    ends = _day_ends(full, zone)
    return sum(active.start < end <= active.end for end in ends), len(ends)


@lru_cache(maxsize=4096)
def _day_ends(full: Period, zone: str) -> tuple[datetime, ...]:
    return tuple(day.end for _, day in local_days(full, zone) if day.end <= full.end)
