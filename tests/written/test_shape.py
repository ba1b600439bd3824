"""What no value of a file may be: keys that are no text or stand twice, nodes within themselves, too deep a nest."""

import pytest

from monetization_pipeline.written import Fault, Flaw, flaws, read, shape_problems


def found(text: str, deepest: int = 64) -> list[Flaw]:
    root = read("a.yaml", text.encode()).root
    assert root is not None
    return list(flaws(root, deepest))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: {b: [c, {d: e}]}", [], id="nothing is wrong"),
        pytest.param("a: &x {b: c}\nd: [*x, *x]", [], id="an alias may be used twice"),
        pytest.param("a: b\nc: {d: 1, a: 2}\n", [], id="a key may stand again deeper down"),
        pytest.param(
            "a: b\nc: d\n'a': e\na: f\n",
            [Flaw(Fault.KEY_TWICE, 3, "a", 1), Flaw(Fault.KEY_TWICE, 4, "a", 1)],
            id="a key twice, and once more",
        ),
        pytest.param("a:\n- {b: c,\n   b: d}\n", [Flaw(Fault.KEY_TWICE, 3, "b", 2)], id="a key twice in a list"),
        pytest.param("a:\n  ? [b]\n  : c\n", [Flaw(Fault.KEY_NOT_TEXT, 2, "a")], id="a key that is a list"),
        pytest.param("a: &x\n  b:\n    c: *x\n", [Flaw(Fault.WITHIN_ITSELF, 1, "c")], id="a mapping within itself"),
        pytest.param("a:\n  &x\n  - b\n  - *x\n", [Flaw(Fault.WITHIN_ITSELF, 2, "a")], id="a list within itself"),
        pytest.param(
            "a: {b: c, b: {d: e, d: f}}",
            [Flaw(Fault.KEY_TWICE, 1, "b", 1), Flaw(Fault.KEY_TWICE, 1, "d", 1)],
            id="all of them, in the order of the text",
        ),
    ],
)
def test_flaws(text: str, expected: list[Flaw]) -> None:
    assert found(text) == expected


def test_mappings_and_lists_lie_in_each_other_as_deep_as_is_allowed() -> None:
    assert found("a: [{b: c}]", 3) == []
    assert found("a:\n- b\n-\n  c: {d: e}", 3) == [Flaw(Fault.TOO_DEEP, 4, "c")]
    assert found("a: &x [[b]]\nc: [*x]", 3) == [Flaw(Fault.TOO_DEEP, 1, "c")], "an alias is as deep as what it means"


def test_a_file_of_thousands_of_brackets_is_refused_and_no_more() -> None:
    text = "a: " + "[" * 3000 + "]" * 3000
    assert found(text) == [Flaw(Fault.TOO_DEEP, 1, "a")]


def test_flaws_in_words() -> None:
    written = read("a.yaml", b"a: &x [*x]\nb: 1\nb: {? {c: d} : e}\nf: " + b"[" * 64 + b"]" * 64)
    assert [str(problem) for problem in shape_problems(written, "a catalog")] == [
        "a.yaml:1: contains itself through an alias",
        "a.yaml:3 (b): stands twice, first on line 2; keep one",
        "a.yaml:3: a key must be a plain word",
        "a.yaml:4: is nested too deeply to be a catalog",
    ]
    assert shape_problems(read("a.yaml", b""), "a catalog") == []
