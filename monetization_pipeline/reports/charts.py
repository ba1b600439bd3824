"""Small bar charts of exact figures: as lines of text for a terminal, and as an image that Markdown can hold.

The figures beside the bars are exact; only the length of a bar is not.
"""

from collections.abc import Sequence
from decimal import Decimal
from html import escape
from urllib.parse import quote

from monetization_pipeline.money import plain

#: A bar's last sign, by how many eighths of a sign's width it fills.
_EIGHTHS = ("", "▏", "▎", "▍", "▌", "▋", "▊", "▉")
_GAP = 2
_MIN_BAR = 8

#: The image: narrow enough for the place in which Dagster shows it, in colours that stand on white and on black.
_WIDTH, _HEIGHT = 640, 130
_BASE, _ROOM, _WIDEST = 112, 94, 60
_BAR, _TEXT = "#4f43dd", "#808590"
#: What stands for itself both in an address and in Markdown.
_SHORT = "/:=',;&"

#: What a chart shows: (label, figure), in order.
Points = Sequence[tuple[str, Decimal]]


def grouped(value: Decimal) -> str:
    """An exact figure for people: `1,234,567.25`."""
    whole, point, part = plain(value.copy_abs()).partition(".")
    return f"{'-' if value < 0 else ''}{int(whole):,}{point}{part}"


def text_bars(points: Points, width: int = 80, *, ascii_only: bool = False) -> list[str]:
    """One line for each point: label, bar, figure. The longest bar takes what the texts leave of `width` signs."""
    if not points:
        return []
    labels = max(len(label) for label, _ in points)
    figures = max(len(grouped(value)) for _, value in points)
    room = max(width - labels - figures - 2 * _GAP, _MIN_BAR)
    greatest = max(value for _, value in points)
    return [
        f"{label:<{labels}}{' ' * _GAP}{_bar(value, greatest, room, ascii_only):<{room}}{' ' * _GAP}"
        f"{grouped(value):>{figures}}"
        for label, value in points
    ]


def image_bars(title: str, points: Points) -> str:
    """Markdown of an image in the text itself, under 1,000 signs for a month of days; empty where there are no points.

    So long Dagster's UI shows it in its place; what is longer it hides behind a link.
    """
    if not points:
        return ""
    greatest = max(*(value for _, value in points), Decimal(0))
    step = max(_WIDTH // len(points), 2)
    width = step * len(points)
    texts = [_text(0, 12, f"{title}, at most {grouped(greatest)}"), _text(0, _HEIGHT - 4, points[0][0])]
    if len(points) > 1:
        texts.append(_text(width, _HEIGHT - 4, points[-1][0], " text-anchor='end'"))
    svg = (
        f"<svg xmlns='http://www.w3.org/2000/svg' width='{width}' height='{_HEIGHT}' font-family='sans-serif' "
        f"font-size='12' fill='{_TEXT}'><path stroke='{_TEXT}' d='M0,{_BASE}h{width}'/>"
        f"<path stroke='{_BAR}' stroke-width='{min(step * 7 // 10, _WIDEST)}' d='{_columns(points, greatest, step)}'/>"
        f"{''.join(texts)}</svg>"
    )
    return f"![{_plain_words(title)}](data:image/svg+xml,{quote(svg, safe=_SHORT)})"


def _columns(points: Points, greatest: Decimal, step: int) -> str:
    """One stroke upwards for each point, in whole pixels."""
    path, moved, fallen = [f"M{step // 2},{_BASE}"], 0, 0
    for _, value in points:
        height = 0 if value <= 0 else max(1, round(value * _ROOM / greatest))
        if height:
            if moved:
                path.append(f"m{moved},{fallen}")
            path.append(f"v-{height}")
            moved, fallen = 0, height
        moved += step
    return "".join(path)


def _bar(value: Decimal, greatest: Decimal, room: int, ascii_only: bool) -> str:
    """What is more than nothing is never drawn as nothing."""
    if value <= 0:
        return ""
    if ascii_only:
        return "#" * max(1, round(value * room / greatest))
    eighths = max(1, round(value * room * len(_EIGHTHS) / greatest))
    return "█" * (eighths // len(_EIGHTHS)) + _EIGHTHS[eighths % len(_EIGHTHS)]


def _text(x: int, y: int, text: str, more: str = "") -> str:
    return f"<text x='{x}' y='{y}'{more}>{escape(text)}</text>"


def _plain_words(text: str) -> str:
    return "".join(sign if sign.isalnum() or sign in " ,._-" else " " for sign in text)
