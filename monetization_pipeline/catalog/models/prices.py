"""Every price model, by the word for it in a catalog. It is a table and not a type: a new model is one line here."""

from collections.abc import Mapping
from typing import cast

from pydantic.fields import FieldInfo

from monetization_pipeline.catalog.models.flat import FlatPrice
from monetization_pipeline.catalog.models.graduated import GraduatedPrice
from monetization_pipeline.catalog.models.package import PackagePrice
from monetization_pipeline.catalog.models.per_unit import PerUnitPrice
from monetization_pipeline.catalog.models.price import Price
from monetization_pipeline.catalog.models.volume import VolumePrice

#: In the order in which people are told of them.
PRICE_MODELS: dict[str, type[Price]] = {
    model.word(): model
    for model in (
        FlatPrice,
        PerUnitPrice,
        GraduatedPrice,
        VolumePrice,
        PackagePrice,
    )
}


def model_of(content: object) -> type[Price] | None:
    """The class of a price as it is written, None where its model is missing or unknown."""
    word = cast("Mapping[str, object]", content).get("model") if isinstance(content, dict) else None
    return PRICE_MODELS.get(word) if isinstance(word, str) else None


def price_fields() -> tuple[str, ...]:
    """The fields that prices have, whatever their model."""
    return tuple(dict.fromkeys(name for model in PRICE_MODELS.values() for name in model.model_fields))


def price_field(name: str) -> FieldInfo | None:
    """A field of that name, as the first model that has one declares it."""
    return next((model.model_fields[name] for model in PRICE_MODELS.values() if name in model.model_fields), None)
