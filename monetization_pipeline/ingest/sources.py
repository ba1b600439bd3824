"""Declared sources: `sources/<name>.yaml` says how a source's files are read and what its fields mean."""

import re
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import yaml
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, ValidationError, model_validator

from monetization_pipeline.errors import MonetizeError, Place
from monetization_pipeline.ingest import api_gateway, cloudevents, corrections, kong, moesif

#: The source of what the user writes in `customers/`.
CUSTOMERS = "customers"
#: The built-in source of voids and replacements.
CORRECTIONS = "corrections"

_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")


class SourceError(MonetizeError):
    """A source that is not declared, or whose declaration is wrong."""


class Format(StrEnum):
    """How records are read from a file."""

    NDJSON = "ndjson"
    JSON = "json"
    CSV = "csv"
    REQUESTS = "requests"
    PARQUET = "parquet"


_SCHEMAS: Mapping[str, Mapping[str, str]] = {
    moesif.SCHEMA: moesif.MAPPING,
    kong.SCHEMA: kong.MAPPING,
    api_gateway.SCHEMA: api_gateway.MAPPING,
    cloudevents.SCHEMA: cloudevents.MAPPING,
    corrections.SCHEMA: corrections.MAPPING,
}


def _path(value: object) -> object:
    return tuple(value.split(".")) if isinstance(value, str) else value


class Source(BaseModel):
    """One source. `mapping` goes from target columns to expressions over a record's fields."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: str
    format: Format
    records: Annotated[tuple[str, ...], BeforeValidator(_path)] = ()
    record_schema: str | None = Field(default=None, alias="schema")
    mapping: Mapping[str, str] = Field(default_factory=dict)
    description: str = ""

    @model_validator(mode="after")
    def _fits(self) -> "Source":
        if self.record_schema not in (None, *_SCHEMAS):
            raise ValueError(f"schema {self.record_schema!r} is unknown; there are {', '.join(_SCHEMAS)}")
        if self.records and self.format is not Format.JSON:
            raise ValueError("records is for format json only")
        if not self.columns:
            raise ValueError(f"write a mapping, or a schema where the records are of one of: {', '.join(_SCHEMAS)}")
        return self

    @property
    def is_moesif(self) -> bool:
        """Whether records are events and actions as Moesif's clients send them."""
        return self.format is Format.REQUESTS or self.record_schema == moesif.SCHEMA

    @property
    def columns(self) -> Mapping[str, str]:
        """Target column → expression: the built-in ones, and over them what the user wrote."""
        built_in = moesif.SCHEMA if self.is_moesif else self.record_schema
        return {**_SCHEMAS.get(built_in or "", {}), **self.mapping}


def load_source(directory: Path, name: str) -> Source:
    """The source declared in `directory/<name>.yaml`, or the built-in one of corrections. Raises SourceError."""
    if not _NAME.fullmatch(name):
        raise SourceError(f"source {name!r}: a name has lower-case letters, digits, - and _ only")
    for path in (directory / f"{name}.yaml", directory / f"{name}.yml"):
        if path.is_file() and name == CORRECTIONS:
            raise SourceError(f"{path}: the source {name!r} is built in; give your own another name")
        if path.is_file():
            return _parse(path, name)
    if name == CORRECTIONS:
        return Source(name=name, format=Format.NDJSON, schema=corrections.SCHEMA)
    known = sorted(declared_names(directory))
    raise SourceError(
        f"source {name!r} is not declared; write {directory / name}.yaml"
        + (f", or use one of: {', '.join(known)}" if known else "")
    )


def load_sources(directory: Path) -> list[Source]:
    """Every declared source, by name. Raises SourceError for the first that is wrong."""
    return [load_source(directory, name) for name in sorted(declared_names(directory))]


def declared_names(directory: Path) -> set[str]:
    """Names of the sources that are declared; the declarations are not looked into."""
    return {path.stem for pattern in ("*.yaml", "*.yml") for path in directory.glob(pattern)}


def _parse(path: Path, name: str) -> Source:
    try:
        content = yaml.safe_load(path.read_text())
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        place = Place(str(path), mark.line + 1 if mark else None)
        raise SourceError(f"{place}: this is not YAML: {getattr(error, 'problem', None) or error}") from None
    if not isinstance(content, dict):
        raise SourceError(f"{path}: a source has at least `format` and `mapping` (or `schema`)")
    try:
        return Source.model_validate({**content, "name": name})
    except ValidationError as error:
        problems = "\n".join(
            f"{Place(str(path), field='.'.join(map(str, problem['loc'])) or None)}: "
            f"{problem['msg'].removeprefix('Value error, ')}"
            for problem in error.errors()
        )
        raise SourceError(problems) from None
