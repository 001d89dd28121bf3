"""wirelab: play network-programming exercises for real, watch every packet, and explain what was seen.

    import wirelab
    run = wirelab.open_run("my-run")             # what `wirelab run … -o my-run` has kept
    capture = wirelab.open_capture("lab.pcapng") # a capture made by hand

Both are for exploring in Jupyter or plain Python; ``help(wirelab.open_run)`` says more. ``wirelab.Missed``,
``wirelab.Inconclusive`` and ``wirelab.Misused`` are what the stage of a pytest test raises.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wirelab.edge.explore import open_capture, open_run
    from wirelab.edge.pytest_errors import Inconclusive, Missed, Misused

__all__ = ["Inconclusive", "Missed", "Misused", "__version__", "open_capture", "open_run"]
__version__ = "0.1.0"


def __getattr__(name: str) -> object:
    """What stands above is imported when it is asked for, so that ``import wirelab`` stays quick."""
    if name in ("open_capture", "open_run"):
        from wirelab.edge import explore

        return getattr(explore, name)
    if name in ("Inconclusive", "Missed", "Misused"):
        from wirelab.edge import pytest_errors

        return getattr(pytest_errors, name)
    raise AttributeError(f"module 'wirelab' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
