"""What tshark says of the same captures: the same, or else for a reason that its own frames show (docs/tshark.md)."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from tests.frames import LINKS
from tests.observe.differences import RULES, explain
from tests.observe.synthetic import Synthetic, disturbed, synthetic
from tests.observe.tshark import Row, compare
from wirelab.observe.pcap import write_pcap
from wirelab.observe.segments import RAW_IP

pytestmark = pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")
MADE = {one.name: one for one in synthetic()}
DIFFERING = {
    "out of order, late": "late, and captured once",
    "zero window, probed with a byte": "a probe sent again",
    "capture began with a RST": "it begins with its end",
    "RST in syn-received, by the server": "the ACK of a RST",
}


def rows(folder: Path, *captures: Synthetic) -> list[Row]:
    """All conversations of some captures of one link type, from one file: starting tshark takes longer than reading."""
    file = folder / "x.pcap"
    file.write_bytes(write_pcap([packet for one in captures for packet in one.packets], captures[0].linktype))
    return compare(file, captures[0].name)


def unexplained(found: list[Row]) -> list[object]:
    return [(row.ours, row.theirs, row.frames) for row in found for item in explain(row) if item.rule is None]


@pytest.mark.parametrize("name", [*DIFFERING, "both close at once", "half-open, after a restart", "two at a time"])
def test_a_conversation_is_told_alike_or_for_one_reason_otherwise(name: str, tmp_path: Path) -> None:
    found = rows(tmp_path, MADE[name])
    reasons = [item.rule and item.rule.name for row in found for item in explain(row)]
    assert ([DIFFERING[name]] if name in DIFFERING else []) == reasons


@pytest.mark.parametrize("linktype", LINKS)
def test_link_types_and_address_families_change_nothing(linktype: int, tmp_path: Path) -> None:
    found = rows(tmp_path, MADE[f"link type {linktype}"], MADE[f"IPv6, link type {linktype}"])
    assert [()] * 2 == [row.differing for row in found]
    assert 2 == len({row.connection.client for row in found})
    assert [1, 1] == [len(row.theirs.retransmitted) for row in found]


def test_disturbed_conversations_differ_for_known_reasons_only(tmp_path: Path) -> None:
    found = rows(tmp_path, Synthetic("disturbed", RAW_IP, disturbed(1, 500)))
    assert len(found) >= 500
    assert [] == unexplained(found)
    assert len(found) / 2 > sum(bool(row.differing) for row in found) > 0


@pytest.mark.parametrize(
    "change", [{"handshake": False}, {"first_fin": None}, {"close": "none"}, {"retransmitted": frozenset({1, 4})}]
)
def test_a_mistake_would_be_noticed(change: dict[str, object], tmp_path: Path) -> None:
    """Had wirelab told it wrongly, no rule would explain that away."""
    (row,) = rows(tmp_path, MADE["first FIN lost"])
    assert () == row.differing
    assert len(unexplained([replace(row, ours=replace(row.ours, **change))])) >= 1  # type: ignore[arg-type]
    assert len(unexplained([replace(row, theirs=replace(row.theirs, **change))])) >= 1  # type: ignore[arg-type]


def test_the_documentation_names_every_rule() -> None:
    page = (Path(__file__).parents[2] / "docs" / "tshark.md").read_text("utf-8")
    assert len(RULES) == len({rule.name for rule in RULES})
    for rule in RULES:
        assert f"- **{rule.name}** ({rule.column}): {rule.says} *{rule.source}*" in page
