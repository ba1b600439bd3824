"""Typed settings. The environment and the working folder's `.env` are read here and nowhere else."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

from dotenv import dotenv_values

from monetization_pipeline.errors import MonetizeError
from monetization_pipeline.periods import PeriodKeyError, is_zone, parse_month

_MAX_GRACE_DAYS = 366
_MAX_KEPT_DAYS = 36_500
_MAX_HOURS = 24 * 366
_CRON_FIELDS = 5
_TRUE, _FALSE = ("true", "1", "yes"), ("false", "0", "no", "")


class SettingsError(MonetizeError):
    """A setting whose value has no meaning."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What one working folder runs with. Secrets never show in a repr."""

    home: Path
    first_month: str = "2020-01"
    grace: timedelta = timedelta(days=1)
    time_zone: str = "UTC"
    memory_limit: str = "800MB"
    keep_landing: timedelta = timedelta(days=30)
    keep_replaced: timedelta = timedelta(days=7)
    ingest_cron: str = "* * * * *"
    webhook_url: str = field(default="", repr=False)
    fresh_hours: int = 0
    stripe_mode: str = "sandbox"
    stripe_api_key: str = field(default="", repr=False)
    stripe_api_base: str | None = None
    stripe_issue_zero: bool = False


def load_settings(environment: Mapping[str, str], here: Path) -> Settings:
    """Settings of the working folder: MONETIZATION_HOME, else `here`. The environment wins over the folder's `.env`.

    Raises SettingsError for a value without meaning.
    """
    home = Path(environment.get("MONETIZATION_HOME") or here).expanduser().resolve()
    written = {name: value for name, value in dotenv_values(home / ".env").items() if value is not None}
    values = written | dict(environment)
    return Settings(
        home=home,
        first_month=_month(values.get("MONETIZATION_FIRST_MONTH") or "2020-01"),
        grace=_days("MONETIZATION_GRACE_DAYS", values.get("MONETIZATION_GRACE_DAYS") or "1"),
        time_zone=_zone(values.get("MONETIZATION_TIME_ZONE") or "UTC"),
        memory_limit=values.get("MONETIZATION_MEMORY_LIMIT") or "800MB",
        keep_landing=_kept("MONETIZATION_LANDING_DAYS", values.get("MONETIZATION_LANDING_DAYS") or "30"),
        keep_replaced=_kept("MONETIZATION_REPLACED_DAYS", values.get("MONETIZATION_REPLACED_DAYS") or "7"),
        ingest_cron=_cron(values.get("MONETIZATION_INGEST_CRON") or "* * * * *"),
        webhook_url=_address("MONETIZATION_WEBHOOK_URL", values.get("MONETIZATION_WEBHOOK_URL") or ""),
        fresh_hours=_hours("MONETIZATION_FRESH_HOURS", values.get("MONETIZATION_FRESH_HOURS") or "0"),
        stripe_mode=values.get("STRIPE_MODE") or "sandbox",
        stripe_api_key=values.get("STRIPE_API_KEY") or "",
        stripe_api_base=values.get("STRIPE_API_BASE") or None,
        stripe_issue_zero=_flag("STRIPE_ISSUE_ZERO", values.get("STRIPE_ISSUE_ZERO") or ""),
    )


def _month(text: str) -> str:
    try:
        parse_month(text)
    except PeriodKeyError as error:
        raise SettingsError(f"MONETIZATION_FIRST_MONTH: {error}") from None
    return text


def _zone(text: str) -> str:
    if not is_zone(text):
        raise SettingsError(
            f"MONETIZATION_TIME_ZONE: {text!r} is not a time zone of the IANA database; write a name such as UTC or "
            "Europe/Berlin"
        )
    return text


def _days(name: str, text: str, least: int = 0, most: int = _MAX_GRACE_DAYS) -> timedelta:
    if not (text.isascii() and text.isdigit()) or not least <= int(text) <= most:
        raise SettingsError(f"{name}: {text!r} is not a whole number of days between {least} and {most}")
    return timedelta(days=int(text))


def _kept(name: str, text: str) -> timedelta:
    """For how long something is kept: a day at least, since a process may be at it."""
    return _days(name, text, 1, _MAX_KEPT_DAYS)


def _hours(name: str, text: str) -> int:
    if not (text.isascii() and text.isdigit()) or int(text) > _MAX_HOURS:
        raise SettingsError(f"{name}: {text!r} is not a whole number of hours between 0 (off) and {_MAX_HOURS}")
    return int(text)


def _cron(text: str) -> str:
    if len(text.split()) != _CRON_FIELDS:
        raise SettingsError(
            f"MONETIZATION_INGEST_CRON: {text!r} has not the five fields of a cron schedule, such as */5 * * * *"
        )
    return text


def _address(name: str, text: str) -> str:
    # The address may hold a token: an error does not repeat it.
    if text and not text.startswith(("https://", "http://")):
        raise SettingsError(f"{name}: this is not an address that begins with https:// or http://")
    return text


def _flag(name: str, text: str) -> bool:
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise SettingsError(f"{name}: {text!r} is neither true nor false")
