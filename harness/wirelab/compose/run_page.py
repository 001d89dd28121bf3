"""A run as a page: one HTML file that shows it, from its evidence and its judgement. Writes nothing."""

from __future__ import annotations

import functools
from importlib import resources

from wirelab.base.texts import Language
from wirelab.compose.artifacts import Run
from wirelab.judge.verdict import Judgement
from wirelab.judge.view import View
from wirelab.present.run_page import run_page


def page_of(run: Run, judgement: Judgement, language: Language) -> str:
    """The page of a run that has been judged, in one language: self-contained, offline, inert."""
    view = View(run.scenario, run.profile, run.evidence)
    return run_page(view, judgement, language, style=_resource("run_page.css"), script=_resource("run_page.js"))


@functools.cache
def _resource(name: str) -> str:
    return resources.files("wirelab.present").joinpath(name).read_text("utf-8")
