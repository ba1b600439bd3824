"""Which lines may hold a number that the engine would bend: a fast look at bytes, after which a regex decides.

A regex takes a nanosecond or more for each byte; most lines need none. A line that `exact_json.RISKY` matches, or
`exact_json.WHOLE_FRACTION` within JSON, is always among those found here; some that neither matches are, too.
"""

import numpy as np

from monetization_pipeline.ingest.exact_json import LONG_NUMBER

_TILE = 1 << 17
#: A long number's characters without its sign.
_RUN = LONG_NUMBER - 1
#: What may stand before a number that is no text: RISKY's characters, white space, and the sign.
_BEFORE = np.zeros(256, bool)
_BEFORE[list(b":,[ \t\n\f\r-")] = True
_SIGN = ord("-")
#: What may stand after a fraction of zeros: zeros, and what ends a number.
_SPACES = b" \t\n\f\r"
_ENDS = np.zeros(256, bool)
_ENDS[list(b",}]" + _SPACES)] = True
_AFTER = _ENDS.copy()
_AFTER[ord("0")] = True
_BLANK = np.zeros(256, bool)
_BLANK[list(_SPACES)] = True


def risky_lines(data: np.ndarray, ends: np.ndarray) -> np.ndarray:
    """For each line whether it needs a closer look.

    `data`: bytes (uint8), line feeds included; `ends`: where each line ends, increasing.
    """
    places = [found for at in range(0, len(data), _TILE) for found in _candidates(data, at)]
    starts = _number_starts(data, np.concatenate(places)) if places else np.zeros(0, np.int64)
    found = np.zeros(len(ends), bool)
    found[np.searchsorted(ends, starts, side="right")] = True
    return found


def _candidates(data: np.ndarray, at: int) -> list[np.ndarray]:
    """In the tile that begins at `at`: where a long run, an exponent's digits, or a word for no number may begin."""
    tile = data[at : at + _TILE + _RUN]
    digits = _is_digit(tile)
    pairs = digits[1:] & digits[:-1]
    fours = pairs[2:] & pairs[:-2]
    eights = fours[4:] & fours[:-4]
    lower = tile | 0x20
    exponents = (lower[1:-1] == ord("e")) & digits[:-2] & _may_follow_e(tile[2:])
    nans = (lower[1:-1] == ord("a")) & (lower[:-2] == lower[2:])
    infinities = (lower[1:-1] == ord("n")) & (lower[2:] == ord("f"))
    runs = np.flatnonzero(eights[5:] & eights[:-5]) + at
    # Of so many characters a number is long only with its sign.
    long = (data[runs - 1] == _SIGN) | _is_digit(data.take(runs + _RUN, mode="clip"))
    return [
        runs[long],
        *(np.flatnonzero(found) + at for found in (exponents, nans, infinities)),
        _zero_fractions(data, np.flatnonzero((tile[:-1] == ord(".")) & (tile[1:] == ord("0"))) + at),
    ]


def _zero_fractions(data: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Of points before a zero, those after which no other digit need come: 7.0, 7.00, 0.0000001."""
    after, beyond = data.take(points + 2, mode="clip"), data.take(points + 3, mode="clip")
    # `5.0 (X11` is no number that ends.
    return points[_AFTER[after] & (~_BLANK[after] | _ENDS[beyond])]


def _is_digit(some: np.ndarray) -> np.ndarray:
    # Whatever lies from . over / to 9: bytes wrap around below.
    return (some - ord(".")) < 12


def _may_follow_e(some: np.ndarray) -> np.ndarray:
    return (some - ord("+")) < 15


def _number_starts(data: np.ndarray, places: np.ndarray) -> np.ndarray:
    """Of candidates, those that lie at the start of what is no text; digits before them belong to it."""
    for _ in range(_RUN):
        inside = _is_digit(data[places - 1])
        if not inside.any():
            break
        places = np.where(inside, places - 1, places)
    before = data[places - 1]
    before = np.where(before == _SIGN, data[places - 2], before)
    return places[_BEFORE[before]]
