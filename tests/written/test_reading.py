"""The one reader of YAML: what values are, where they stand, and which files are none."""

from pathlib import Path
from typing import cast

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from monetization_pipeline.errors import Place
from monetization_pipeline.written import (
    ControlCharacterError,
    Fields,
    NotUtf8Error,
    NotYamlError,
    UnreadableError,
    Written,
    WrittenError,
    entries,
    plain,
    read,
    read_file,
    read_text,
)

EXAMPLES = Path(__file__).parents[2] / "examples"


def written(text: str) -> Written:
    return read("a.yaml", text.encode())


def value_of(text: str) -> object:
    root = written(text).root
    assert root is not None
    return plain(root)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("a: 1.50", {"a": "1.50"}, id="a number is its text"),
        pytest.param("a: 0x1F\nb: 1_000\nc: 1e3", {"a": "0x1F", "b": "1_000", "c": "1e3"}, id="however it is spelled"),
        pytest.param("a: no\nb: on\nc: true", {"a": "no", "b": "on", "c": "true"}, id="no is a word"),
        pytest.param("a: 2024-01-01", {"a": "2024-01-01"}, id="a date is its text"),
        pytest.param("a:\nb: ~\nc: null\nd: NULL", dict.fromkeys("abcd"), id="four ways of nothing"),
        pytest.param("a: ''\nb: 'null'\nc: \"~\"", {"a": "", "b": "null", "c": "~"}, id="in quotes it is text"),
        pytest.param("a: !!str null\nb: !!null x", {"a": "null", "b": None}, id="a tag decides"),
        pytest.param("a: !!int 5\nb: !ours 5", {"a": "5", "b": "5"}, id="any other tag does not"),
        pytest.param("1: a\nnull: b\n2024-01-01: c", {"1": "a", "null": "b", "2024-01-01": "c"}, id="keys are text"),
        pytest.param("[a, [b, {c: d}], {}]", ["a", ["b", {"c": "d"}], {}], id="lists and mappings in each other"),
        pytest.param("a: &x [1]\nb: *x\nc: [*x]", {"a": ["1"], "b": ["1"], "c": [["1"]]}, id="an alias is its node"),
        pytest.param("<<: {a: b}", {"<<": {"a": "b"}}, id="a merge key is a key"),
        pytest.param("a: |\n  one\n  two\n", {"a": "one\ntwo\n"}, id="a block of lines"),
        pytest.param("\ufeffa: b", {"a": "b"}, id="a byte order mark is nothing"),
        pytest.param("a: b\r\nc: d\r\n", {"a": "b", "c": "d"}, id="lines may end as on Windows"),
        pytest.param('{"a":"b","c":["d"]}', {"a": "b", "c": ["d"]}, id="JSON is YAML"),
    ],
)
def test_a_value(text: str, expected: object) -> None:
    assert value_of(text) == expected


@pytest.mark.parametrize("text", ["", "# nothing yet\n", "\ufeff"])
def test_a_file_without_a_document(text: str) -> None:
    assert written(text).root is None
    assert written(text).place() == Place("a.yaml", 1)


values = st.recursive(
    st.none() | st.text(), lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20
)


@given(values)
def test_what_was_written_is_read(value: object) -> None:
    assert value_of(yaml.safe_dump(value, allow_unicode=True)) == value


FILE = """\
# a comment
meters:
  - meter_id: a

    tiers: &steps
      - {up_to: 5, unit_amount: "1"}
      - up_to: null
  - {meter_id: b,
     tiers: *steps}
plans: []
"""


@pytest.mark.parametrize(
    ("loc", "expected"),
    [
        ((), Place("a.yaml", 2)),
        (("meters",), Place("a.yaml", 2, "meters")),
        (("meters", 0), Place("a.yaml", 3, "meters[0]")),
        (("meters", 0, "tiers"), Place("a.yaml", 5, "meters[0].tiers")),
        (("meters", 0, "tiers", 1, "up_to"), Place("a.yaml", 7, "meters[0].tiers[1].up_to")),
        (("meters", 1, "tiers"), Place("a.yaml", 9, "meters[1].tiers")),
        (("meters", 1, "tiers", 0, "unit_amount"), Place("a.yaml", 6, "meters[1].tiers[0].unit_amount")),
        (("plans",), Place("a.yaml", 10, "plans")),
    ],
)
def test_a_field_stands_where_its_key_does(loc: tuple[str | int, ...], expected: Place) -> None:
    assert written(FILE).place(loc) == expected


@pytest.mark.parametrize(
    ("loc", "line"),
    [
        (("nothing",), 2),
        (("meters", 7, "x"), 2),
        (("meters", 0, "value"), 3),
        (("meters", 0, "tiers", 1, "unit_amount"), 7),
        (("meters", 0, "meter_id", "x"), 3),
        (("plans", "x"), 10),
    ],
)
def test_a_field_that_is_not_there_stands_at_what_is_around_it(loc: tuple[str | int, ...], line: int) -> None:
    assert written(FILE).place(loc).line == line


@pytest.mark.parametrize("path", sorted(EXAMPLES.rglob("*.yaml")), ids=lambda path: f"{path.parts[-3]}/{path.name}")
def test_every_field_of_the_examples_stands_where_pyyaml_says(path: Path) -> None:
    file = read_file(path)
    composed = cast("yaml.Node | None", yaml.compose(path.read_text("utf-8"), Loader=yaml.SafeLoader))
    stack: list[tuple[tuple[str | int, ...], yaml.Node | None]] = [((), composed)]
    while stack:
        loc, node = stack.pop()
        if isinstance(node, yaml.MappingNode):
            for key, value in node.value:
                assert file.place((*loc, key.value)).line == key.start_mark.line + 1
                stack.append(((*loc, key.value), value))
        elif isinstance(node, yaml.SequenceNode):
            for index, item in enumerate(node.value):
                assert file.place((*loc, index)).line == item.start_mark.line + 1
                stack.append(((*loc, index), item))


def test_the_entries_of_a_section_know_their_place_and_what_was_written() -> None:
    file = written("users:\n- &u {user_id: é}\n- user_id: b\n  name: ''\n\n- *u\nnone:\nno_list: {a: b}\n")
    assert isinstance(file.root, Fields)
    users, none, no_list = (entries(file, section) for section in file.root.pairs)
    assert users is not None
    assert [(entry.section, entry.index, entry.node.line) for entry in users] == [
        *(("users", 0, 2), ("users", 1, 3)),
        ("users", 2, 2),
    ]
    assert [file.text_of(entry.node) for entry in users] == [
        *("&u {user_id: é}", "user_id: b\n  name: ''"),
        "&u {user_id: é}",
    ]
    assert users[1].place(("name",)) == Place("a.yaml", 4, "users[1].name")
    assert (none, no_list) == ((), None)


BROKEN: dict[str, tuple[bytes, type[WrittenError], str]] = {
    "a bracket that does not close": (
        b"a: [b\n",
        NotYamlError,
        "a.yaml:2: is not valid YAML: while parsing a flow sequence: did not find expected ',' or ']'",
    ),
    "a bracket that does not close on the only line": (
        b"{",
        NotYamlError,
        "a.yaml:1: is not valid YAML: while parsing a flow node: did not find expected node content",
    ),
    "a tab": (
        b"a:\n\t- b\n",
        NotYamlError,
        "a.yaml:2: is not valid YAML: while scanning for the next token: found character that cannot start any token",
    ),
    "two documents": (
        b"a: b\n---\nc: d\n",
        NotYamlError,
        "a.yaml:2: is not valid YAML: expected a single document in the stream: but found another document",
    ),
    "an alias of nothing": (
        b"a: b\nc: *d\n",
        NotYamlError,
        "a.yaml:2: is not valid YAML: found undefined alias 'd'",
    ),
    "an anchor twice": (
        b"a: &x b\nc: &x d\n",
        NotYamlError,
        "a.yaml:2: is not valid YAML: found duplicate anchor 'x'; first occurrence: second occurrence",
    ),
    "a byte that is no text": (
        b"\xef\xbb\xbfa: b\nc: \xff\n",
        NotUtf8Error,
        "a.yaml:2: is not UTF-8 text; save it as UTF-8",
    ),
    "a control character": (
        "é: b\nc: \x00\n".encode(),
        ControlCharacterError,
        "a.yaml:2: is not valid YAML: unacceptable character #x0000: control characters are not allowed",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_file_that_is_no_yaml(name: str) -> None:
    data, kind, message = BROKEN[name]
    with pytest.raises(WrittenError) as caught:
        read("a.yaml", data)
    assert (type(caught.value), str(caught.value)) == (kind, message)


def test_the_offset_of_a_wrong_byte_counts_the_byte_order_mark() -> None:
    with pytest.raises(NotUtf8Error) as caught:
        read("a.yaml", b"\xef\xbb\xbfa: \xff")
    assert caught.value.byte == 6


def test_a_file_that_cannot_be_read(tmp_path: Path) -> None:
    for reading in (read_file, read_text):
        with pytest.raises(UnreadableError) as caught:
            reading(tmp_path / "none.yaml")
        assert str(caught.value) == f"{tmp_path}/none.yaml: cannot be read: No such file or directory"


def test_a_text_of_any_kind_is_read_without_its_byte_order_mark(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes("\ufeffA={[".encode())
    assert read_text(tmp_path / ".env") == "A={["
