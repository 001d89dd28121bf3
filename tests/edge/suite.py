"""pytest with the plugin, run as a person runs it: a process of its own in an empty folder, warnings being errors."""

from __future__ import annotations

import re
import shutil
import sys
import xml.etree.ElementTree as ET
from importlib.metadata import entry_points
from pathlib import Path

from tests.edge.command import Command, Done
from wirelab.compose import kit

PLUGIN = "wirelab.edge.pytest_plugin"
OWN = "client.py", "server.py"


class Suite(Command):
    """A folder of tests, with the reference programs as the user's own, and no other plugin than ours and xdist."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._pytest = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--tb=short"]
        self.launcher = [*self._pytest, "-p", PLUGIN]
        self.env = {key: value for key, value in self.env.items() if not key.startswith(("PYTEST", "COLUMNS"))}
        self.env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
        self.write("pytest.ini", "[pytest]\nfilterwarnings = error\naddopts = --strict-markers --strict-config\n")
        for name in OWN:
            shutil.copy(kit.reference_program("server" if name == "server.py" else "client"), folder / name)

    def autoload(self) -> None:
        """From here on plugins are found as users' are, by their entry points; ours, where wirelab is not installed, not."""
        del self.env["PYTEST_DISABLE_PLUGIN_AUTOLOAD"]
        if any(one.value == PLUGIN for one in entry_points(group="pytest11")):
            self.launcher = self._pytest

    def write(self, name: str, text: str) -> Path:
        (self.folder / name).parent.mkdir(parents=True, exist_ok=True)
        return super().write(name, text)


def outcome(done: Done) -> dict[str, int]:
    """What pytest's last line counts: ``{"passed": 2, "failed": 1}``."""
    last = done.out.strip().splitlines()[-1]
    return {word: int(count) for count, word in re.findall(r"(\d+) (passed|failed|errors?|skipped|deselected)", last)}


def cases(file: Path) -> dict[str, str]:
    """Of JUnit's XML: each test, and what it came to: ``pass``, ``failure``, ``error``, ``skipped``."""
    found = {}
    for case in ET.parse(file).getroot().iter("testcase"):
        came = [child.tag for child in case if child.tag != "properties"]
        found[str(case.get("name"))] = came[0] if came else "pass"
    return found
