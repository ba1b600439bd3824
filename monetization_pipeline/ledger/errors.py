"""What can go wrong with the ledger."""

from monetization_pipeline.errors import MonetizeError


class LedgerError(MonetizeError):
    """The ledger cannot be opened, read or written."""


class LedgerBusyError(LedgerError):
    """Another process holds the lock that this one needs."""


class BookedDiffersError(LedgerError):
    """What is to be booked is booked already, with other figures (rule 15: what is booked never changes)."""


class LineBookedElsewhereError(LedgerError):
    """A line of the invoice is booked already, in another invoice: it would be charged twice."""


class LedgerMovedError(LedgerError):
    """Something was booked since it was decided what to book: it has to be decided again."""


class OtherPlaceError(LedgerError):
    """Invoices are to be issued elsewhere than so far, and nobody said that it is to change."""


class OtherSellerError(LedgerError):
    """The folder's seller is another one than what was published bears."""


class PublicationDiffersError(LedgerError):
    """An intent for this publication exists already, with other content or for another customer."""
