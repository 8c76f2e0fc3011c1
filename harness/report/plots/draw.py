"""Draws plots without a browser or a network: vl-convert carries Vega with it."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import vl_convert

from harness.errors import UnavailableError
from harness.report.plots.base import WIDE, Plot

PNG_SCALE = 2.0
"""Pixels per unit of a plot, for screens of high resolution."""


def svg(plot: Plot, width: int = WIDE) -> str:
    """The plot as SVG."""
    return vl_convert.vegalite_to_svg(plot.specification(width))


def png(plot: Plot, width: int = WIDE) -> bytes:
    """The plot as PNG, on white, since a README may be shown on any ground."""
    specification = plot.specification(width)
    specification["background"] = "white"
    specification["config"]["background"] = "white"
    return vl_convert.vegalite_to_png(specification, scale=PNG_SCALE)


def write(plots: Iterable[Plot], folder: Path) -> list[Path]:
    """Write each plot as SVG and PNG into ``folder``; returns the files.

    Raises:
        UnavailableError: if the folder cannot be written.
    """
    written: list[Path] = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for plot in plots:
            vector, raster = folder / f"{plot.key}.svg", folder / f"{plot.key}.png"
            vector.write_text(svg(plot), encoding="utf-8")
            raster.write_bytes(png(plot))
            written += [vector, raster]
    except OSError as error:
        raise UnavailableError(
            f"the plots cannot be written to {folder}: {error.strerror or error}. "
            "Name another folder with --plots"
        ) from None
    return written
