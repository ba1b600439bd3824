"""The examples in the docstrings of money, periods, ids and expressions say what is so."""

import doctest
import importlib

import pytest

MODULES = {
    "money": 5,
    "periods": 19,
    "ids": 4,
    "expressions.compiling": 4,
    "expressions.decimals": 1,
    "expressions.model": 1,
    "expressions.patterns": 2,
    "expressions.quoting": 3,
    "expressions.reading": 1,
    "expressions.scopes": 3,
}


@pytest.mark.parametrize("name", MODULES)
def test_the_examples_of_a_module_are_right(name: str) -> None:
    module = importlib.import_module(f"monetization_pipeline.{name}")
    found = [test for test in doctest.DocTestFinder().find(module) if test.examples]
    assert len(found) >= MODULES[name], "examples that were there are no longer found"
    assert doctest.testmod(module).failed == 0
