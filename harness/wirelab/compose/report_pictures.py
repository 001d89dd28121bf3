"""Figures as a notebook keeps them: as they were drawn, and as pictures. Draws nothing."""

from __future__ import annotations

import base64

from wirelab.stage.pictures import png


def pictured(svg: str) -> dict[str, str]:
    """A figure by type: SVG, and PNG where this machine can make one."""
    picture = png(svg)
    if picture is None:
        return {"image/svg+xml": svg}
    return {"image/svg+xml": svg, "image/png": base64.b64encode(picture).decode()}
