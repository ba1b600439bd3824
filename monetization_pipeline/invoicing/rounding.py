"""The one rounding of money: at the invoice line, half away from zero, the exact amount staying beside it (rule 13)."""

from dataclasses import replace

from monetization_pipeline.invoicing.draft import Draft
from monetization_pipeline.money import round_amount


def round_lines(draft: Draft) -> Draft:
    """Each line has its amount, in its currency's minor unit."""
    lines = zip(draft.exact_amounts, draft.line_keys, strict=True)
    return replace(draft, amounts=[round_amount(amount, currency) for amount, (_, currency, _) in lines])
