"""Which world a machine gives is settled as it is: by who we are, and what can be done."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from tests.stage import container
from wirelab.stage import world
from wirelab.stage.users import BLOCK
from wirelab.stage.world import here


def in_a_container() -> Any:
    """As root, forced, as root without CAP_NET_RAW, and as somebody else."""
    found = [here().tier, here().jobs(16)]
    here.cache_clear()
    os.environ[world.VARIABLE] = "namespace"
    found.append(here().tier)
    here.cache_clear()
    del os.environ[world.VARIABLE]
    os.setresuid(BLOCK[0], BLOCK[0], BLOCK[0])
    return [*found, here().tier, here().jobs(16)]


def test_root_without_namespaces_has_the_loopback_and_nobody_else(tmp_path: Path) -> None:
    assert ["loopback", 1, "namespace", "namespace", 16] == container.play(in_a_container, tmp_path)


@pytest.mark.parametrize("word", ["namespace", "loopback"])
def test_it_can_be_said(word: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(world.VARIABLE, word)
    here.cache_clear()
    try:
        assert word == here().tier
    finally:
        here.cache_clear()


def test_nothing_is_tried_where_nothing_speaks_against_namespaces(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(world.VARIABLE, raising=False)
    if os.geteuid() == 0 and container.lacks() == "needs CAP_SYS_ADMIN":
        pytest.skip("needs root with CAP_SYS_ADMIN, or not to be root")
    monkeypatch.setattr(os, "fork", lambda: pytest.fail("forked"))
    here.cache_clear()
    try:
        assert "namespace" == here().tier
    finally:
        here.cache_clear()
