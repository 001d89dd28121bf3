"""The pytest plugin: scenario and lab files as tests, and the fixture ``stage`` for tests in Python (docs/pytest.md).

Every pytest of whoever has wirelab installed loads this module: it imports next to nothing until there is a scenario to
collect or a stage to open. Plays nothing itself (``pytest_player``).
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
from collections.abc import Generator, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from wirelab.base.texts import Language, Text, register, say, spoken

if TYPE_CHECKING:
    from wirelab.base.errors import WirelabError
    from wirelab.edge.pytest_stage import Stage
    from wirelab.stage.companion import Companion

HEAD = 1 << 18  # bytes of a YAML file that are looked at to see what it is
ROLES = ("client", "server")
LAB_FILE = "lab.yaml"  # as ``compose.kit`` has it, which need not be loaded to know
_KEY = re.compile(rb"""^['"]?(\w+)['"]?[ \t]*:""", re.MULTILINE)
_companion = pytest.StashKey["Companion"]()

register(
    {
        "pytest.nobody": Text(
            "nobody plays the {tested} that this tests; give its command with --{tested}",
            "没有给出所测试的 {tested}；请用 --{tested} 给出它的命令",
        ),
        "pytest.keep": Text(
            "to keep the run (capture, terminals, verdict): --wirelab-keep DIR",
            "想保留这次运行（抓包、终端、判定）：加上 --wirelab-keep 文件夹",
        ),
        "pytest.kept": Text("kept in {folder}", "已保存到 {folder}"),
        "pytest.live": Text("to watch it live: {command}", "想实时观看：{command}"),
        "pytest.title": Text("{name}: {title}", "{name}：{title}"),
        "pytest.inconclusive": Text(
            "inconclusive: not the program's fault; run it again", "无法判定：不是程序的错；请再运行一次"
        ),
    }
)


# --- options


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("wirelab", "network-programming exercises (wirelab)")
    for role in ROLES:
        group.addoption(
            f"--wirelab-{role}",
            dest=f"wirelab_{role}",
            metavar="CMD",
            help=f"how your {role} is started; HOST and PORT are appended (also --{role}, where nobody else has it)",
        )
    group.addoption(
        "--wirelab-lang",
        dest="wirelab_lang",
        choices=("en", "zh"),
        help="language of findings (default: from the locale)",
    )
    group.addoption(
        "--wirelab-keep",
        dest="wirelab_keep",
        metavar="DIR",
        help="keep each run here: capture, terminals, verdict; a folder for each test",
    )


@pytest.hookimpl(wrapper=True)
def pytest_load_initial_conftests(early_config: pytest.Config, parser: pytest.Parser) -> Generator[None]:
    """``--client`` and ``--server`` are words that many a conftest.py has for itself: ours come last, and give way."""
    yield
    group = parser.getgroup("wirelab")
    for role in ROLES:
        try:
            _, unknown = parser.parse_known_and_unknown_args([f"--{role}=x"])
            if unknown:
                group.addoption(
                    f"--{role}", dest=f"wirelab_{role}", metavar="CMD", help=f"the same as --wirelab-{role}"
                )
        except (pytest.UsageError, ValueError, argparse.ArgumentError):
            continue


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line(
        "markers",
        "wirelab(**about): a scenario (with what it is: scenario, tests, lab), or what the stage of a test is made of "
        "(client, server, protocol, port, env)",
    )
    commands = _commands(config)
    if commands:
        from wirelab.base.errors import UsageError
        from wirelab.compose.programs import words_of

        try:
            for role, command in commands.items():
                words_of(command, role, config.invocation_params.dir)
        except UsageError as error:
            raise pytest.UsageError(error.text(_language(config))) from None


def pytest_unconfigure(config: pytest.Config) -> None:
    companion = config.stash.get(_companion, None)
    if companion is not None:
        companion.end()


def _language(config: pytest.Config) -> Language:
    chosen: Language | None = config.getoption("wirelab_lang")
    if chosen is None:
        chosen = spoken(os.environ)
    return chosen


def _commands(config: pytest.Config) -> dict[str, str]:
    return {role: given for role in ROLES if (given := config.getoption(f"wirelab_{role}")) is not None}


def _width(config: pytest.Config) -> int:
    """What fits beside the margin that pytest gives a failure."""
    told = config.pluginmanager.has_plugin("terminalreporter")
    columns = config.get_terminal_writer().fullwidth if told else 100
    return max(80, min(120, columns)) - 8


def _folder_for(config: pytest.Config, name: str) -> str | None:
    """Where the run of a test is kept, absolutely."""
    keep: str | None = config.getoption("wirelab_keep")
    if keep is None:
        return None
    return str(config.invocation_params.dir / os.path.expanduser(keep) / name)


def _asked(config: pytest.Config) -> Companion:
    """The process that plays, begun when it is needed first, and anew when it has ended."""
    from wirelab.stage.companion import Companion

    companion = config.stash.get(_companion, None)
    if companion is None or not companion.alive:
        if companion is not None:
            companion.end()
        companion = config.stash[_companion] = Companion(
            "wirelab.edge.pytest_player", str(config.invocation_params.dir)
        )
    return companion


# --- scenarios and labs as tests


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """A scenario or a lab that was named, or lies in a folder that was; a lab's own scenarios are the lab's to play."""
    if file_path.suffix not in (".yaml", ".yml") or not _wanted(parent.config, file_path):
        return None
    kind = _kind(file_path)
    if kind == "lab":
        return LabFile.from_parent(parent, path=file_path)
    if kind == "scenario" and not _is_the_labs(parent.config, file_path):
        return ScenarioFile.from_parent(parent, path=file_path)
    return None


def _wanted(config: pytest.Config, path: Path) -> bool:
    """Whether paths were named, of which this is one, or a command was given; not where pytest just runs its tests."""
    return config.args_source is pytest.Config.ArgsSource.ARGS or bool(_commands(config))


def _is_the_labs(config: pytest.Config, path: Path) -> bool:
    """Whether a scenario is its lab's to play: it lies in a lab's ``scenarios``, and nothing in there was named."""
    folders = [
        above for above in path.resolve().parents if above.name == "scenarios" and (above.parent / LAB_FILE).is_file()
    ]
    named = [(config.invocation_params.dir / word.partition("::")[0]).resolve() for word in config.args]
    return any(not any(one.is_relative_to(folder) for one in named) for folder in folders)


def _kind(path: Path) -> str:
    """What a YAML file is, by its outermost keys: a scenario, a lab, or something that is none of ours."""
    try:
        with path.open("rb") as file:
            keys = set(_KEY.findall(file.read(HEAD)))
    except OSError:
        return ""
    if path.name == LAB_FILE and b"lab" in keys and keys & {b"shown", b"rubric", b"hands_in"}:
        return "lab"
    return "scenario" if len(keys & {b"scenario", b"script", b"cast", b"expect"}) > 1 else ""


class ScenarioFile(pytest.File):
    """A scenario's file: one test."""

    def collect(self) -> Iterator[ScenarioItem]:
        from wirelab.base.errors import WirelabError
        from wirelab.compose import library

        try:
            scenario = library.load(self.path)
            profile, source = library.profile_for(scenario, self.path)
        except WirelabError as error:
            raise self.CollectError(_mistakes(self, error)) from None
        yield ScenarioItem.from_parent(self, name=scenario.name, played=(scenario, profile, source))


class LabFile(pytest.File):
    """A lab: a test for each scenario that it shows."""

    def collect(self) -> Iterator[ScenarioItem]:
        from wirelab.base.errors import WirelabError
        from wirelab.compose import labs

        try:
            lab = labs.load(self.path.parent, hidden=False)
        except WirelabError as error:
            raise self.CollectError(_mistakes(self, error)) from None
        for name, each in lab.scenarios.items():
            played = (each.scenario, each.profile, each.source)
            yield ScenarioItem.from_parent(self, name=name, played=played, lab=lab.lab.lab)


def _mistakes(node: pytest.File, error: WirelabError) -> str:
    """Mistakes with their places, the file as seen from where pytest was called."""
    from wirelab.edge.pytest_told import said

    return said(error, _language(node.config)).replace(f"{node.config.invocation_params.dir}/", "")


class ScenarioItem(pytest.Item):
    """One scenario. It is played in ``setup``: what goes wrong there is nobody's failure but an error. Its verdict is the
    test."""

    def __init__(self, *, played: tuple[Any, Any, str], lab: str | None = None, **about: Any) -> None:
        super().__init__(**about)
        self._scenario, self._profile, self._source = played
        self._lab = lab
        self.kept_as = self.name.replace("/", "-") if lab is None else f"{lab}-{self.name.replace('/', '-')}"
        self._result: tuple[str, Any] | None = None
        mark = {"scenario": self.name, "tests": self._scenario.tests} | ({"lab": lab} if lab else {})
        self.add_marker(pytest.mark.wirelab(**mark))
        commands, tested = _commands(self.config), self._scenario.tests
        if (commands or lab) and not commands.keys() & (set(ROLES) if tested == "both" else {tested}):
            why = say("pytest.nobody", _language(self.config), tested=ROLES[0] if tested == "both" else tested)
            self.add_marker(pytest.mark.skip(reason=why))

    def reportinfo(self) -> tuple[Path, int | None, str]:
        return self.path, 0, self.name

    def setup(self) -> None:
        from wirelab.base.errors import HarnessBug
        from wirelab.edge.pytest_stage import LONGEST_RUN

        config, language = self.config, _language(self.config)
        if config.getoption("setupplan", False):
            return
        about = {
            "scenario": self._scenario,
            "profile": self._profile,
            "source": self._source,
            "commands": _commands(config),
            "folder": str(config.invocation_params.dir),
            "language": language,
            "width": _width(config),
            "keep": _folder_for(config, self.kept_as),
        }
        try:
            verdict, values = _asked(config).ask(("play", about), LONGEST_RUN)
        except HarnessBug as bug:
            pytest.fail(bug.text(language), pytrace=False)
        if verdict == "unplayable":
            raise pytest.skip.Exception(values, _use_item_location=True)
        if verdict in ("error", "misused"):
            pytest.fail(values, pytrace=False)
        self.user_properties.append(("wirelab-verdict", verdict))
        if values["codes"]:
            self.user_properties.append(("wirelab-codes", " ".join(values["codes"])))
        if verdict == "inconclusive":
            pytest.fail(self._text(values), pytrace=False)
        self._result = verdict, values

    def runtest(self) -> None:
        assert self._result is not None
        verdict, values = self._result
        if verdict != "pass":
            pytest.fail(self._text(values), pytrace=False)

    def _text(self, values: dict[str, Any]) -> str:
        """What is told of a scenario that did not pass: what to begin with, which one it is, all that was found, and how to
        go on from here."""
        language, title = _language(self.config), self._scenario.title
        first, _, rest = values["text"].partition("\n")
        head = say("pytest.title", language, name=self.name, title=title.zh if language == "zh" else title.en)
        lines = [first, head, rest, say("pytest.live", language, command=self._command(values.get("seed")))]
        kept = _folder_for(self.config, self.kept_as)
        lines.append(say("pytest.kept", language, folder=kept) if kept else say("pytest.keep", language))
        return "\n".join(lines)

    def _command(self, seed: str | None) -> str:
        given = [f"--{role} {shlex.quote(command)}" for role, command in _commands(self.config).items()]
        path, base = self.path if self._lab is None else self.path.parent, self.config.invocation_params.dir
        where = shlex.quote(str(path.relative_to(base) if path.is_relative_to(base) else path))
        only = [f"--only {self.name}"] if self._lab else []
        return " ".join(["wirelab run", where, *only, *given, *([f"--seed {seed}"] if seed else [])])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Two files may hold scenarios of one name: their runs are kept apart, and alike in every worker of xdist."""
    seen: dict[str, int] = {}
    for item in items:
        if isinstance(item, ScenarioItem):
            again = seen[item.kept_as] = seen.get(item.kept_as, 0) + 1
            if again > 1:
                item.kept_as += f"-{again}"


# --- tests in Python


@pytest.fixture
def stage(request: pytest.FixtureRequest) -> Iterator[Stage]:
    """A private network of the test's own, with a tap on it, on which programs are started and typed at: docs/pytest.md."""
    from wirelab.edge import pytest_setting, pytest_stage
    from wirelab.edge.pytest_errors import Misused

    config, wrong = request.config, ""
    try:
        setting = pytest_setting.setting_of(
            request.node.nodeid,
            [mark.kwargs for mark in reversed(list(request.node.iter_markers("wirelab")))],
            commands=_commands(config),
            folder=config.invocation_params.dir,
            file=request.path,
            language=_language(config),
            width=_width(config),
            keep=_folder_for(config, pytest_setting.file_name(request.node.nodeid)),
        )
        opened = pytest_stage.Stage(_asked(config), setting)
    except Misused as error:
        wrong = f"wirelab.Misused: {error}"
    if wrong:  # what the mark says is, and not a line of ours: pytest shows none, of this or of what was caught
        pytest.fail(wrong, pytrace=False)
    yield opened
    opened.close()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """What cannot be told is an error, as a fixture that fails is; and below what was missed stands how to keep the run."""
    report = yield
    opened = getattr(item, "funcargs", {}).get("stage")
    if call.excinfo is None or opened is None:
        return report
    from wirelab.edge.pytest_errors import Inconclusive
    from wirelab.edge.pytest_stage import Stage

    if not isinstance(opened, Stage):
        return report
    language = _language(item.config)
    if call.excinfo.errisinstance(Inconclusive):
        if call.when == "call":
            report.when = "setup"  # which is what makes it an error, on the terminal and in JUnit's XML
        report.sections.append(("wirelab", say("pytest.inconclusive", language)))
    elif call.excinfo.errisinstance(AssertionError):
        said = say("pytest.kept", language, folder=opened.kept) if opened.kept else say("pytest.keep", language)
        report.sections.append(("wirelab", said))
    return report
