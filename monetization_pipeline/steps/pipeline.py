"""What every step works with: the working folder, the lake, the engine and the seller's settings."""

from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from functools import cached_property
from pathlib import Path

from monetization_pipeline.engines.base import Engine
from monetization_pipeline.lake.lake import Lake
from monetization_pipeline.landing.store import Landing
from monetization_pipeline.periods import month_period, parse_month


@dataclass(frozen=True, slots=True)
class Home:
    """A working folder: what the user writes, and under `.monetization/` what the pipeline keeps."""

    root: Path

    @property
    def catalog(self) -> Path:
        """Meters and plans."""
        return self.root / "catalog"

    @property
    def customers(self) -> Path:
        """Companies, users and subscriptions that the user writes."""
        return self.root / "customers"

    @property
    def sources(self) -> Path:
        """Declared sources."""
        return self.root / "sources"

    @property
    def seller_id(self) -> Path:
        """The file with the seller's id."""
        return self.root / "seller.id"

    @property
    def kept(self) -> Path:
        """Everything that the pipeline keeps."""
        return self.root / ".monetization"

    @property
    def ledger(self) -> Path:
        """The default ledger's database."""
        return self.kept / "ledger.db"

    @property
    def dagster(self) -> Path:
        """Dagster's instance."""
        return self.kept / "dagster"

    @property
    def sandbox(self) -> Path:
        """State of the stand-ins of providers."""
        return self.kept / "sandbox"


@dataclass(frozen=True, slots=True)
class Seller:
    """The seller's settings that figures depend on.

    What is for a time that begins before `first_invoice_at`, a day in the company's zone, is billed elsewhere (rule
    23). `grace` is how long after bill_at an invoice stays a draft; `zone` is that of companies without one of their
    own.
    """

    first_month: str
    first_invoice_at: date | None
    grace: timedelta
    zone: str
    issue_zero: bool

    @property
    def first_instant(self) -> datetime:
        """Where the grid of events begins: with the first billing period of the seller's zone, and of the UTC days.

        What happened before is refused, also where a company's own zone counts it to its first billing period.
        """
        return max(month_period(self.first_month, zone).start for zone in (self.zone, "UTC"))

    @property
    def first_day(self) -> date:
        """The first UTC day on which a file can be received."""
        year, month = parse_month(self.first_month)
        return date(year, month, 1)


@dataclass(frozen=True, slots=True)
class Retention:
    """For how long maintenance keeps landing files that were ingested, and files of the lake that were replaced."""

    landing: timedelta
    files: timedelta


@dataclass(frozen=True)
class Pipeline:
    """One working folder, ready to work on, with the engine that runs SQL for it.

    A look back (`looking_back`) has a folder of its own: what was received until `as_of`, and what was booked until
    then, it reads from the `main` one. Where more than `unreadable_percent` of a meter's events cannot be read,
    somebody is warned.
    """

    home: Home
    seller: Seller
    engine: Engine
    retention: Retention
    unreadable_percent: Decimal
    main: "Pipeline | None" = None
    as_of: datetime | None = None

    def looking_back(self, as_of: datetime) -> "Pipeline":
        """The working folder as it was at an instant, in `.monetization/as_of/<instant>/`."""
        home = Home(self.home.kept / "as_of" / f"{as_of.astimezone(UTC):%Y%m%dT%H%M%S.%fZ}")
        return replace(self, home=home, main=self, as_of=as_of)

    @property
    def ledger_file(self) -> Path:
        """The ledger's database."""
        return self.home.ledger if self.main is None else self.main.home.ledger

    @cached_property
    def lake(self) -> Lake:
        """The datasets."""
        received = None if self.main is None else self.main.lake
        return Lake(self.home.kept / "lake", received, self.as_of)

    @cached_property
    def landing(self) -> Landing:
        """The raw files."""
        return Landing(self.home.kept / "landing")
