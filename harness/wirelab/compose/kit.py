"""Finds the kit's data (labs, reference programs, scenarios), from an installed wheel or a checkout. Knows no formats.

In a wheel the data lies inside the package, in ``wirelab/kit`` (see ``pyproject.toml``); in a checkout it lies
beside ``harness``. The wheel's copy is looked for first: no checkout has that folder.
"""

from __future__ import annotations

import os
import re
from functools import cache
from pathlib import Path

import wirelab
from wirelab.base.errors import EnvironmentFault, InputError
from wirelab.base.texts import Text, register
from wirelab.observe.evidence import Role

register(
    {
        "kit.missing": Text(
            en="This installation of wirelab is not complete: there is no {name} in {folder}. Install it again.",
            zh="wirelab 没有装完整：{folder} 里找不到 {name}。请重新安装。",
        ),
        "kit.no-protocol": Text(
            en="wirelab has no protocol called {name}; it has: {known}.",
            zh="wirelab 里没有叫 {name} 的协议；现有的协议：{known}。",
        ),
    }
)

LAB_FILE = "lab.yaml"
CLASS_FILE = "class.json"  # in a folder with the grades of a class
_PARTS = ("labs", "reference", "scenarios")


def kit_root() -> Path:
    """The folder that holds ``labs``, ``reference`` and ``scenarios``.

    Raises EnvironmentFault when the installation lacks one of them.
    """
    root = _root(str(wirelab.__file__))
    for part in _PARTS:
        if not (root / part).is_dir():
            raise EnvironmentFault("kit.missing", name=part, folder=root)
    return root


@cache
def _root(file: str) -> Path:
    package = Path(file).resolve().parent
    carried = package / "kit"
    return carried if carried.is_dir() else package.parent.parent


def labs_root() -> Path:
    """The folder of labs, one folder each."""
    return kit_root() / "labs"


def lab_folder(word: str) -> Path | None:
    """The folder of the lab that a word means: a path, or the name of one of the kit's; None when it means none."""
    path = Path(word)
    if os.path.isfile(path / LAB_FILE):  # which takes what cannot be a path as not there
        return path
    name = word.rstrip("/").removeprefix("labs/")
    folder = labs_root() / name
    return folder if re.fullmatch("[a-z0-9-]+", name) and os.path.isfile(folder / LAB_FILE) else None


def scenarios_root() -> Path:
    """The folder of scenarios, ``<topic>/<name>.yaml``, and of ``protocols``."""
    return kit_root() / "scenarios"


def reference_program(role: Role) -> Path:
    """The model answer that plays ``role``. Raises EnvironmentFault when it is not there."""
    program = kit_root() / "reference" / f"{role}.py"
    if not program.is_file():
        raise EnvironmentFault("kit.missing", name=program.name, folder=program.parent)
    return program


def protocol_names() -> tuple[str, ...]:
    """The protocol profiles that the kit carries, sorted."""
    return tuple(sorted(path.stem for path in (scenarios_root() / "protocols").glob("*.yaml")))


def protocol_text(name: str) -> tuple[str, str]:
    """The YAML of a protocol profile, and what to call that source in messages: its path below the kit's root.

    Raises InputError when the kit carries no protocol of that name.
    """
    known = protocol_names()
    if name not in known:  # asked before a path is made of it: ``../../secret`` is no protocol
        raise InputError("kit.no-protocol", name=name, known=", ".join(known))
    source = Path("scenarios", "protocols", f"{name}.yaml")
    return (kit_root() / source).read_text(encoding="utf-8"), str(source)
