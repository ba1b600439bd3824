"""Typed settings. The environment and the working folder's `.env` are read here and nowhere else."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from functools import partial
from io import StringIO
from pathlib import Path
from typing import Any

from dotenv import dotenv_values
from dotenv.parser import parse_stream
from pydantic import SecretStr

from monetization_pipeline.customers.values import EPOCH
from monetization_pipeline.engines.duckdb import DuckDBEngine
from monetization_pipeline.errors import MonetizeError, Place
from monetization_pipeline.periods import PeriodKeyError, is_zone, parse_month
from monetization_pipeline.publishing.accounts import Account
from monetization_pipeline.steps.pipeline import Home, Pipeline, Retention, Seller
from monetization_pipeline.written import WrittenError, read_text

_MAX_GRACE_DAYS = 366
_MAX_KEPT_DAYS = 36_500
_MAX_HOURS = 24 * 366
_CRON_FIELDS = 5
_WHOLE_PERCENT = 100
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no")

#: Where invoices go where nothing is said: to a stand-in on this machine.
USUAL_ACCOUNT = Account("stripe")


class SettingsError(MonetizeError):
    """A setting whose value has no meaning."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What one working folder runs with. Secrets never show in a repr."""

    home: Path
    first_month: str = "2020-01"
    first_invoice_at: date | None = None
    grace: timedelta = timedelta(days=1)
    time_zone: str = "UTC"
    memory_limit: str = "800MB"
    keep_landing: timedelta = timedelta(days=30)
    keep_replaced: timedelta = timedelta(days=7)
    ingest_cron: str = "* * * * *"
    webhook_url: str = field(default="", repr=False)
    fresh_hours: int = 0
    unreadable_percent: Decimal = Decimal(1)
    account: Account = USUAL_ACCOUNT
    issue_zero: bool = False


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting as users write it: its name, the field of `Settings` that it fills, what it means.

    `read` makes the field's value of its text; it raises ValueError, with what is wrong in words. A setting that is
    absent or empty leaves the field at its default.
    """

    name: str
    fills: str
    read: Callable[[str], object]
    meaning: str


def load_settings(environment: Mapping[str, str], here: Path) -> Settings:
    """Settings of the working folder: MONETIZATION_HOME, else `here`. The environment wins over the folder's `.env`.

    Raises SettingsError for a value without meaning, with file and line where it stands in `.env`.
    """
    home = Path(environment.get("MONETIZATION_HOME") or here).expanduser().resolve()
    file = home / ".env"
    text = _text(file)
    written = {name: value for name, value in dotenv_values(stream=StringIO(text)).items() if value is not None}
    values = written | dict(environment)
    fields: dict[str, Any] = {"account": _account(values)}
    for setting in SETTINGS:
        try:
            fields |= {setting.fills: setting.read(values[setting.name])} if values.get(setting.name) else {}
        except ValueError as error:
            where = Place(str(file), _line(text, setting.name), setting.name)
            raise SettingsError(f"{setting.name if setting.name in environment else where}: {error}") from None
    return Settings(home, **fields)


def pipeline_of(settings: Settings) -> Pipeline:
    """The working folder as the steps see it: the one way there for command line, Dagster and tests."""
    home = Home(settings.home)
    return Pipeline(
        home,
        Seller(
            settings.first_month, settings.first_invoice_at, settings.grace, settings.time_zone, settings.issue_zero
        ),
        DuckDBEngine(home.kept / "spill", settings.memory_limit),
        Retention(settings.keep_landing, settings.keep_replaced),
        settings.unreadable_percent,
    )


def _account(values: Mapping[str, str]) -> Account:
    """The account to publish to: each provider's settings bear its name, such as STRIPE_MODE."""
    provider = values.get("MONETIZATION_PROVIDER") or USUAL_ACCOUNT.provider
    prefix = provider.upper()
    return Account(
        provider,
        values.get(f"{prefix}_MODE") or USUAL_ACCOUNT.mode,
        SecretStr(values.get(f"{prefix}_API_KEY") or ""),
        values.get(f"{prefix}_API_BASE") or None,
    )


def _text(file: Path) -> str:
    if not (file.is_file() or file.is_fifo()):
        return ""
    try:
        return read_text(file)
    except WrittenError as error:
        raise SettingsError(str(error)) from None


def _line(text: str, name: str) -> int | None:
    """The line on which a setting has the value that counts, its last one."""
    found = [binding.original for binding in parse_stream(StringIO(text)) if binding.key == name]
    if not found:
        return None
    blank = len(found[-1].string) - len(found[-1].string.lstrip())
    return found[-1].line + found[-1].string.count("\n", 0, blank)


def _month(text: str) -> str:
    try:
        parse_month(text)
    except PeriodKeyError as error:
        raise ValueError(str(error)) from None
    return text


def _day(text: str) -> date:
    try:
        found = date.fromisoformat(text)
    except ValueError:
        found = date.min
    if found.year < EPOCH.year or found.isoformat() != text:
        raise ValueError(f"{text!r} is not a day such as 2025-01-01")
    return found


def _zone(text: str) -> str:
    if not is_zone(text):
        raise ValueError(f"{text!r} is not a time zone of the IANA database; write a name such as UTC or Europe/Berlin")
    return text


def _days(text: str, least: int = 0, most: int = _MAX_GRACE_DAYS) -> timedelta:
    if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
        raise ValueError(f"{text!r} is not a whole number of days between {least} and {most}")
    return timedelta(days=int(text))


def _hours(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > _MAX_HOURS:
        raise ValueError(f"{text!r} is not a whole number of hours between 0 (off) and {_MAX_HOURS}")
    return int(text)


def _percent(text: str) -> Decimal:
    if not re.fullmatch(r"[0-9]{1,3}(\.[0-9]{1,6})?", text) or Decimal(text) > _WHOLE_PERCENT:
        raise ValueError(f"{text!r} is not a share in percent between 0 and {_WHOLE_PERCENT}, such as 0.5")
    return Decimal(text)


def _cron(text: str) -> str:
    if len(text.split()) != _CRON_FIELDS:
        raise ValueError(f"{text!r} has not the five fields of a cron schedule, such as */5 * * * *")
    return text


def _address(text: str) -> str:
    # The address may hold a token: an error does not repeat it.
    if not text.startswith(("https://", "http://")):
        raise ValueError("this is not an address that begins with https:// or http://")
    return text


def _flag(text: str) -> bool:
    if text.lower() in (*_TRUE, *_FALSE):
        return text.lower() in _TRUE
    raise ValueError(f"{text!r} is neither true nor false")


# A process may be at what is kept: a day at least.
_kept = partial(_days, least=1, most=_MAX_KEPT_DAYS)

#: All but those of the account, which bear their provider's name.
SETTINGS: tuple[Setting, ...] = (
    Setting(
        "MONETIZATION_FIRST_MONTH", "first_month", _month, "first billing period there is; events before it are refused"
    ),
    Setting(
        "MONETIZATION_FIRST_INVOICE_AT",
        "first_invoice_at",
        _day,
        "day, in each company's zone, from which you bill here; what is for an earlier time is shown as elsewhere",
    ),
    Setting("MONETIZATION_GRACE_DAYS", "grace", _days, "days after bill_at during which an invoice stays a draft"),
    Setting("MONETIZATION_TIME_ZONE", "time_zone", _zone, "time zone of companies that have none of their own"),
    Setting("MONETIZATION_MEMORY_LIMIT", "memory_limit", str, "what one engine may use before it spills to disk"),
    Setting(
        "MONETIZATION_LANDING_DAYS", "keep_landing", _kept, "days that a landing file is kept once it was ingested"
    ),
    Setting(
        "MONETIZATION_REPLACED_DAYS",
        "keep_replaced",
        _kept,
        "days that a file of the lake is kept once it was replaced",
    ),
    Setting(
        "MONETIZATION_INGEST_CRON",
        "ingest_cron",
        _cron,
        "how often what has landed is taken in, while the daemon runs (UTC)",
    ),
    Setting("MONETIZATION_WEBHOOK_URL", "webhook_url", _address, "where notices are posted; empty: nowhere"),
    Setting(
        "MONETIZATION_FRESH_HOURS",
        "fresh_hours",
        _hours,
        "hours without a new file after which a notice goes out; 0: never",
    ),
    Setting(
        "MONETIZATION_UNREADABLE_PERCENT",
        "unreadable_percent",
        _percent,
        "of a meter's events in a billing period, so many of a hundred may be unreadable before you are warned",
    ),
    Setting("STRIPE_ISSUE_ZERO", "issue_zero", _flag, "whether invoices of nothing are sent as well"),
)
