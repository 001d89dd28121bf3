"""The kit's data as found from a checkout; tests/test_wheel.py finds it from a wheel."""

from __future__ import annotations

from pathlib import Path

import pytest

import wirelab
from wirelab.base.errors import EnvironmentFault, InputError
from wirelab.compose import kit

ROOT = Path(__file__).parents[2]


def test_a_checkout_is_its_own_kit() -> None:
    assert ROOT == kit.kit_root()
    assert ROOT / "labs" == kit.labs_root()
    assert ROOT / "scenarios" == kit.scenarios_root()
    assert ROOT / "reference" / "server.py" == kit.reference_program("server")


def test_protocols_are_read_by_name() -> None:
    assert "line" in kit.protocol_names()
    text, source = kit.protocol_text("line")
    assert (ROOT / source).read_text(encoding="utf-8") == text


@pytest.mark.parametrize("name", ["lime", "", "../heartbeat/answers-while-typing", "/etc/passwd"])
def test_an_unknown_protocol_is_named_beside_the_known_ones(name: str) -> None:
    with pytest.raises(InputError, match=r"no protocol called .*line"):
        kit.protocol_text(name)


def test_an_incomplete_installation_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for part in ("labs", "reference", "scenarios"):
        (tmp_path / "wirelab" / "kit" / part).mkdir(parents=True)
    monkeypatch.setattr(wirelab, "__file__", str(tmp_path / "wirelab" / "__init__.py"))
    assert tmp_path / "wirelab" / "kit" == kit.kit_root()
    with pytest.raises(EnvironmentFault, match=r"no client\.py in"):
        kit.reference_program("client")
    (tmp_path / "wirelab" / "kit" / "labs").rmdir()
    with pytest.raises(EnvironmentFault, match="no labs in"):
        kit.scenarios_root()
