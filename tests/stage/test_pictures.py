"""Figures as PNG: drawn where resvg and a font are there, None where they are not."""

from __future__ import annotations

import builtins
import struct
from collections.abc import Iterator

import pytest

from wirelab.present.charts import heartbeat_chart
from wirelab.stage import pictures

SVG = heartbeat_chart([], language="zh")


@pytest.fixture(autouse=True)
def forgetful() -> Iterator[None]:
    pictures.draws.cache_clear()
    yield
    pictures.draws.cache_clear()


def test_a_figure_is_drawn_in_its_size() -> None:
    pytest.importorskip("resvg_py")
    if not pictures.draws("A"):
        pytest.skip("this machine has no font")
    data = pictures.png(SVG, 1.5)
    assert data is not None
    assert (b"\x89PNG\r\n\x1a\n", (1080, 90)) == (data[:8], struct.unpack(">II", data[16:24]))


def test_what_no_font_has_is_told() -> None:
    pytest.importorskip("resvg_py")
    assert not pictures.draws("\U000f1234")
    assert not pictures.draws(" ")


def test_without_fonts_there_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    resvg = pytest.importorskip("resvg_py")
    real = resvg.svg_to_bytes
    monkeypatch.setattr(resvg, "svg_to_bytes", lambda **options: real(**options, skip_system_fonts=True))
    assert (False, None) == (pictures.draws("A"), pictures.png(SVG))


def test_without_resvg_there_is_no_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def missing(name: str, *rest: object) -> object:
        if name == "resvg_py":
            raise ModuleNotFoundError(name)
        return real(name, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", missing)
    assert (False, None) == (pictures.draws("A"), pictures.png(SVG))
