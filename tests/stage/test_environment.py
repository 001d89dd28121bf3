"""What programs find in their environment: the user's own, but nothing in it that changes a verdict."""

from __future__ import annotations

import os

import pytest

from wirelab.stage.namespace import base_environment


@pytest.mark.parametrize(
    "name",
    [
        "PYTHONIOENCODING",
        "PYTHONUTF8",
        "PYTHONSTARTUP",
        "PYTHONINSPECT",
        "HEARTBEAT_INTERVAL",
        "LC_CTYPE",
        "VIRTUAL_ENV",
    ],
)
def test_what_changes_how_programs_behave_is_dropped(monkeypatch: pytest.MonkeyPatch, name: str):
    monkeypatch.setenv(name, "gbk")
    assert name not in base_environment()


def test_all_else_is_kept(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(os, "environ", {"PATH": "/bin", "PYTHONPATH": "lib", "JAVA_HOME": "/java", "LANG": "zh_CN.GBK"})
    locale = {"LC_ALL": "C.UTF-8", "LANG": "C.UTF-8", "TERM": "xterm-256color"}
    assert {"PATH": "/bin", "PYTHONPATH": "lib", "JAVA_HOME": "/java"} | locale == base_environment()
