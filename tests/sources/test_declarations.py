"""What a source's file may say, and what is wrong with one that says something else: file, line and field."""

import hashlib
import json
from pathlib import Path

import pytest
import yaml

from monetization_pipeline.errors import Place
from monetization_pipeline.sources.declared import Format, Source, SourceError, load_source, load_sources

EXAMPLES = Path(__file__).parents[2] / "examples"


def declared(directory: Path, text: str | bytes) -> Source:
    (directory / "logs.yaml").write_bytes(text if isinstance(text, bytes) else text.encode())
    return load_source(directory, "logs")


WHOLE = """\
# What the gateway writes.
format: json
records: payload.items
description: The gateway
schema: moesif
mapping:
  company_id: account.id
  weight: 1
  status: "case when ok then 200 else 500 end"
  metadata.tier: 1.50
"""


def test_every_field_is_read(tmp_path: Path) -> None:
    source = declared(tmp_path, WHOLE)
    assert (source.name, source.format, source.records) == ("logs", Format.JSON, ("payload", "items"))
    assert (source.description, source.record_schema) == ("The gateway", "moesif")
    assert source.mapping == {
        "company_id": "account.id",
        "weight": "1",
        "status": "case when ok then 200 else 500 end",
        "metadata.tier": "1.50",
    }
    assert source.columns["company_id"] == "account.id"
    assert source.columns["verb"] == "request.verb"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("format: csv\nmapping: {user_id: id}", {}, id="the least there is"),
        pytest.param("name: other\nformat: csv\nmapping: {user_id: id}", {}, id="the name is the file's"),
        pytest.param("format: csv\nschema: null\nmapping: {user_id: id}", {}, id="no schema, said"),
        pytest.param("format: csv\nschema:\nmapping: {user_id: id}", {}, id="no schema, left open"),
        pytest.param("format: csv\nrecords: []\nmapping: {user_id: id}", {}, id="no records"),
        pytest.param(
            "format: json\nrecords: [a, b]\nmapping: {user_id: id}",
            {"format": "json", "records": ["a", "b"]},
            id="records as a list",
        ),
        pytest.param(
            "format: csv\nmapping:\n  <<: {user_id: x, verb: y}\n  user_id: id",
            {"mapping": {"user_id": "id", "verb": "y"}},
            id="a merge key gives what the mapping does not say",
        ),
        pytest.param(
            "<<: [{format: csv}, {format: json, mapping: {user_id: id}}]",
            {},
            id="of several under a merge key the first counts",
        ),
        pytest.param(
            "format: csv\nmapping: {user_id: &x a.b, company_id: *x}",
            {"mapping": {"user_id": "a.b", "company_id": "a.b"}},
            id="an alias",
        ),
        pytest.param("\ufeffformat: csv\r\nmapping: {user_id: id}\r\n", {}, id="as Windows writes it"),
    ],
)
def test_a_declaration_says(tmp_path: Path, text: str, expected: dict[str, object]) -> None:
    least: dict[str, object] = {"name": "logs", "format": "csv", "records": [], "record_schema": None}
    least |= {"mapping": {"user_id": "id"}, "description": ""}
    assert declared(tmp_path, text).model_dump(mode="json") == least | expected


#: SHA-256 of the examples' sources as batches of ingested files were named after them before lines were kept.
FORMER = {
    "starter/example": "c1980d22b93d863eace4a727234acc4105883c0bb43d59942aa169afb9ffda6a",
    "demo/api": "5b25d4c7d96cf3c2a3484ae8a96070ad92c7ebb6a470bf888ca04e5c17d09bba",
    "demo/jobs": "007fa31773866496a8121494a3cc9291a7f382ba410a9cb48a05d723cd62f377",
    "cloudtrail/cloudtrail": "411e59fa5fb20f7f7f99fc8853034c0f72b48f0aa7b6a84bb785b60fc82809bd",
    "llm-inference/llm-inference": "fa39a2f766d7609631bfd03f673f951ea6da934d667b716176c96727bd561cbe",
    "moesif/moesif": "0428bf554c268747cd2ed14b39f0e01672793b067a6271ea7019aba0c236597a",
}


@pytest.mark.parametrize("name", FORMER)
def test_a_source_is_dumped_as_it_always_was(name: str) -> None:
    """A batch that was half committed finds its tables by this dump."""
    folder, _, source = name.partition("/")
    dumped = load_source(EXAMPLES / folder / "sources", source).model_dump(mode="json")
    assert hashlib.sha256(json.dumps(dumped, sort_keys=True).encode()).hexdigest() == FORMER[name]
    path = EXAMPLES / folder / "sources" / f"{source}.yaml"
    typed = Source.model_validate({**yaml.safe_load(path.read_text("utf-8")), "name": source})
    assert dumped == typed.model_dump(mode="json")


_SCHEMAS = "moesif, kong-http-log, aws-api-gateway, cloudevents, corrections"
_NO_MAPPING = f"write a mapping, or a schema where the records are of one of: {_SCHEMAS}"
_NO_COLOUR = "LOGS:3 (colour): Extra inputs are not permitted"
_NO_FORMAT = "Input should be 'ndjson', 'json', 'csv', 'requests' or 'parquet'"

#: Text of `logs.yaml` → what is said of it; LOGS is the file.
BROKEN: dict[str, tuple[str | bytes, str]] = {
    "nothing": ("", "LOGS:1: a source has at least `format` and `mapping` (or `schema`)"),
    "a list": ("# c\n- format: csv\n", "LOGS:2: a source has at least `format` and `mapping` (or `schema`)"),
    "a word": ("ndjson", "LOGS:1: a source has at least `format` and `mapping` (or `schema`)"),
    "no YAML": ("format: csv\nmapping: [a\n", "LOGS:3: this is not YAML: did not find expected ',' or ']'"),
    "two documents": ("format: csv\n---\nmapping: {}\n", "LOGS:2: this is not YAML: but found another document"),
    "no UTF-8": (
        b"format: csv\ndescription: \xe4\n",
        "LOGS:2: this is not YAML: 'utf-8' codec can't decode byte 0xe4 in position 25: invalid continuation byte",
    ),
    "a control character": (
        "format: csv\ndescription: \x00\n",
        "LOGS:2: this is not YAML: unacceptable character #x0000: control characters are not allowed",
    ),
    "a key twice": (
        "format: csv\nmapping:\n  user_id: a\n  user_id: b\n",
        "LOGS:4 (user_id): stands twice, first on line 3; keep one",
    ),
    "a key that is a list": ("format: csv\n? [a]\n: b\n", "LOGS:2: a key must be a plain word"),
    "a mapping within itself": ("format: csv\nmapping: &m\n  a: *m\n", "LOGS:2: contains itself through an alias"),
    "a nest too deep": (
        "format: csv\nmapping: " + "[" * 64 + "]" * 64,
        "LOGS:2: is nested too deeply to be a source",
    ),
    "no format": ("# c\nschema: moesif\n", "LOGS:2 (format): Field required"),
    "an unknown format": (
        "schema: moesif\nformat: xml\n",
        f"LOGS:2 (format): {_NO_FORMAT}",
    ),
    "a format that is nothing": (
        "format:\nschema: moesif\n",
        f"LOGS:1 (format): {_NO_FORMAT}",
    ),
    "an unknown schema": (
        "format: ndjson\nschema: other\n",
        f"LOGS:2 (schema): schema 'other' is unknown; there are {_SCHEMAS}",
    ),
    "an unknown key": (
        "format: csv\nmapping: {user_id: id}\n\ncolour: red\n",
        "LOGS:4 (colour): Extra inputs are not permitted",
    ),
    "records for lines": (
        "format: ndjson\nmapping: {user_id: id}\nrecords: Records\n",
        "LOGS:3 (records): records is for format json only",
    ),
    "records that are nothing": (
        "format: json\nmapping: {user_id: id}\nrecords:\n",
        "LOGS:3 (records): Input should be a valid tuple",
    ),
    "records of which one is no name": (
        "format: json\nmapping: {user_id: id}\nrecords:\n- a\n- {b: c}\n",
        "LOGS:5 (records[1]): Input should be a valid string",
    ),
    "no mapping": (
        "# c\nformat: csv\n",
        f"LOGS:2: {_NO_MAPPING}",
    ),
    "an empty mapping": (
        "format: csv\nmapping: {}\n",
        f"LOGS:1: {_NO_MAPPING}",
    ),
    "a mapping that is nothing": ("format: csv\nmapping:\n", "LOGS:2 (mapping): Input should be a valid dictionary"),
    "a mapping that is a list": ("format: csv\nmapping: [a]\n", "LOGS:2 (mapping): Input should be a valid dictionary"),
    "a column that is nothing": (
        "format: csv\nmapping:\n  user_id: id\n  company_id:\n",
        "LOGS:4 (mapping.company_id): Input should be a valid string",
    ),
    "a column that is a list": (
        "format: csv\nmapping:\n  user_id: id\n  metadata.a: [b]\n",
        "LOGS:4 (mapping.metadata.a): Input should be a valid string",
    ),
    "a merge of a word": ("format: csv\n<<: other\nmapping: {a: b}", "LOGS:2 (<<): Extra inputs are not permitted"),
    "a description that is a list": (
        "format: csv\nmapping: {a: b}\ndescription: []\n",
        "LOGS:3 (description): Input should be a valid string",
    ),
    "two things": (
        "mapping:\n  a: [b]\ncolour: red\nformat: xml\n",
        f"LOGS:4 (format): {_NO_FORMAT}\nLOGS:2 (mapping.a): Input should be a valid string\n{_NO_COLOUR}",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_wrong_declaration_is_named_with_file_and_line(tmp_path: Path, name: str) -> None:
    text, message = BROKEN[name]
    with pytest.raises(SourceError) as caught:
        declared(tmp_path, text)
    assert str(caught.value) == message.replace("LOGS", f"{tmp_path}/logs.yaml")


def test_the_first_wrong_source_is_named(tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("format: csv\nmapping: {user_id: id}\n")
    (tmp_path / "b.yml").write_text("format: csv\n")
    (tmp_path / "c.yaml").write_text("format: xml\n")
    with pytest.raises(SourceError, match=r"b\.yml:1: write a mapping"):
        load_sources(tmp_path)


def test_what_is_found_wrong_later_has_its_place_too(tmp_path: Path) -> None:
    source = declared(tmp_path, WHOLE)
    file = f"{tmp_path}/logs.yaml"
    assert source.place("mapping", "status") == Place(file, 9, "mapping.status")
    assert source.place("mapping", "metadata.tier") == Place(file, 10, "mapping.metadata.tier")
    assert source.place("mapping", "verb") == Place(file, 6, "mapping.verb"), "what a schema brings"
    built_in = load_source(tmp_path, "corrections")
    assert built_in.place("mapping", "reason") == Place("sources/corrections.yaml", None, "mapping.reason")
