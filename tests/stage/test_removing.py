"""What is removed, and that nothing around it is touched."""

from __future__ import annotations

import stat
from pathlib import Path

from wirelab.stage.removing import remove


def test_closed_folders_go_and_what_they_lie_in_keeps_its_mode(tmp_path: Path) -> None:
    around = tmp_path / "around"
    inner = around / "left" / "a" / "b"
    inner.mkdir(parents=True)
    (inner / "file").write_text("x")
    around.chmod(0o1777)
    for path in (inner, inner.parent, inner.parent.parent):
        path.chmod(0)
    assert remove(around / "left")
    assert remove(around / "left")  # is not there any more
    assert [] == list(around.iterdir())
    assert 0o1777 == stat.S_IMODE(around.stat().st_mode)
