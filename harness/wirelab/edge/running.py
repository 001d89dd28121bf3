"""The commands that play and judge: ``demo``, ``run``, ``judge``. Prints; decides nothing about verdicts."""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from wirelab.base.errors import EnvironmentFault, UsageError
from wirelab.base.texts import Language, Text, register, say
from wirelab.compose import library
from wirelab.compose.play import SEEDS, begin, seed_of, unplayable
from wirelab.compose.programs import castings
from wirelab.declare.scenario import Scenario
from wirelab.edge.output import put
from wirelab.judge.verdict import Judgement, Verdict, worst
from wirelab.observe.connections import Noted
from wirelab.observe.evidence import Event, Owned
from wirelab.observe.messages import Profile
from wirelab.present.style import safe
from wirelab.stage.script import Casting

FLAGSHIP = "heartbeat/answers-while-typing"
NARROWEST, WIDEST, PLAIN = 80, 160, 100  # columns

register(
    {
        "run.nothing": Text(
            "name at least one scenario, or a topic such as 'heartbeat'; `wirelab run --list` names them all",
            "请至少给出一个场景或主题，例如 'heartbeat'；`wirelab run --list` 列出全部场景",
        ),
        "run.no-folder": Text(
            "the current folder has been deleted; change to one that exists", "当前文件夹已被删除；请切换到存在的文件夹"
        ),
        "run.title": Text("{name}: {title}", "{name}：{title}"),
        "run.unplayable": Text("? {name} is not played: {why}", "? {name} 未运行：{why}"),
        "run.kept": Text(
            "kept in {folder}; to look at, in a browser: {page}", "已保存到 {folder}；可用浏览器打开查看：{page}"
        ),
        "run.summary": Text(
            "{count} scenarios: {passed} pass, {failed} fail, {inconclusive} inconclusive",
            "{count} 个场景：通过 {passed}，失败 {failed}，无结论 {inconclusive}",
        ),
        "run.seed": Text(
            "--seed takes a whole number from 0 to {most}, as a failed run names it, not '{word}'",
            "--seed 后面应是 0 到 {most} 之间的整数，即失败的那次运行给出的数，而不是 '{word}'",
        ),
        "run.seed-unused": Text(
            "--seed repeats the pauses of scenarios that amplify races ('amplify: true'), and none of these does: {names}",
            "--seed 用于重现会放大竞争的场景（'amplify: true'）里的停顿，而这里的场景都不放大竞争：{names}",
        ),
        "run.repeat": Text(
            "to repeat it with the same pauses (of programs in Python), add {option} to `wirelab run …`; how threads take "
            "turns still depends on the machine: the same outcome is likely, not certain",
            "想用同样的停顿（只有 Python 程序才有）再跑一次，在 `wirelab run …` 后面加上 {option}；线程怎样交替仍取决于机器，"
            "结果很可能相同，但不能保证",
        ),
    }
)


@dataclass(frozen=True, slots=True)
class Options:
    """How a command shows and keeps its runs, which commands play which role, and whether they are observed; ``seed``:
    what the pauses of amplified races follow from, where they are to be those of another run."""

    language: Language
    output: Path | None = None
    quiet: bool = False
    json: bool = False
    commands: dict[str, str] = field(default_factory=dict)
    width: int = PLAIN
    colour: bool = False
    observe: bool = True
    seed: int | None = None
    told: Callable[[Judgement], object] = lambda judgement: None  # of each run when it is over
    built: Callable[[], object] = lambda: None  # when programs have been built, or could not be


def options_from(options: argparse.Namespace, language: Language) -> Options:
    """The options shared by the commands; width and colour from the terminal, if standard output is one."""
    tty = sys.stdout.isatty()
    columns = shutil.get_terminal_size((PLAIN, 24)).columns if tty else PLAIN
    commands = {role: value for role in ("client", "server") if (value := getattr(options, role, None)) is not None}
    output = getattr(options, "output", None)
    return Options(
        language,
        Path(output) if output else None,
        getattr(options, "quiet", False),
        options.json,
        commands,
        max(NARROWEST, min(WIDEST, columns)),
        tty,
        getattr(options, "observe", True),
        _seed(getattr(options, "seed", None)),
    )


def _seed(word: str | None) -> int | None:
    """The number that ``--seed`` was given. Raises UsageError for anything that no run can have named."""
    if word is None:
        return None
    most = SEEDS - 1
    if word.isascii() and word.isdecimal() and len(word) <= len(str(most)) and int(word) <= most:
        return int(word)
    raise UsageError("run.seed", word=word, most=most)


def demo(options: Options) -> int:
    """Play the reference pair through the flagship scenario."""
    return run([FLAGSHIP], options)


def run(wanted: Sequence[str], options: Options, *, list_only: bool = False) -> int:
    """Play scenarios one after the other; the exit status is that of the worst verdict."""
    if list_only:
        put("\n".join(library.names()))
        return 0
    if not wanted:
        raise UsageError("run.nothing")
    paths = library.find(wanted)
    loaded = [(path, library.load(path)) for path in paths]
    chosen = [(path, scenario) for path, scenario in loaded if _concerns(scenario, options) or len(loaded) == 1]
    prepared = [(scenario, *library.profile_for(scenario, path)) for path, scenario in chosen or loaded]
    for scenario, _, _ in prepared:
        castings(scenario, options.commands, _here())
    check_seed([scenario for scenario, _, _ in prepared], options)
    folders = run_folders([scenario for scenario, _, _ in prepared], options.output)
    judgements = []
    for (scenario, profile, source), folder in zip(prepared, folders, strict=True):
        if len(prepared) > 1 and (fault := unplayable(scenario)):
            tell_unplayable(scenario.name, fault, options)
            judgements.append(Judgement(scenario.name, (), Verdict.INCONCLUSIVE))
            continue
        programs = castings(scenario, options.commands, _here())
        judgements.append(play_one(scenario, profile, source, programs, options, folder))
    if options.json:
        from wirelab.compose.artifacts import as_json

        put(json.dumps([as_json(judgement) for judgement in judgements], ensure_ascii=False, indent=1))
    elif len(judgements) > 1:
        counts = {
            kind: sum(item.verdict.value == kind for item in judgements) for kind in ("pass", "fail", "inconclusive")
        }
        values = {"passed": counts["pass"], "failed": counts["fail"], "inconclusive": counts["inconclusive"]}
        put(say("run.summary", options.language, count=len(judgements), **values))
    return worst(judgement.verdict for judgement in judgements).exit_status


def tell_unplayable(name: str, fault: EnvironmentFault, options: Options) -> None:
    """Say of one of several scenarios that it is left out, and why."""
    if not options.json:
        put(safe(say("run.unplayable", options.language, name=name, why=fault.text(options.language))))


def check_seed(scenarios: Sequence[Scenario], options: Options) -> None:
    """Make sure that a seed, if one was given, means something to one of these. Raises UsageError."""
    if options.seed is not None and not any(scenario.amplify for scenario in scenarios):
        raise UsageError("run.seed-unused", names=", ".join(scenario.name for scenario in scenarios))


def run_folders(scenarios: Sequence[Scenario], output: Path | None) -> list[Path | None]:
    """Where each run is kept, made sure of before the first is played."""
    if output is None:
        return [None] * len(scenarios)
    from wirelab.compose.artifacts import check_folder, check_parent

    folders = [output]
    if len(scenarios) > 1:
        check_parent(output)
        names = [scenario.name.replace("/", "-") for scenario in scenarios]
        again = [names[:at].count(name) for at, name in enumerate(names)]  # two files may hold scenarios of one name
        folders = [output / (f"{name}-{1 + n}" if n else name) for name, n in zip(names, again, strict=True)]
    for folder in folders:
        check_folder(folder)
    return [*folders]


def _here() -> Path:
    """The current folder, in which the user's programs are started. Raises UsageError when it was deleted."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise UsageError("run.no-folder") from None


def _concerns(scenario: Scenario, options: Options) -> bool:
    """Whether a scenario of a folder tests a role that a command was given for."""
    return not options.commands or scenario.tests == "both" or scenario.tests in options.commands


def play_one(
    scenario: Scenario,
    profile: Profile,
    source: str,
    programs: Mapping[str, Casting],
    options: Options,
    folder: Path | None,
) -> Judgement:
    """Play one scenario, live unless the options say otherwise, show its verdict, and keep its run in ``folder``."""
    if not options.json:
        title = scenario.title.zh if options.language == "zh" else scenario.title.en
        put(safe(say("run.title", options.language, name=scenario.name, title=title)))
    listener = None if options.quiet or options.json else _Screen(scenario, profile, options)
    playing = begin(scenario, profile, programs, listener, observe=options.observe, seed=options.seed)
    evidence = playing.result(meanwhile=_import_the_rest)
    from wirelab.compose.artifacts import Run

    result = Run(scenario, source, profile, evidence)
    judgement = result.judged()
    options.told(judgement)
    if not options.json:
        _show(judgement, options)
        tell_seed(judgement, seed_of(evidence), options)
    playing.wait()
    if folder is not None:
        from wirelab.compose.artifacts import PAGE
        from wirelab.compose.run_page import keep

        keep(folder, result, judgement, options.language)
        if not options.json:
            put(safe(say("run.kept", options.language, folder=folder, page=folder / PAGE)))
    return judgement


def tell_seed(judgement: Judgement, seed: str | None, options: Options, *others: str) -> None:
    """Of a failed run whose races were amplified, from a seed, say with which option it is repeated (and ``others``,
    before it)."""
    if seed is not None and judgement.verdict is Verdict.FAIL:
        put(safe(say("run.repeat", options.language, option=" ".join((*others, f"--seed {seed}")))))


def _import_the_rest() -> None:
    """What is needed after a run only, imported while its programs start: it takes as long as they do."""
    import wirelab.compose.artifacts
    import wirelab.present.console  # noqa: F401


def _show(judgement: Judgement, options: Options) -> None:
    from wirelab.present.outcome import verdict_lines

    lines = verdict_lines(judgement, language=options.language, width=options.width, colour=options.colour)
    put("\n".join(lines))


class _Screen:
    """Prints the live view, line by line as things happen."""

    def __init__(
        self, scenario: Scenario, profile: Profile, options: Options, names: dict[int, str] | None = None
    ) -> None:
        from wirelab.present.console import LiveConsole

        self._about = scenario, profile, options
        actors = [(name, member.role, scenario.part(name)) for name, member in scenario.cast.items()]
        self._console = LiveConsole(
            actors,
            profile,
            scenario.port,
            language=options.language,
            width=options.width,
            colour=options.colour,
            names=names,
        )

    def at(self, port: int) -> _Screen:
        scenario, profile, options = self._about
        return _Screen(replace(scenario, port=port), profile, options)

    def __call__(self, event: Event | Noted, /) -> None:
        self._print(self._console.feed(event))

    def finish(self) -> None:
        self._print(self._console.finish())

    def _print(self, lines: list[str]) -> None:
        if lines:
            put("\n".join(lines))


def judge_again(folder: str, options: Options, *, ladder: bool) -> int:
    """Judge a run folder; with ``ladder``, show the run again as it was shown live."""
    from wirelab.compose.artifacts import as_json, read_run
    from wirelab.judge.lost import lost
    from wirelab.judge.view import View
    from wirelab.observe.timeline import timeline

    stored = read_run(Path(folder))
    judgement = stored.judged()
    if options.json:
        put(json.dumps(as_json(judgement), ensure_ascii=False, indent=1))
        return judgement.verdict.exit_status
    if ladder:
        names = {event.port: event.actor for event in stored.evidence.events if isinstance(event, Owned)}
        screen = _Screen(stored.scenario, stored.profile, options, names)
        view = View(stored.scenario, stored.profile, stored.evidence)
        for event in timeline(stored.evidence, lost(view)):
            screen(event)
        screen.finish()
    _show(judgement, options)
    tell_seed(judgement, seed_of(stored.evidence), options)
    return judgement.verdict.exit_status
