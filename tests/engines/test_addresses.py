"""Addresses: a path of this machine there and back; what lies elsewhere is no path."""

from pathlib import Path

import pytest

from monetization_pipeline.engines.address import Address


def test_a_path_becomes_an_address_and_comes_back() -> None:
    path = Path("/lake/events/occurred_on=2023-07-10/a b.parquet")
    address = Address.of(path)
    assert (address.local, address.name, str(address)) == (path, "a b.parquet", str(path))


@pytest.mark.parametrize("text", ["s3://bucket/a.parquet", "abfss://c@account.host/a.parquet", "hdfs://host/a.parquet"])
def test_what_lies_elsewhere_is_no_path_of_this_machine(text: str) -> None:
    assert Address(text).name == "a.parquet"
    with pytest.raises(ValueError, match="does not lie on this machine"):
        _ = Address(text).local
