"""The architecture, checked: what each layer may import and call, and what every module has.

``violations`` reads sources only, so that the checker itself is tested on modules written here.
"""

from __future__ import annotations

import ast
import importlib
import pkgutil
import string
import subprocess
import sys
import tomllib
from graphlib import CycleError, TopologicalSorter
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

import wirelab
from wirelab.base import texts

ROOT = Path(__file__).parent.parent
PACKAGE = ROOT / "harness" / "wirelab"

LAYERS = ("base", "observe", "declare", "judge", "present", "stage", "compose", "edge")
"""From the bottom up: a module imports lower layers, and those before it in its own."""

PURE = ("observe", "declare", "judge", "present")
"""Values in, values out: the same evidence gives the same verdict anywhere, and tests need no world."""

OUTSIDE = (
    {"fcntl", "os", "pathlib", "shutil", "tempfile"}  # files; an mmap that somebody hands in is but bytes
    | {"multiprocessing", "subprocess", "threading"}  # processes
    | {"asyncio", "pty", "select", "selectors", "socket", "termios", "tty"}  # sockets and terminals
    | {"atexit", "ctypes", "random", "time"}
)
"""Modules through which the world is reached; pure layers import none of them."""

IO_CALLS = frozenset({"open", "print", "input"})

HOMES = {
    "dask": ("compose.dask_link",),
    "distributed": ("compose.dask_link", "compose.cluster_task"),
    "docx": ("present.report",),
    "markdown_it": ("present.report",),
    "msgspec": ("declare", "base.plain_json"),
    "nbformat": ("compose.report_check",),
    "pexpect": ("stage.actors", "stage.spawning"),
    "ptyprocess": ("stage.spawning",),
    "resvg_py": ("stage.pictures",),
    "scapy": ("stage.faults", "edge.explore"),
    "toolz": ("compose.dask_link",),
    "yaml": ("declare",),
}
"""Who alone may import a library (a layer, or one module): the rest can then do without it, and starts fast."""

LINES = 450


def imports(tree: ast.Module) -> set[str]:
    """Every module that is imported anywhere in ``tree``; ``from a import b`` gives both ``a`` and ``a.b``."""
    found = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


def local(imported: set[str], modules: set[str]) -> set[str]:
    """Those of ``imported`` that are modules of the package, as ``layer.module``."""
    return {name.removeprefix("wirelab.") for name in imported} & modules


def within(module: str, home: str) -> bool:
    return module == home or module.startswith(f"{home}.")


def violations(sources: dict[str, str]) -> list[str]:
    """What is wrong with the modules of the package, given their sources by name (``observe.pcap``)."""
    wrong = []
    graph = {}
    for module, source in sorted(sources.items()):
        tree = ast.parse(source)
        layer = module.partition(".")[0]
        if layer not in LAYERS:
            wrong.append(f"{module} is in no layer")
            continue
        imported = imports(tree)
        graph[module] = local(imported, set(sources))
        for other in sorted(graph[module]):
            if LAYERS.index(other.partition(".")[0]) > LAYERS.index(layer):
                wrong.append(f"{module} imports {other}, of a higher layer")
        for top in sorted({name.partition(".")[0] for name in imported}):
            if layer in PURE and top in OUTSIDE:
                wrong.append(f"{module} imports {top}, but layer {layer} is pure")
            if top in HOMES and not any(within(module, home) for home in HOMES[top]):
                wrong.append(f"{module} imports {top}, which only {' and '.join(HOMES[top])} may")
        for node in ast.walk(tree):
            if layer in PURE and isinstance(node, ast.Call) and ast.unparse(node.func) in IO_CALLS:
                wrong.append(f"{module}:{node.lineno} calls {ast.unparse(node.func)}(), but layer {layer} is pure")
        if not ast.get_docstring(tree):
            wrong.append(f"{module} does not say what it is for: it has no docstring")
        if (length := source.count("\n")) > LINES:
            wrong.append(f"{module} has {length} lines, more than {LINES}: it has more than one reason to change")
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as cycle:
        wrong.append("modules import each other: " + " > ".join(reversed(cycle.args[1])))
    return wrong


def package_sources() -> dict[str, str]:
    """The modules in the layers' folders by name; a layer's own ``__init__`` goes by the layer's name."""
    return {
        ".".join(path.relative_to(PACKAGE).with_suffix("").parts).removesuffix(".__init__"): path.read_text("utf-8")
        for path in PACKAGE.rglob("*.py")
        if path not in (PACKAGE / "__init__.py", PACKAGE / "__main__.py")  # the name, and `python -m wirelab`
    }


def all_modules() -> list[str]:
    found = (info.name for info in pkgutil.walk_packages(wirelab.__path__, "wirelab."))
    return [name for name in found if name != "wirelab.__main__"]  # importing that one runs the command


def test_the_package_keeps_to_its_architecture() -> None:
    sources = package_sources()
    assert set(LAYERS) <= set(sources), "each layer is there, with its docstring"
    assert [] == violations(sources)


@pytest.mark.parametrize(
    ("module", "source", "complaint"),
    [
        ("observe.x", "from wirelab.judge.y import z", "observe.x imports judge.y, of a higher layer"),
        ("observe.x", "from wirelab.judge import y", "observe.x imports judge.y, of a higher layer"),
        ("observe.x", "import wirelab.judge.y as y", "observe.x imports judge.y, of a higher layer"),
        ("observe.x", "def f():\n    import wirelab.judge.y", "observe.x imports judge.y, of a higher layer"),
        ("observe.x", "import socket", "observe.x imports socket, but layer observe is pure"),
        ("judge.x", "from os.path import join", "judge.x imports os, but layer judge is pure"),
        ("present.x", "def f():\n    open('x')", "present.x:3 calls open(), but layer present is pure"),
        ("stage.x", "import scapy.all", "stage.x imports scapy, which only stage.faults and edge.explore may"),
        ("compose.x", "import yaml", "compose.x imports yaml, which only declare may"),
        ("extra.x", "", "extra.x is in no layer"),
        ("base.x", "\n" * 500, "base.x has 501 lines, more than 450: it has more than one reason to change"),
    ],
)
def test_the_checker_sees(module: str, source: str, complaint: str) -> None:
    sources = {"judge.y": '"""Sound."""', module: f'"""Unsound."""\n{source}'}
    assert complaint in violations(sources)


def test_the_checker_sees_a_missing_docstring_and_a_cycle() -> None:
    assert violations({"base.x": "import math"}) == ["base.x does not say what it is for: it has no docstring"]
    cycle = {"base.x": '"""X."""\nfrom wirelab.base import y', "base.y": '"""Y."""\nimport wirelab.base.x'}
    assert len(violations(cycle)) == 1
    assert violations(cycle)[0].startswith("modules import each other: base.")


def test_the_checker_allows_what_is_allowed() -> None:
    sources = {
        "base.clock": '"""Clock."""\nimport time',
        "observe.pcap": '"""Pcap."""\nimport struct\nfrom wirelab.base.clock import now_ns',
        "observe.tcp": '"""Tcp."""\nfrom wirelab.observe.pcap import read',
        "stage.faults": '"""Faults."""\ndef f():\n    from scapy.all import TCP',
        "edge.cli": '"""Command line."""\nimport os\nfrom wirelab import __version__\nprint(open("x"))',
    }
    assert [] == violations(sources)


def test_every_library_that_is_imported_is_declared() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    declared = {
        requirement.partition(">=")[0].lower()
        for requirement in project["dependencies"] + project["optional-dependencies"]["cluster"]
    }
    provided_by = packages_distributions()
    used = {name.partition(".")[0] for source in package_sources().values() for name in imports(ast.parse(source))}
    for library in sorted(used - set(sys.stdlib_module_names) - {"wirelab"}):
        assert declared & {name.lower() for name in provided_by[library]}, f"{library} is not among the dependencies"


def test_declared_dependencies_have_both_bounds_and_an_exact_version() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    pinned = {
        line.partition("==")[0].lower()
        for line in (ROOT / "constraints.txt").read_text("utf-8").splitlines()
        if not line.startswith("#")
    }
    for requirement in project["dependencies"] + project["optional-dependencies"]["dev"]:
        name, _, bounds = requirement.partition(">=")
        assert ",<" in bounds, f"{requirement} has no lower or no upper bound"
        assert name.lower() in pinned, f"{name} is not in constraints.txt"


def test_every_text_names_the_same_values_in_both_languages() -> None:
    for module in all_modules():
        importlib.import_module(module)
    assert texts.catalogue()
    for key, text in texts.catalogue().items():
        english, chinese = ({name for _, name, _, _ in string.Formatter().parse(t) if name} for t in (text.en, text.zh))
        assert english == chinese, f"{key}: {english} in English, {chinese} in Chinese"
        assert all((text.en.strip(), text.zh.strip())), f"{key} has an empty text"


def test_help_needs_no_heavy_library() -> None:
    """``wirelab --help`` is there in 0.2 s; scapy alone takes longer to import."""
    code = "import sys, wirelab.edge.cli; print(*{'scapy', 'msgspec', 'yaml', 'nbformat', 'pytest', 'dask'} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60)
    assert (done.stdout, done.stderr, done.returncode) == ("\n", "", 0)
