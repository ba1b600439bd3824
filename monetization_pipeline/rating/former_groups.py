"""Groups as the first version wrote them: a number had several texts then, by what it was computed from (rule 8)."""

import re
from collections.abc import Iterator
from decimal import Decimal
from itertools import islice, product

from monetization_pipeline.ids import make_ids
from monetization_pipeline.periods import Period
from monetization_pipeline.rating.lines import RatedLine, Span

#: A number by its one text as a value of a group. In a text with this in it, its quotes would be escaped.
_NUMBER = re.compile(r'(?<=:")-?[0-9]+(?:\.[0-9]+)?(?="[,}])')
_SCALE = 12
#: Of a group with many numbers, not every mixture of spellings is thought of.
_MOST = 1_000


def former_line_ids(line: RatedLine) -> list[str]:
    """The ids that a line would have, were numbers in its group written as the first version did."""
    full = Period(line.full_period_start, line.full_period_end)
    span = Span(full, Period(line.period_start, line.period_end))
    hashes = [
        span.line_hash(line.subscription_id, line.price_id, group, line.kind.value)
        for group in former_groups(line.group)
    ]
    return make_ids("ln", hashes) if hashes else []


def former_groups(group: str) -> list[str]:
    """Other texts of a group, a JSON object: each number in it by each text that the first version may have written.

    >>> former_groups('{"metadata.n":"7"}')
    ['{"metadata.n":"7.000000000000"}', '{"metadata.n":"7.0"}']
    """
    spelled = [list(_spellings(found)) for found in _NUMBER.findall(group)]
    between = _NUMBER.split(group)
    mixed = islice(product(*spelled), _MOST)
    made = ("".join(part for pair in zip(between, (*values, ""), strict=True) for part in pair) for values in mixed)
    return [text for text in made if text != group]


def _spellings(text: str) -> Iterator[str]:
    """A number as it is written now, as a result of arithmetic, and as a float by JSON, Python, Arrow and Decimal."""
    value = Decimal(text)
    as_float = repr(float(text))
    yield from dict.fromkeys(
        (text, f"{value:.{_SCALE}f}", as_float, re.sub(r"(e[+-])0", r"\1", as_float), f"{value.normalize():E}")
        if "e" in as_float
        else (text, f"{value:.{_SCALE}f}", as_float)
    )
