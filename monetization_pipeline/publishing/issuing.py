"""One booked invoice becomes one final invoice at a provider, whatever happened the last time.

At each step: find, then do, then record. A request that changes something is committed to the ledger before it is
sent. Steps may be repeated from any state, also when the provider has forgotten its idempotency keys:

| left behind | next time |
|---|---|
| nothing | nothing is found: a draft is made |
| a draft, with some lines, all or none | found by its publish key; the missing lines are added; finalized |
| a draft that differs | deleted (no draft finalizes by itself), made anew under new keys |
| several drafts | the oldest is kept, the others are deleted |
| a final invoice | found, compared, recorded; never made again |
| a failure that the provider repeats for the key | nothing is found: the next key is used |

Only drafts are ever deleted.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import NoReturn, TypeVar

from monetization_pipeline.clock import Clock
from monetization_pipeline.ledger.ledger import Ledger
from monetization_pipeline.ledger.records import Intent, Outcome, Publication, PublicationState
from monetization_pipeline.money import plain
from monetization_pipeline.publishing.protocol import (
    Document,
    DocumentLine,
    PermanentError,
    Provider,
    ProviderError,
    RemoteInvoice,
    RemoteState,
    RetryableError,
    UnknownOutcomeError,
)

T = TypeVar("T")

# A draft that differs twice in a row differs for a reason that another draft does not mend.
_ROUNDS = 3


class ProviderDiffersError(PermanentError):
    """What stands at the provider is not what is booked, and cannot be mended without somebody's decision."""


class _StartAnewError(Exception):
    """The draft is gone; there is to be another one."""


@dataclass(frozen=True, slots=True)
class Issuing:
    """What issuing works with: a provider, the ledger, the clock for the rows' times, and who sells."""

    provider: Provider
    ledger: Ledger
    clock: Clock
    seller_id: str = ""

    def issue(self, intent: Intent, document: Document) -> Publication:
        """Bring the publication of `intent` to `issued` and return it.

        Raises a ProviderError where that did not come about; doing it again goes on from where it stopped.
        """
        publication = self.ledger.record_intent(intent, self.clock())
        for _ in range(_ROUNDS):
            if publication.state is PublicationState.ISSUED:
                return publication
            try:
                return self._issue_once(publication, document)
            except _StartAnewError:
                publication = self.ledger.record_intent(intent, self.clock())
        raise ProviderDiffersError(
            f"{self._name(document)}: {_ROUNDS} drafts in a row came out different from what is booked; look at the "
            "customer's invoices at the provider, and whether something else changes drafts there"
        )

    def _issue_once(self, publication: Publication, document: Document) -> Publication:
        remote = self._find(publication, document)
        if remote is None:
            remote = self._create(publication, document)
        if remote.state is RemoteState.DRAFT:
            remote = self._complete(remote, document)
        if remote.state is RemoteState.DRAFT:
            draft_id = remote.provider_invoice_id
            remote = self.sent(
                publication.publication_id, "finalize", lambda key: self.provider.finalize(draft_id, key)
            )
        return self._record_issued(publication, remote, document)

    def _find(self, publication: Publication, document: Document) -> RemoteInvoice | None:
        """What the last time left at the provider: a final invoice, else its oldest draft; other drafts are deleted."""
        found = self.provider.find(document.provider_customer_id, document.publish_key)
        for remote in found:
            if remote.content_hash != document.content_hash:
                raise ProviderDiffersError(
                    f"{self._name(document)}: the provider's invoice {remote.provider_invoice_id} bears the same key "
                    "with other content; nothing was changed. Find out which of the two is right"
                )
        final = [remote for remote in found if remote.state is not RemoteState.DRAFT]
        if len(final) > 1:
            names = ", ".join(remote.provider_invoice_id for remote in final)
            raise ProviderDiffersError(
                f"{self._name(document)}: the provider has several final invoices for it, {names}; void all but one "
                "there, and remove the key `publish_key` from the metadata of those"
            )
        kept = next(iter(final or found), None)
        for remote in found:
            if remote is not kept:
                self.provider.cancel_draft(remote.provider_invoice_id)
        known = publication.provider_invoice_id
        if kept is None and known is not None:
            self.ledger.record_abandoned(publication.publication_id, known, "gone at the provider", self.clock())
        elif kept is not None and kept.state is RemoteState.DRAFT and kept.provider_invoice_id != known:
            self.ledger.record_draft(publication.publication_id, kept.provider_invoice_id, self.clock())
        return kept

    def _create(self, publication: Publication, document: Document) -> RemoteInvoice:
        created = self.sent(
            publication.publication_id, "invoice", lambda key: self.provider.create_draft(document, key)
        )
        self.ledger.record_draft(publication.publication_id, created.provider_invoice_id, self.clock())
        # The answer may be the repetition of an old one, for a draft that somebody has deleted since.
        remote = self.provider.fetch(created.provider_invoice_id)
        if remote is None:
            self._abandon(publication.publication_id, created.provider_invoice_id, "deleted at the provider")
        return remote

    def _complete(self, remote: RemoteInvoice, document: Document) -> RemoteInvoice:
        """Add the lines that the draft lacks, make sure that it shows the document and nothing else, return it."""
        wanted = Counter(line.line_key for line in document.lines)
        missing = wanted - Counter(line.line_key or "" for line in remote.lines)
        if missing:
            lines = [line for line in document.lines if line.line_key in missing]
            self.sent(
                document.publish_key,
                f"lines:{_name_of(lines)}",
                lambda key: self.provider.add_lines(document, remote.provider_invoice_id, lines, key),
            )
        current = self.provider.fetch(remote.provider_invoice_id)
        if current is None:
            self._abandon(document.publish_key, remote.provider_invoice_id, "deleted at the provider")
        if current.state is not RemoteState.DRAFT:
            return current
        differences = _differences(document, current)
        if differences:
            self.provider.cancel_draft(remote.provider_invoice_id)
            self._abandon(document.publish_key, remote.provider_invoice_id, "; ".join(differences))
        return current

    def _record_issued(self, publication: Publication, remote: RemoteInvoice, document: Document) -> Publication:
        differences = _differences(document, remote)
        if differences:
            raise ProviderDiffersError(
                f"{self._name(document)}: the provider's invoice {remote.number or remote.provider_invoice_id} is "
                f"final and differs from what is booked ({'; '.join(differences)}); void it there, or credit the "
                "difference, and remove the key `publish_key` from its metadata if it is to be issued again"
            )
        return self.ledger.record_issued(
            publication.publication_id, remote.provider_invoice_id, remote.number, remote.total, self.clock()
        )

    def sent(self, subject: str, step: str, call: Callable[[str], T]) -> T:
        """Make one request that changes something: commit it, send it under its key, append how it ended."""
        attempt = self.ledger.record_request(subject, step, self.clock())
        try:
            result = call(attempt.idempotency_key)
        except ProviderError as error:
            self.ledger.record_outcome(attempt.request_id, _outcome(error), str(error), self.clock())
            raise
        self.ledger.record_outcome(attempt.request_id, Outcome.DONE, "", self.clock())
        return result

    def _abandon(self, publication_id: str, provider_invoice_id: str, detail: str) -> NoReturn:
        self.ledger.record_abandoned(publication_id, provider_invoice_id, detail, self.clock())
        raise _StartAnewError

    def _name(self, document: Document) -> str:
        return f"invoice {document.invoice_id} (publish key {document.publish_key})"


def _outcome(error: ProviderError) -> Outcome:
    if isinstance(error, RetryableError):
        return Outcome.NOT_DONE
    if isinstance(error, UnknownOutcomeError) and not error.answered:
        return Outcome.UNKNOWN
    return Outcome.SPENT


def _name_of(lines: Sequence[DocumentLine]) -> str:
    """A short name for exactly these lines: other lines are another request."""
    return sha256("\n".join(line.line_key for line in lines).encode()).hexdigest()[:12]


def _differences(document: Document, remote: RemoteInvoice) -> list[str]:
    """What sets the provider's invoice apart from the document: customer, currency, total, each line and its amount."""
    found = [
        f"{what} {there!r} instead of {here!r}"
        for what, there, here in (
            ("customer", remote.provider_customer_id, document.provider_customer_id),
            ("currency", remote.currency, document.currency),
            ("total", plain(remote.total), plain(document.total)),
        )
        if there != here
    ]
    wanted = Counter((line.line_key, plain(line.amount)) for line in document.lines)
    present = Counter((line.line_key or "not ours", plain(line.amount)) for line in remote.lines)
    found += [f"line {key} of {amount} is missing" for key, amount in sorted((wanted - present).elements())]
    found += [f"line {key} of {amount} is too many" for key, amount in sorted((present - wanted).elements())]
    return found
