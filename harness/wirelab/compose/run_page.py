"""A run as a page: one HTML file that shows it, from its evidence and its judgement; and a run kept with its page."""

from __future__ import annotations

import functools
from importlib import resources
from pathlib import Path

from wirelab.base.texts import Language
from wirelab.compose.artifacts import Run, write_page, write_run
from wirelab.judge.verdict import Judgement, Verdict
from wirelab.judge.view import View
from wirelab.present.run_page import run_page

MOST_PACKETS = 2_000  # of a run that gets a page without being asked for: each takes a third of a millisecond


def page_of(run: Run, judgement: Judgement, language: Language) -> str:
    """The page of a run that has been judged, in one language: self-contained, offline, inert."""
    view = View(run.scenario, run.profile, run.evidence)
    return run_page(view, judgement, language, style=_resource("run_page.css"), script=_resource("run_page.js"))


def keep(folder: Path, run: Run, judgement: Judgement, language: Language) -> None:
    """Write a run's folder, with its page in it. Raises what ``artifacts.write_run`` raises."""
    write_run(folder, run, judgement, language)
    write_page(folder, page_of(run, judgement, language))


def keep_page(folder: Path, run: Run, judgement: Judgement, language: Language) -> None:
    """Give a run's folder its page when there is something to look into: it did not pass, and is no flood. Raises
    InputError when it cannot be written."""
    wanted = judgement.verdict is not Verdict.PASS and len(run.evidence.packets) <= MOST_PACKETS
    write_page(folder, page_of(run, judgement, language) if wanted else None)


@functools.cache
def _resource(name: str) -> str:
    return resources.files("wirelab.present").joinpath(name).read_text("utf-8")
