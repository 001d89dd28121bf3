"""Commands about labs: ``run LAB [DIR]`` and ``new submission``. Prints; decides nothing about verdicts or points."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from pathlib import Path

from wirelab.base.errors import UsageError
from wirelab.base.texts import Language, Text, register, say
from wirelab.compose import labs
from wirelab.compose.labs import LoadedLab
from wirelab.compose.play import seed_of, unplayable
from wirelab.compose.programs import castings
from wirelab.compose.side_by_side import Planned, Played, at_once, play_all
from wirelab.compose.submissions import Submission, find_programs
from wirelab.declare.lab import RubricItem
from wirelab.declare.source import meant
from wirelab.edge.output import put
from wirelab.edge.running import Options, check_seed, play_one, run_folders, tell_seed, tell_unplayable
from wirelab.judge.points import Score, score, total
from wirelab.judge.verdict import Judgement, Verdict, worst
from wirelab.present.style import safe
from wirelab.stage.build import build

register(
    {
        "lab.none": Text(
            "--only picks a scenario of a lab; name the lab first", "--only 用于选择实验中的一个场景；请先给出实验名"
        ),
        "lab.title": Text("{lab}: {title}", "{lab}：{title}"),
        "lab.building": Text("building: {command}", "正在构建：{command}"),
        "lab.free": Text(
            "{name}: what failed ({checks}) costs no point in this lab",
            "{name}：未通过的检查（{checks}）在本实验中不扣分",
        ),
        "lab.over": Text("{mark} {verdict}  {name}  ({done} of {count})", "{mark} {verdict}  {name}（{done}/{count}）"),
        "lab.again": Text(
            "{mark} {verdict}  {name}  ({done} of {count}; tried {tries} times)",
            "{mark} {verdict}  {name}（{done}/{count}，共试 {tries} 次）",
        ),
        "lab.one-more": Text("to see all of one scenario, live: {command}", "想实时观看一个场景的全部细节：{command}"),
        "lab.not-given": Text(
            "{count} more scenarios test a program that is not there; their points are not among these",
            "另有 {count} 个场景测试的是没有给出的程序，以上分数不包括它们",
        ),
        "lab.nothing": Text(
            "nothing that the lab {lab} shows tests {given}; give the other program, or the folder that holds both",
            "实验 {lab} 中没有可以自己运行、又测试 {given} 的场景；请给出另一个程序，或两者所在的文件夹",
        ),
        "lab.unseen": Text(
            "grading plays {count} more scenarios, which count towards these points as well",
            "评分时还会运行另外 {count} 个场景，它们同样计入以上各项",
        ),
        "lab.unseen.alone": Text(
            "grading plays {count} more scenarios, which count towards these points as well; {points} more points are "
            "for them alone",
            "评分时还会运行另外 {count} 个场景，它们同样计入以上各项；另有 {points} 分只由它们决定",
        ),
        "lab.folders": Text(
            "one folder holds one submission; after the lab there are {count}: {words}",
            "一个文件夹就是一份提交；实验名之后却给了 {count} 个：{words}",
        ),
        "lab.no-programs": Text(
            "say what to play the lab with: a folder, as in `wirelab run {lab} ./mine`, or --client CMD or --server CMD",
            "请指明用什么程序做这个实验：给出文件夹，例如 `wirelab run {lab} ./mine`，或用 --client 命令、--server 命令",
        ),
        "lab.seed": Text(
            "--seed repeats one run; say with --only which scenario of the lab that was",
            "--seed 用于重做一次运行；请用 --only 指明是实验中的哪个场景",
        ),
        "lab.no-such": Text(
            "the lab {lab} shows no scenario '{name}'{meant}; it has: {known}",
            "实验 {lab} 没有可以自己运行的场景 '{name}'{meant}；它有：{known}",
        ),
        "new.made": Text("{folder}: {files}", "{folder}：{files}"),
        "new.next": Text(
            "Read {folder}/HANDOUT.md. To see what your programs do so far:\n    wirelab run {lab} {folder}",
            "先读 {folder}/HANDOUT.md。想看看程序目前做得怎样：\n    wirelab run {lab} {folder}",
        ),
    }
)

_MARKS = {Verdict.PASS: "✓", Verdict.FAIL: "✗", Verdict.INCONCLUSIVE: "?"}


def run_lab(folder: Path | None, words: Sequence[str], options: Options, only: str | None = None) -> int:
    """Play a lab's shown scenarios with a submission, side by side, and print the points; ``only`` one of them, live."""
    if folder is None:
        raise UsageError("lab.none")
    if len(words) > 1:
        raise UsageError("lab.folders", count=len(words), words=" ".join(words))
    if options.seed is not None and only is None:  # those that are played side by side draw one each
        raise UsageError("lab.seed")
    from wirelab.present import outcome  # noqa: F401 - the words for verdicts

    lab = labs.load(folder, hidden=False)
    submission = _submission(lab, words, options)
    if only is not None:
        _build(submission, options)
        return _run_one(lab, submission, only, options)
    if not options.json:
        title = lab.lab.title.zh if options.language == "zh" else lab.lab.title.en
        put(safe(say("lab.title", options.language, lab=lab.lab.lab, title=title)))
    _build(submission, options)
    scenarios = {
        name: each
        for name, each in lab.scenarios.items()
        if each.scenario.tests == "both" or each.scenario.tests in submission.commands
    }
    planned = {
        name: Planned(
            each.scenario,
            each.profile,
            each.source,
            castings(each.scenario, submission.commands, submission.folder),
        )
        for name, each in scenarios.items()
    }
    if not planned:
        raise UsageError("lab.nothing", lab=lab.lab.lab, given=" ".join(f"--{role}" for role in submission.commands))
    kept = dict(zip(scenarios, run_folders([plan.scenario for plan in planned.values()], options.output), strict=True))
    faults = {name: fault for name, plan in planned.items() if (fault := unplayable(plan.scenario))}
    for name, fault in faults.items():
        tell_unplayable(name, fault, options)
    judgements = {name: Judgement(name, (), Verdict.INCONCLUSIVE) for name in faults}
    seeds: dict[str, str | None] = dict.fromkeys(faults)
    playing = [name for name in planned if name not in faults]
    for played in play_all([planned[name] for name in playing], jobs=at_once(), observe=options.observe):
        name = playing[played.index]
        judgements[name], seeds[name] = played.judgement, seed_of(played.evidence)
        options.told(played.judgement)
        _tell(name, played, len(judgements), len(planned), options)
        _keep(planned[name], played, kept[name], options)
    scores = _scores(lab, judgements)
    if options.json:
        put(json.dumps(_as_json(lab, scores, judgements), ensure_ascii=False, indent=1))
    else:
        _show(lab, judgements, seeds, scores, words, options)
        if len(scenarios) < len(lab.scenarios):
            put(say("lab.not-given", options.language, count=len(lab.scenarios) - len(scenarios)))
    return worst(judgement.verdict for judgement in judgements.values()).exit_status


def _run_one(lab: LoadedLab, submission: Submission, name: str, options: Options) -> int:
    """One scenario of the lab, as ``wirelab run SCENARIO`` plays it."""
    if name not in lab.scenarios:
        known = list(lab.scenarios)
        raise UsageError("lab.no-such", lab=lab.lab.lab, name=name, meant=meant(name, known), known=", ".join(known))
    each = lab.scenarios[name]
    check_seed([each.scenario], options)
    programs = castings(each.scenario, submission.commands, submission.folder)
    (kept,) = run_folders([each.scenario], options.output)
    judgement = play_one(each.scenario, each.profile, each.source, programs, options, kept)
    if options.json:
        from wirelab.compose.artifacts import as_json

        put(json.dumps([as_json(judgement)], ensure_ascii=False, indent=1))
    return judgement.verdict.exit_status


def _submission(lab: LoadedLab, words: Sequence[str], options: Options) -> Submission:
    """The programs: those that a folder holds, or those of the command line, which win over the folder's."""
    given: dict[str, str] = {role: options.commands[role] for role in lab.lab.hands_in if role in options.commands}
    if not words:
        if not given:
            raise UsageError("lab.no-programs", lab=lab.lab.lab)
        return Submission(Path.cwd(), given)
    missing = [role for role in lab.lab.hands_in if role not in given]
    folder, found, lacks = Path(words[0]).absolute(), [], []
    for role in missing:
        try:
            found.append(find_programs(folder, (role,)))
        except UsageError as error:
            lacks.append(error)
    if lacks and not (found or given):
        raise lacks[0]
    commands = {role: command for one in found for role, command in one.commands.items()}
    files = {role: file for one in found for role, file in one.files.items()}
    build = tuple(dict.fromkeys(command for one in found for command in one.build))
    return Submission(folder, commands | given, build, files)


def _build(submission: Submission, options: Options) -> None:
    """Build the programs in their own folder, as the student would. Raises UsageError with all that was printed."""
    try:
        for command in submission.build:
            if not options.json:
                put(safe(say("lab.building", options.language, command=command)))
            build(command, submission.folder)
    finally:
        options.built()


def _tell(name: str, played: Played, done: int, count: int, options: Options) -> None:
    if options.json:
        return
    verdict = played.judgement.verdict
    words = {"mark": _MARKS[verdict], "verdict": say(f"verdict.{verdict}", options.language), "name": name}
    key = "lab.over" if played.tries == 1 else "lab.again"
    put(say(key, options.language, done=done, count=count, tries=played.tries, **words))


def _keep(planned: Planned, played: Played, folder: Path | None, options: Options) -> None:
    if folder is None:
        return
    from wirelab.compose.artifacts import Run
    from wirelab.compose.run_page import keep

    run = Run(planned.scenario, planned.source, planned.profile, played.evidence)
    keep(folder, run, played.judgement, options.language)


def _scores(lab: LoadedLab, judgements: dict[str, Judgement]) -> tuple[Score, ...]:
    """The points of what was played; what only grading plays, or tests a program that was not given, is left out."""
    shown = []
    for item in lab.lab.rubric:
        of = tuple(counted for counted in item.of if counted.scenario in judgements)
        if of:
            shown.append(RubricItem(item.points, item.title, of))
    return score(shown, judgements)


def _show(
    lab: LoadedLab,
    judgements: dict[str, Judgement],
    seeds: dict[str, str | None],
    scores: tuple[Score, ...],
    words: Sequence[str],
    options: Options,
) -> None:
    from wirelab.present.outcome import brief_lines, verdict_lines
    from wirelab.present.points import points_lines

    language, width, colour = options.language, options.width, options.colour
    played = {name: one for name, one in judgements.items() if one.checks}  # all but what this machine never can
    failed = [name for name in lab.scenarios if name in played and played[name].verdict is not Verdict.PASS]
    for name in failed:
        # The first in full, as it is mended first; who wants to see all of another asks for it.
        both = lab.scenarios[name].scenario.title
        title = both.zh if language == "zh" else both.en
        put("")
        if name == failed[0]:
            put(safe(say("run.title", language, name=name, title=title)))
            lines = verdict_lines(judgements[name], language=language, width=width, colour=colour)
        else:
            lines = brief_lines(judgements[name], title, language=language, width=width, colour=colour)
        put("\n".join(lines))
        tell_seed(judgements[name], seeds[name], options, f"--only {name}")
    put("")
    put("\n".join(points_lines(scores, language=language, width=width, colour=colour)))
    for name in failed:
        counted = [share.fraction for one in scores for share in one.shares if share.counted.scenario == name]
        wrong = dict.fromkeys(one.name for one in played[name].checks if one.verdict is Verdict.FAIL)
        if wrong and all(fraction == 1 for fraction in counted):
            put(say("lab.free", language, name=name, checks=", ".join(wrong)))
    if lab.lab.hidden:
        alone = sum(item.points for item in lab.lab.rubric if all(of.scenario in lab.lab.hidden for of in item.of))
        key = "lab.unseen.alone" if alone else "lab.unseen"
        put(say(key, language, count=len(lab.lab.hidden), points=f"{alone:g}"))
    if failed:
        put(say("lab.one-more", language, command=_live(failed[:2][-1], lab, words, options)))


def _live(name: str, lab: LoadedLab, words: Sequence[str], options: Options) -> str:
    """The command that plays one scenario live, with the same programs."""
    given = [f"--{role} {shlex.quote(command)}" for role, command in options.commands.items()]
    if words and not given:
        return f"wirelab run {lab.lab.lab} {words[0]} --only {name}"
    return " ".join(["wirelab run", name, *given])


def _as_json(lab: LoadedLab, scores: tuple[Score, ...], judgements: dict[str, Judgement]) -> dict[str, object]:
    from wirelab.compose.artifacts import as_json

    reached, of = total(scores)
    return {
        "lab": lab.lab.lab,
        "points": reached,
        "of": of,
        "rubric": [
            {
                "title": {"en": one.item.title.en, "zh": one.item.title.zh},
                "points": one.points,
                "of": one.item.points,
                "parts": [
                    {"scenario": share.counted.scenario, "check": share.counted.check, "fraction": share.fraction}
                    for share in one.shares
                ],
            }
            for one in scores
        ],
        "judgements": [as_json(judgements[name]) for name in lab.scenarios if name in judgements],
    }


def new_submission(lab: str, folder: str | None, language: Language) -> int:
    """Copy a lab's starter code and handout into a new folder."""
    found = labs.found(lab)
    to = Path(folder or found.name)
    files = labs.copy_starter(found, to, language)
    put(safe(say("new.made", language, folder=to, files=", ".join(files))))
    put("\n".join(map(safe, say("new.next", language, folder=to, lab=found.name).split("\n"))))
    return 0
