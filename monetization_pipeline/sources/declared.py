"""Declared sources: `sources/<name>.yaml` says how a source's files are read and what its fields mean."""

import re
from collections.abc import Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, cast

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    PrivateAttr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

from monetization_pipeline.errors import MonetizeError, Place
from monetization_pipeline.sources import api_gateway, cloudevents, corrections, kong, moesif
from monetization_pipeline.written import (
    Fields,
    UnreadableError,
    Written,
    WrittenError,
    plain,
    read_file,
    shape_problems,
)

#: The source of what the user writes in `customers/`.
CUSTOMERS = "customers"
#: The built-in source of voids and replacements.
CORRECTIONS = "corrections"

_MERGE = "<<"
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


#: The built-in mappings, by their names.
SCHEMAS: Mapping[str, Mapping[str, str]] = {
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

    #: The file that declares it; None for what is built in.
    _written: Written | None = PrivateAttr(default=None)

    @field_validator("record_schema")
    @classmethod
    def _known(cls, schema: str | None) -> str | None:
        if schema not in (None, *SCHEMAS):
            raise ValueError(f"schema {schema!r} is unknown; there are {', '.join(SCHEMAS)}")
        return schema

    @field_validator("records")
    @classmethod
    def _within_json(cls, records: tuple[str, ...], info: ValidationInfo) -> tuple[str, ...]:
        if records and info.data.get("format", Format.JSON) is not Format.JSON:
            raise ValueError("records is for format json only")
        return records

    @model_validator(mode="after")
    def _says_something(self) -> "Source":
        if not self.columns:
            raise ValueError(f"write a mapping, or a schema where the records are of one of: {', '.join(SCHEMAS)}")
        return self

    def model_post_init(self, context: object, /) -> None:
        """Validated with its file as context, a source knows the places of what is found wrong with it later."""
        if isinstance(context, Written):
            self._written = context

    def place(self, *loc: str) -> Place:
        """Where the declaration says the field at `loc`, such as `mapping`, `company_id`; or the nearest around it."""
        if self._written is None:
            return Place(f"sources/{self.name}.yaml", field=".".join(loc))
        return self._written.place(loc)

    @property
    def is_moesif(self) -> bool:
        """Whether records are events and actions as Moesif's clients send them."""
        return self.format is Format.REQUESTS or self.record_schema == moesif.SCHEMA

    @property
    def columns(self) -> Mapping[str, str]:
        """Target column → expression: the built-in ones, and over them what the user wrote."""
        built_in = moesif.SCHEMA if self.is_moesif else self.record_schema
        return {**SCHEMAS.get(built_in or "", {}), **self.mapping}


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
        written = read_file(path)
    except UnreadableError as error:
        raise SourceError(str(error)) from None
    except WrittenError as error:
        raise SourceError(f"{error.place}: this is not YAML: {error.said}") from None
    problems = shape_problems(written, "a source")
    if problems:
        raise SourceError("\n".join(map(str, problems)))
    if not isinstance(written.root, Fields):
        raise SourceError(f"{written.place()}: a source has at least `format` and `mapping` (or `schema`)")
    content = cast("Mapping[str, object]", _merged(plain(written.root)))
    try:
        return Source.model_validate({**content, "name": name}, context=written)
    except ValidationError as error:
        raise SourceError("\n".join(_problems(written, error))) from None


def _problems(written: Written, error: ValidationError) -> Iterator[str]:
    for problem in error.errors():
        yield f"{written.place(problem['loc'])}: {problem['msg'].removeprefix('Value error, ')}"


def _merged(value: object) -> object:
    """YAML's merge key: under `<<` stands a mapping, or several, whose fields are those that this one does not have."""
    if not isinstance(value, dict):
        return value
    own = {key: _merged(item) for key, item in cast("Mapping[str, object]", value).items()}
    found = own.get(_MERGE, [])
    bases = cast("list[object]", found if isinstance(found, list) else [found])
    if not all(isinstance(base, dict) for base in bases):
        return own
    merged: dict[str, object] = {}
    for base in (*reversed(cast("list[dict[str, object]]", bases)), own):
        merged |= base
    merged.pop(_MERGE, None)
    return merged
