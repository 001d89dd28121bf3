"""What a worker refuses before it plays anything. What it plays is in tests/edge/test_grade_dask.py."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.compose.test_parcel import job
from wirelab.compose import cluster_task, parcel, records
from wirelab.compose.handed_in import HandedIn, Piece
from wirelab.compose.parcel import Refusal
from wirelab.judge.grades import Student


@pytest.fixture
def packed(tmp_path: Path) -> bytes:
    (tmp_path / "client.py").write_text("print()\n")
    return parcel.pack(job(HandedIn(Student("ada"), (Piece(tmp_path / "client.py", "client.py"),))))


def test_a_parcel_of_another_version_is_not_opened(packed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(records, "__version__", "99")
    assert cluster_task._played(packed, tmp_path / "there", 1) is None


def test_without_a_private_network_nothing_is_played(packed: bytes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A student's program could else talk to the Dask worker, which runs whatever it is told."""
    monkeypatch.setattr(cluster_task, "here", lambda: SimpleNamespace(tier="loopback"))
    answer = cluster_task._played(packed, tmp_path / "there", 1)
    assert isinstance(answer, Refusal)
    assert "in private networks only" in answer.why.in_("en")
    assert "只能在私有网络里" in answer.why.in_("zh")
    assert not (tmp_path / "there").exists()


def test_tasks_that_were_cancelled_are_still_under_way_until_they_have_ended():
    worker = SimpleNamespace(active_threads={1: "Client-a-ada", 2: "Client-b-ada", 3: "Client-a-bob"})
    assert (2, 1, 0) == tuple(cluster_task.at_work(f"Client-{whose}-", worker) for whose in "abc")
