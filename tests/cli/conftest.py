"""The real command: `init` is a process of its own, as a user starts it; what follows is called in this one."""

from collections.abc import Callable
from pathlib import Path

import pytest
from command_line import Monetize


@pytest.fixture
def folder(tmp_path: Path) -> Callable[..., Monetize]:
    """Make a working folder with `monetize init`, and call `monetize` in it."""

    def make(example: str | None, **environment: str) -> Monetize:
        home = tmp_path / "home"
        made = Monetize(tmp_path).process("init", "home", *(["--example", example] if example else []))
        assert made.code == 0, made.both
        return Monetize(home, environment)

    return make
