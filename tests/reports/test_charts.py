"""Bars: their lengths, their figures, and what an image of them may look like."""

import re
from collections.abc import Sequence
from decimal import Decimal
from urllib.parse import unquote
from xml.etree import ElementTree

import pytest

from monetization_pipeline.reports.charts import grouped, image_bars, text_bars


def points(*figures: str) -> list[tuple[str, Decimal]]:
    return [(f"2025-07-{number:02}", Decimal(figure)) for number, figure in enumerate(figures, 1)]


@pytest.mark.parametrize(
    ("figure", "text"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("999", "999"),
        ("1000", "1,000"),
        ("1234567.2500", "1,234,567.25"),
        ("-1234.5", "-1,234.5"),
        ("0.000000000001", "0.000000000001"),
        ("12345678901234567890123456.123456789012", "12,345,678,901,234,567,890,123,456.123456789012"),
        ("1E+3", "1,000"),
    ],
)
def test_a_figure_is_exact(figure: str, text: str) -> None:
    assert grouped(Decimal(figure)) == text


def test_bars_in_eighths_of_a_sign() -> None:
    """30 signs: 10 of the label, 5 of the figure, 4 of gaps and so 11 of the bar, or 88 eighths."""
    assert text_bars(points("8800", "4400", "100", "1", "0", "-5"), 30) == [
        "2025-07-01  ███████████  8,800",
        "2025-07-02  █████▌       4,400",
        "2025-07-03  ▏              100",
        "2025-07-04  ▏                1",
        "2025-07-05                   0",
        "2025-07-06                  -5",
    ]


def test_bars_in_ascii() -> None:
    assert text_bars(points("8800", "4400", "1", "0"), 30, ascii_only=True) == [
        "2025-07-01  ###########  8,800",
        "2025-07-02  ######       4,400",
        "2025-07-03  #                1",
        "2025-07-04                   0",
    ]


def test_nothing_makes_no_bars() -> None:
    assert text_bars([]) == []
    assert image_bars("nothing", []) == ""
    assert text_bars(points("0", "0"), 26) == ["2025-07-01               0", "2025-07-02               0"]


def test_no_line_is_wider_than_asked_for_as_long_as_a_bar_has_room() -> None:
    lines = text_bars(points("1234567890", "0.123456"), 80)
    assert {len(line) for line in lines} == {80}
    assert {len(line) for line in text_bars(points("1234567890", "5"), 20)} == {10 + 2 + 8 + 2 + 13}


def svg_of(markdown: str) -> ElementTree.Element:
    match = re.fullmatch(r"!\[[^\[\]]*\]\(data:image/svg\+xml,([!-'*-~]*)\)", markdown)
    assert match, markdown
    return ElementTree.fromstring(unquote(match[1]))


def heights(svg: ElementTree.Element) -> Sequence[tuple[int, int]]:
    """(x, height) of each column, followed along the path."""
    path = svg.findall("{*}path")[1].attrib["d"]
    x = y = 0
    found = []
    for command, numbers in re.findall(r"([Mmv])([-\d,]+)", path):
        values = [int(number) for number in numbers.split(",")]
        if command == "M":
            x, y = values
            base = y
        elif command == "m":
            x, y = x + values[0], y + values[1]
            assert y == base
        else:
            y += values[0]
            found.append((x, -values[0]))
    return found


def test_columns_of_the_image_stand_in_order_and_as_high_as_their_figures() -> None:
    svg = svg_of(image_bars("calls per day", points("94", "0", "47", "0.001", "-3", "94")))
    assert heights(svg) == [(53, 94), (53 + 2 * 106, 47), (53 + 3 * 106, 1), (53 + 5 * 106, 94)]
    assert [text.text for text in svg.findall("{*}text")] == [
        "calls per day, at most 94",
        "2025-07-01",
        "2025-07-06",
    ]


def test_a_first_column_of_nothing_moves_the_others_on() -> None:
    assert heights(svg_of(image_bars("x", points("0", "2", "1")))) == [(106 + 213, 94), (106 + 2 * 213, 47)]


def test_an_image_of_a_month_is_small_enough_to_be_shown_in_its_place() -> None:
    assert len(image_bars("completion_tokens per day (sum)", points(*map(str, range(10**12, 10**12 + 31))))) < 1000


@pytest.mark.parametrize("title", ["a](http://x) ![b", "<script>1</script>", "'&\"</text>", "größe", "a`b|c*d_e"])
def test_whatever_a_title_holds_it_stays_a_title(title: str) -> None:
    svg = svg_of(image_bars(title, points("1")))
    assert svg.findall("{*}text")[0].text == f"{title}, at most 1"
    assert {child.tag.partition("}")[2] for child in svg.iter()} == {"svg", "path", "text"}
