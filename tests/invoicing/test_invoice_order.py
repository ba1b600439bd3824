"""The order of an invoice is that of rule 14, and money is rounded once in it (rule 13)."""

import re
from pathlib import Path

from monetization_pipeline.invoicing.order import ORDER
from monetization_pipeline.invoicing.rounding import round_lines

NAMES = [step.name for step in ORDER]


def test_the_steps_are_those_of_rule_14_and_rounding(root: Path) -> None:
    _, rest = (root / "docs" / "rules.md").read_text("utf-8").split("### 14. Order of an invoice")
    paragraph = re.sub(r"\([^)]*\)", "", rest.partition(". ")[0])
    of_the_rule = [" ".join(name.split()).lower() for name in paragraph.split("→")]
    assert [name for name in NAMES if name != "rounding"] == of_the_rule


def test_rounding_comes_once_after_all_that_changes_exact_amounts() -> None:
    assert [step.work for step in ORDER].count(round_lines) == 1
    assert NAMES.index("plan minimum") < NAMES.index("rounding") < NAMES.index("tax")


def test_what_does_not_exist_yet_is_named_and_has_no_work() -> None:
    """Whoever builds one takes it out here, and out of "Not yet" in rule 14."""
    assert [step.name for step in ORDER if step.work is None] == [
        "line minimum and maximum",
        "discounts",
        "plan minimum",
        "tax",
        "prepaid credits",
        "amount due",
    ]
