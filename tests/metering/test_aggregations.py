"""Every aggregation against figures written by hand: filters, dimensions, blocked calls, weights, ties, odd values."""

import json
from dataclasses import dataclass
from fractions import Fraction

import pytest
from counting import Answer, Question, Raw, ask
from workshop import Workshop


@dataclass(frozen=True)
class Case:
    """`expected`: by the group's values (alone where there is one), the quantity as text."""

    question: Question
    expected: dict[object, str]
    refused: int = 0
    events: int | None = None


def values(*found: object, **fields: object) -> list[dict[str, object]]:
    return [{"m": {"v": value}, **fields} for value in found]


def kinds(*pairs: tuple[object, object]) -> list[dict[str, object]]:
    return [{"m": {"k": kind, "v": value}} for kind, value in pairs]


def on(day: int) -> str:
    """One of few days, in their order: each day that has events takes its time."""
    return f"2023-07-{ {1: 1, 2: 9, 3: 10, 15: 11, 31: 31}[day]:02}T00:00:00Z"


V, K, L = "metadata.v", "metadata.k", "metadata.l"
ODD = [
    Raw("NaN"),
    Raw("Infinity"),
    "NaN",
    "Infinity",
    "twelve",
    "",
    " 5",
    "5 ",
    "1_000",
    "1,5",
    "0x10",
    "--1",
    "1e",
    ".",
    "٣",
    True,
    None,
    [1],
    {"x": 1},
    Raw("123456789012345678901234567890"),
    "12345678901234567",
    "0.0000000000001",
    Raw("1e400"),
    "1e16",
    "1e-13",
]
UNUSUAL = [
    "+1",
    "1.",
    ".5",
    "1e2",
    "1E-2",
    "00012",
    "1.500000000000000000000000",
    "-0",
    "5e-12",
    "0e999",
    "9999999999999999",
]
UNUSUAL_SUM = "10000000000000115.010000000005"


def same_time(name: str) -> list[dict[str, object]]:
    """Three values of one instant; ids are told apart by the question's name, as they are of one source."""
    return [{"id": f"{name}-{letter}", "m": {"v": number}} for letter, number in zip("bca", (5, 1, 9), strict=True)]


#: Three incoming calls, two outgoing ones, one internal.
EACH_WAY = [{"direction": way} for way in (None, "", "Incoming", "Outgoing", "outgoing", "INTERNAL")]

CASES: dict[str, Case] = {
    # --- count
    "count of nothing": Case(Question("count", []), {"": "0"}),
    "count": Case(Question("count", [{}] * 3), {"": "3"}),
    "count multiplies by weight": Case(Question("count", [{"weight": 5}, {"weight": "2"}, {}]), {"": "8"}, events=3),
    "weight zero counts nothing, but is metered": Case(
        Question("count", [{"weight": 0}, {"weight": 0}]), {"": "0"}, events=2
    ),
    "count of large weights": Case(Question("count", [{"weight": 9999999999999999}] * 3), {"": "29999999999999997"}),
    "count leaves out what is blocked": Case(Question("count", [{"blocked_by": "r"}, {}]), {"": "1"}),
    "count with count_blocked": Case(Question("count", [{"blocked_by": "r"}, {}], count_blocked=True), {"": "2"}),
    "count leaves out what the seller called": Case(Question("count", EACH_WAY), {"": "3"}),
    "count of what the seller called": Case(Question("count", EACH_WAY, directions=["Outgoing"]), {"": "2"}),
    "count of calls each way": Case(Question("count", EACH_WAY, directions=["Internal", "Incoming"]), {"": "4"}),
    "count of all calls": Case(Question("count", EACH_WAY, directions=["Internal", "Outgoing", "Incoming"]), {"": "6"}),
    "a filter may name a direction": Case(
        Question("count", EACH_WAY, filter="direction = 'Outgoing'", directions=["Internal", "Outgoing"]), {"": "2"}
    ),
    "what is blocked is left out whatever its direction": Case(
        Question("count", [{"direction": "Outgoing", "blocked_by": "r"}, *EACH_WAY], directions=["Outgoing"]), {"": "2"}
    ),
    "sum leaves out what the seller called": Case(
        Question("sum", [*values(2, direction="Outgoing"), *values(1)], V), {"": "1"}
    ),
    "blocked by an empty text is not blocked": Case(
        Question("count", [{"blocked_by": ""}, {"blocked_by": None}]), {"": "2"}
    ),
    "count by a dimension": Case(
        Question("count", [*kinds(("a", 1), ("a", 1), ("b", 1), (None, 1)), {}, {"m": {}}], dimensions=[K], groups=[K]),
        {"a": "2", "b": "1", None: "3"},
    ),
    "dimensions that are not text": Case(
        Question(
            "count",
            kinds((1, 1), ("1", 1), (1.5, 1), (True, 1), ("true", 1), ("", 1), ("null", 1), ("{", 1)),
            dimensions=[K],
            groups=[K],
        ),
        {"1": "2", "1.5": "1", "true": "2", "": "1", "null": "1", "{": "1"},
    ),
    "dimensions with odd characters": Case(
        Question(
            "count",
            kinds(('"', 1), ("\\", 1), ("é\u2028😀", 1), ("a\nb", 1), ("'; drop", 1)),
            dimensions=[K],
            groups=[K],
        ),
        {'"': "1", "\\": "1", "é\u2028😀": "1", "a\nb": "1", "'; drop": "1"},
    ),
    "a price that does not group adds the dimensions up": Case(
        Question("count", kinds(("a", 1), ("b", 1)), dimensions=[K]), {"": "2"}
    ),
    "grouping by one of two dimensions": Case(
        Question(
            "sum",
            [{"m": {"k": k, "l": other, "v": v}} for k, other, v in (("a", "x", 1), ("a", "y", 2), ("b", "x", 4))],
            V,
            dimensions=[K, L],
            groups=[L],
        ),
        {"x": "5", "y": "2"},
    ),
    "grouping by two dimensions": Case(
        Question(
            "count",
            [{"m": {"k": "a", "l": "x"}}, {"m": {"k": "a", "l": "x"}}, {"m": {"k": "x", "l": "a"}}, {"m": {"l": "a"}}],
            dimensions=[L, K],
            groups=[K, L],
        ),
        {("a", "x"): "2", ("x", "a"): "1", (None, "a"): "1"},
    ),
    "a column as a dimension": Case(
        Question(
            "count", [{"user": "u1"}, {"user": "u2"}, {"user": "u1"}, {}], dimensions=["user_id"], groups=["user_id"]
        ),
        {"u1": "2", "u2": "1", None: "1"},
    ),
    # --- sum
    "sum of nothing": Case(Question("sum", [], V), {"": "0"}),
    "sum": Case(Question("sum", values("0.1", "0.2", Raw("0.3"), -1), V), {"": "-0.4"}),
    "a number of 20 digits as a number and as text": Case(
        Question("sum", values(Raw("12345678.123456789012"), "12345678.123456789012"), V), {"": "24691356.246913578024"}
    ),
    "the smallest step": Case(
        Question("sum", values("0.000000000001", Raw("0.000000000002"), "1e-12"), V), {"": "0.000000000004"}
    ),
    "sum of the greatest values": Case(
        Question("sum", values(*["9999999999999999.999999999999"] * 50), V), {"": "499999999999999999.99999999995"}
    ),
    "unusual numbers": Case(Question("sum", values(*UNUSUAL), V), {"": UNUSUAL_SUM}),
    "what is no number is refused and stops nothing": Case(
        Question("sum", values(*ODD, 1), V), {"": "1"}, refused=len(ODD), events=1
    ),
    "a value that is not there": Case(Question("sum", [{}, {"m": {}}, *values(2)], V), {"": "2"}, refused=2),
    "weight does not multiply a sum": Case(Question("sum", values(3, weight=5), V), {"": "3"}),
    "sum of arithmetic": Case(Question("sum", values(2, 3), "metadata.v * 1.5 + 1"), {"": "9.5"}),
    "arithmetic that needs too many digits is refused": Case(
        Question("sum", values("0.000000000001", 2), "metadata.v * 0.1"), {"": "0.2"}, refused=1
    ),
    "arithmetic that overflows is refused": Case(
        Question("sum", values("9999999999999999", 2), "metadata.v * 10"), {"": "20"}, refused=1
    ),
    "a refusal in one group leaves the others": Case(
        Question("sum", kinds(("a", 1), ("b", "x"), ("c", 2)), V, dimensions=[K], groups=[K]),
        {"a": "1", "c": "2"},
        refused=1,
    ),
    "a blocked event's value is not looked at": Case(
        Question("sum", [*values("x", blocked_by="r"), *values(1)], V), {"": "1"}
    ),
    # --- min, max
    "min": Case(Question("min", values("3", 2.5, "10", "-0.5"), V), {"": "-0.5"}),
    "max compares numbers, not text": Case(Question("max", values("9", "10", "2e0"), V), {"": "10"}),
    "max of negatives": Case(Question("max", values(-3, -2), V), {"": "-2"}),
    "min of nothing": Case(Question("min", [], V), {"": "0"}),
    "max leaves out what is refused": Case(Question("max", values("NaN", "Infinity", 1), V), {"": "1"}, refused=2),
    "max by a dimension, over days": Case(
        Question(
            "max",
            [
                {"at": on(day), "m": {"k": k, "v": v}}
                for day, k, v in ((1, "a", 1), (31, "a", 5), (15, "b", 3), (2, "b", 4))
            ],
            V,
            dimensions=[K],
            groups=[K],
        ),
        {"a": "5", "b": "4"},
    ),
    "min over days": Case(
        Question("min", [{"at": on(day), "m": {"v": v}} for day, v in ((1, 5), (31, 2), (15, 3))], V), {"": "2"}
    ),
    # --- latest
    "latest": Case(
        Question("latest", [{"at": on(day), "m": {"v": v}} for day, v in ((1, 5), (31, 2), (15, 3))], V), {"": "2"}
    ),
    "latest of the microsecond": Case(
        Question(
            "latest",
            [{"at": f"2023-07-10T00:00:00.{micro:06}Z", "m": {"v": v}} for micro, v in ((1, 1), (3, 3), (2, 2))],
            V,
        ),
        {"": "3"},
    ),
    "of ties the greatest event_id is the latest": Case(Question("latest", same_time("one"), V), {"": "1"}),
    "of ties the greatest source is the latest": Case(
        Question("latest", same_time("two"), V, sources={2: "zebra"}), {"": "9"}
    ),
    "of ties in other dimensions the greatest source is the latest": Case(
        Question(
            "latest",
            [{"id": id_, "m": {"k": k, "v": v}} for id_, k, v in (("here-b", "x", 5), ("here-a", "y", 9))],
            V,
            dimensions=[K],
            sources={1: "zebra"},
        ),
        {"": "9"},
    ),
    "of ties in other dimensions and one source the greatest event_id is the latest": Case(
        Question(
            "latest",
            [{"id": id_, "m": {"k": k, "v": v}} for id_, k, v in (("alone-b", "x", 5), ("alone-a", "y", 9))],
            V,
            dimensions=[K],
        ),
        {"": "5"},
    ),
    "latest skips what is refused": Case(
        Question("latest", [{"at": on(1), "m": {"v": 7}}, {"at": on(2), "m": {"v": "x"}}], V), {"": "7"}, refused=1
    ),
    "latest of each group and of all": Case(
        Question(
            "latest",
            [
                {"at": on(day), "m": {"k": k, "v": v}}
                for day, k, v in ((1, "a", 1), (3, "a", 2), (2, "b", 3), (2, "a", 9))
            ],
            V,
            dimensions=[K],
            groups=[K],
        ),
        {"a": "2", "b": "3"},
    ),
    "latest over dimensions that are not grouped by": Case(
        Question(
            "latest",
            [{"at": on(day), "m": {"k": k, "v": v}} for day, k, v in ((1, "a", 1), (3, "b", 2), (2, "c", 3))],
            V,
            dimensions=[K],
        ),
        {"": "2"},
    ),
    "latest of nothing": Case(Question("latest", [], V), {"": "0"}),
    # --- unique_count
    "unique_count": Case(
        Question("unique_count", [{"user": user} for user in ("a", "b", "a", "A")], "user_id"), {"": "3"}, events=4
    ),
    "unique_count over days": Case(
        Question(
            "unique_count", [{"at": on(day), "user": user} for day, user in ((1, "a"), (31, "a"), (15, "b"))], "user_id"
        ),
        {"": "2"},
    ),
    "unique_count takes any text, numbers as theirs": Case(
        Question("unique_count", values("x", 1, "1", 1.5, True, ""), V), {"": "5"}
    ),
    "unique_count without a value": Case(
        Question("unique_count", [{}, {"user": "a"}, {"user": None}], "user_id"), {"": "1"}, refused=2
    ),
    "unique_count counts once in each group": Case(
        Question(
            "unique_count",
            [{"user": user, "m": {"k": k}} for user, k in (("a", "x"), ("a", "y"), ("b", "x"), ("a", "x"))],
            "user_id",
            dimensions=[K],
            groups=[K],
        ),
        {"x": "2", "y": "1"},
    ),
    "unique_count over dimensions that are not grouped by": Case(
        Question(
            "unique_count",
            [{"user": user, "m": {"k": k}} for user, k in (("a", "x"), ("a", "y"), ("b", "x"))],
            "user_id",
            dimensions=[K],
        ),
        {"": "2"},
    ),
    "unique_count of an expression": Case(
        Question("unique_count", values("A", "a", "b"), "lower(metadata.v)"), {"": "2"}
    ),
    # --- filters: what is unknown is not selected
    "a filter on what is not there": Case(
        Question("count", [{"status": 200}, {}, {"status": 500}], filter="status < 400"), {"": "1"}
    ),
    "not of what is not there": Case(
        Question("count", [{"status": 200}, {}, {"status": 500}], filter="not (status < 400)"), {"": "1"}
    ),
    "unlike what is not there": Case(
        Question("count", [*kinds(("a", 1), ("b", 1), (None, 1)), {}], filter="metadata.k <> 'a'"), {"": "1"}
    ),
    "not in a list": Case(
        Question("count", kinds(("a", 1), ("b", 1), (None, 1)), filter="metadata.k not in ('a')"), {"": "1"}
    ),
    "or with what is not there": Case(
        Question("count", [{"status": 200}, {}, {"verb": "GET"}], filter="status < 400 or verb = 'GET'"), {"": "2"}
    ),
    "is null": Case(Question("count", [*kinds(("a", 1), (None, 1)), {}], filter="metadata.k is null"), {"": "2"}),
    "coalesce": Case(
        Question("count", [*kinds(("a", 1), (None, 1)), {}], filter="coalesce(metadata.k, 'z') = 'z'"), {"": "2"}
    ),
    "a JSON value compared as a number": Case(
        Question("count", values(5, "10", "x", 9.5), filter="metadata.v > 9"), {"": "2"}, refused=1
    ),
    "a JSON value compared as text": Case(
        Question("count", values("10", 10, "9"), filter="metadata.v = '10'"), {"": "2"}
    ),
    "like": Case(
        Question("count", [{"uri": uri} for uri in ("/v1/a", "/v2/a", "/V1/a")] + [{}], filter="uri like '/v1/%'"),
        {"": "1"},
    ),
    "a filter on instants": Case(
        Question(
            "count",
            [{"at": at} for at in ("2023-07-09T23:59:59.999999Z", "2023-07-10T02:00:00+02:00", "2023-07-11T00:00:00Z")],
            filter="occurred_at >= '2023-07-10T00:00:00Z' and occurred_at < '2023-07-11T00:00:00Z'",
        ),
        {"": "1"},
    ),
    "a filter on the company and the user": Case(
        Question("count", [{"user": "a"}, {"user": "b"}], filter="company_id = 'acme' and user_id = 'a'"), {"": "1"}
    ),
    "no event of the month's neighbours": Case(
        Question(
            "count",
            [
                {"at": at}
                for at in (
                    "2023-06-30T23:59:59.999999Z",
                    "2023-07-01T00:00:00Z",
                    "2023-07-31T23:59:59.999999Z",
                    "2023-08-01T00:00:00Z",
                    "2023-08-01T01:00:00+02:00",
                )
            ],
        ),
        {"": "3"},
    ),
}


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Answer]:
    """All cases metered in one run, each by a meter of its own."""
    return ask(Workshop(tmp_path_factory.mktemp("meters")), {name: case.question for name, case in CASES.items()})


@pytest.mark.parametrize("name", CASES)
def test_a_meter(answers: dict[str, Answer], name: str) -> None:
    case, answer = CASES[name], answers[name]
    groups = sorted(case.question.groups)
    found = {tuple(json.loads(group)[key] for key in groups): quantity for group, quantity in answer.quantities.items()}
    expected = {
        (key if isinstance(key, tuple) else (key,) if groups else ()): Fraction(text)
        for key, text in case.expected.items()
    }
    assert found == expected
    assert answer.refused == case.refused
    if case.events is not None:
        assert sum(answer.events.values()) == case.events
