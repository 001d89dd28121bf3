"""The process beside pytest that plays: scenarios, and the stages of tests. One thread, so that it may fork and enter
namespaces, which a worker of pytest-xdist may not. Started as ``python -m wirelab.edge.pytest_player``.

Requests are tuples. ``("play", …)`` is answered when it is over. ``("open", setting)`` is answered by the process that
the stage is in, and so is all that follows, up to ``("close", None)``.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from wirelab.base.errors import EnvironmentFault, HarnessBug, WirelabError
from wirelab.base.texts import Language, Text, register, say
from wirelab.compose.artifacts import Run, check_folder
from wirelab.compose.play import begin, seed_of, unplayable
from wirelab.compose.programs import castings
from wirelab.compose.run_page import keep as write_with_page
from wirelab.compose.side_by_side import TRIES
from wirelab.declare.scenario import Scenario
from wirelab.edge.pytest_session import Session, profile_of
from wirelab.edge.pytest_setting import Setting
from wirelab.edge.pytest_told import said, told
from wirelab.judge.verdict import Verdict
from wirelab.observe.messages import Profile
from wirelab.stage.companion import Asker, asked
from wirelab.stage.improvised import OpenStage
from wirelab.stage.worker import Worker
from wirelab.stage.world import here

register(
    {
        "pytest.tries": Text("(tried {tries} times)", "（共试 {tries} 次）"),
    }
)


class _Alone(Exception):
    """Nobody is there any more who asks."""


def main() -> None:
    """Answer until nobody asks any more."""
    asker = asked()
    try:
        for word, about in asker:
            if word not in ("play", "open"):  # meant for a stage that has gone, which is what has been answered
                continue
            language: Language = about["language"] if word == "play" else about.language
            try:
                if word == "play":
                    asker.answer(_play(asker, **about))
                else:
                    _stage(asker, about)
            except WirelabError as error:
                kind = "error" if isinstance(error, EnvironmentFault | HarnessBug) else "misused"
                asker.answer((kind, said(error, language)))
    except (_Alone, BrokenPipeError, KeyboardInterrupt):
        return


def _waited(asker: Asker, worker: Worker[Any]) -> Any:
    """The worker's result, unless nobody wants it any more: then it is ended."""
    if not asker.wait(worker.fileno()):
        worker.stop()
        raise _Alone
    result = worker.result()
    worker.wait()
    return result


def _play(
    asker: Asker,
    scenario: Scenario,
    profile: Profile,
    source: str,
    commands: dict[str, str],
    folder: str,
    language: Language,
    width: int,
    keep: str | None,
) -> tuple[str, Any]:
    """Play one scenario, again where the machine kept it from being decided."""
    if fault := unplayable(scenario):
        return "unplayable", said(fault, language)
    if keep is not None:
        check_folder(Path(keep))
    programs = castings(scenario, commands, Path(folder))
    tries, verdict = 0, Verdict.INCONCLUSIVE
    while verdict is Verdict.INCONCLUSIVE and tries < TRIES:
        tries += 1
        evidence = _waited(asker, begin(scenario, profile, programs))
        run = Run(scenario, source, profile, evidence)
        judgement = run.judged()
        verdict = judgement.verdict
    if keep is not None:
        write_with_page(Path(keep), run, judgement, language)
    codes, text = told(judgement, language, width)
    if tries > 1:
        text += "\n" + say("pytest.tries", language, tries=tries)
    seed = seed_of(evidence) if verdict is Verdict.FAIL else None
    return verdict.value, {"codes": codes, "text": text, "seed": seed}


def _stage(asker: Asker, setting: Setting) -> None:
    """Have a stage answer, in a process of its own, until it is closed."""
    world = here()
    profile, _ = profile_of(setting)
    if setting.keep is not None:
        check_folder(Path(setting.keep))
    own = not {"server"} & set(setting.commands)

    def work(parent: int) -> str | None:
        with world.held(parent, setting.port, ours=own) as port:
            held = replace(setting, port=port)
            stage = OpenStage(profile, port, parent, world=world)
            with stage:
                session = Session(held, stage, world)
                asker.answer(("done", port))
                requests = iter(asker)
                while True:
                    stage.until_readable(asker.fileno())
                    word, about = next(requests, ("close", {}))
                    if word == "close":
                        return session.finish()
                    asker.answer(session.answer((word, about)))

    kept = _waited(asker, Worker(work))
    asker.answer(("done", kept))


if __name__ == "__main__":
    main()
