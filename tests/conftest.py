"""What holds for every test: where the environment variable CI is set, a test that cannot run has failed.

A test that needs a tool or a capability of the machine skips with a reason that begins with "needs ", such as
``pytest.mark.skipif(shutil.which("tshark") is None, reason="needs tshark")``. On a developer's machine that is
reported and forgiven. In CI everything is installed, so there it would hide that something went unchecked.

No test may depend on an idle machine, so no example of Hypothesis has a deadline, however slowly examples come.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, settings

if TYPE_CHECKING:
    from _pytest.terminal import TerminalReporter

settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")


def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    if not os.environ.get("CI") or report.outcome != "skipped" or not isinstance(report.longrepr, tuple):
        return
    path, line, reason = report.longrepr
    reason = reason.removeprefix("Skipped: ")
    if reason.startswith("needs "):
        report.outcome = "failed"
        report.longrepr = f"{path}:{line}: in CI nothing that matters may be skipped, and this test {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    _refuse_skip(report)
    return report


def pytest_terminal_summary(terminalreporter: TerminalReporter) -> None:
    unmet = sorted(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    )
    if unmet:
        terminalreporter.section("not checked on this machine")
        for reason in dict.fromkeys(unmet):
            terminalreporter.line(f"{unmet.count(reason)} x {reason}")
