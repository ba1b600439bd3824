"""`monetize usage --chart`: bars and exact figures at 80 columns, in Unicode, in ASCII and as JSON."""

from pathlib import Path

import pytest
from command_line import Monetize
from workshop import Workshop, event, lines

CATALOG = {
    "meters": [
        {"meter_id": "calls", "aggregation": "count"},
        {"meter_id": "largest", "aggregation": "max", "value": "metadata.size"},
    ],
    "plans": [
        {
            "plan_id": "p",
            "currency": "USD",
            "interval": "month",
            "prices": [
                {"price_id": "calls", "meter": "calls", "model": "per_unit", "unit_amount": "1"},
                {"price_id": "largest", "meter": "largest", "model": "per_unit", "unit_amount": "1"},
            ],
        }
    ],
}

# 80 signs: a day, the longest figure and the gaps leave 61 for a bar, the names of companies 65.
CHART = f"""\
calls: count by local day, 2023-07
2023-07-10  {"█" * 61}  1,000
2023-07-11  {" " * 61}      0
2023-07-12  {"█" * 30}▌{" " * 30}    500
total 1,500

largest companies
acme    {"█" * 65}  1,250
globex  {"█" * 13}{" " * 52}    250
"""


@pytest.fixture
def monetize(tmp_path: Path) -> Monetize:
    """acme calls a thousand times (in one event) on 10 July and 250 times on the 12th, globex 250 times on the 12th."""
    shop = Workshop(tmp_path / "home")
    shop.source("logs")
    shop.catalog(CATALOG)
    shop.customers(
        {
            "subscriptions": [
                {"subscription_id": name, "company_id": name, "plan_id": "p", "start_at": "2023-01-01T00:00:00Z"}
                for name in ("acme", "globex")
            ]
        }
    )
    twelfth = "2023-07-12T12:00:00Z"
    shop.place(
        "logs",
        lines(
            [
                event(1, weight=1000, m={"size": 5}),
                event(2, weight=250, at=twelfth),
                event(3, weight=250, at=twelfth, company="globex", m={"size": "2.5"}),
            ]
        ),
    )
    shop.run("2023-07")
    return Monetize(shop.root, {"COLUMNS": "80", "PYTHONIOENCODING": "utf-8"})


def test_bars_by_day_and_by_company_with_exact_figures(monetize: Monetize) -> None:
    out = monetize.ok("usage", "2023-07", "--chart").out
    assert out.startswith(CHART)
    assert "\nlargest: events by local day, 2023-07\n2023-07-10  █" in out
    assert max(map(len, out.splitlines())) <= 80


def test_where_the_terminal_takes_ascii_alone_bars_are_ascii(monetize: Monetize) -> None:
    plain = Monetize(monetize.home, {"COLUMNS": "60", "PYTHONIOENCODING": "ascii"})
    assert plain.ok("usage", "2023-07", "--chart").out.splitlines()[:4] == [
        "calls: count by local day, 2023-07",
        "2023-07-10  #########################################  1,000",
        "2023-07-11                                                 0",
        "2023-07-12  ####################                         500",
    ]


def test_the_same_as_json(monetize: Monetize) -> None:
    assert monetize.json("usage", "2023-07", "--chart")[0] == {
        "meter_id": "calls",
        "measure": "count",
        "total": "1500",
        "days": {"2023-07-10": "1000", "2023-07-11": "0", "2023-07-12": "500"},
        "largest_companies": [
            {"company_id": "acme", "figure": "1250"},
            {"company_id": "globex", "figure": "250"},
        ],
    }


def test_a_period_without_usage_says_what_to_do(monetize: Monetize) -> None:
    out = monetize.ok("usage", "2023-08", "--chart").out
    assert out == "There is no usage of 2023-08 yet; `monetize run 2023-08` makes it.\n"
