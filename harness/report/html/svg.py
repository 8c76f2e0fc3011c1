"""Puts a drawing of vl-convert into a page: only shapes and texts pass, and the theme's colours.

Vega escapes the texts that it draws. This does not rely on it: what comes out is built anew from a
list of elements and attributes that can neither run nor load anything.
"""

from __future__ import annotations

import re
from xml.etree import ElementTree as ET

from markupsafe import Markup

from harness.backends import FACTS
from harness.report.plots.base import FAINT, INK

ELEMENTS = {"svg", "g", "path", "text", "tspan", "rect", "line", "circle", "defs", "clipPath"}
ATTRIBUTES = {
    *("d", "x", "y", "x1", "y1", "x2", "y2", "cx", "cy", "r", "dx", "dy", "width", "height"),
    *("viewBox", "transform", "fill", "stroke", "opacity", "fill-opacity", "stroke-opacity"),
    *("stroke-width", "stroke-dasharray", "stroke-dashoffset", "stroke-miterlimit", "stroke-cap"),
    *("text-anchor", "font-size", "font-weight", "font-style", "clip-path", "id", "display"),
}
MARKS = re.compile(r"\brole-mark\b")

THEMED = {
    INK: "var(--ink)",
    FAINT: "var(--faint)",
    **{facts.colour: f"var(--{backend})" for backend, facts in FACTS.items()},
}
"""Colours of the specification, and the page's variables that replace them."""

_NAMESPACE = "{http://www.w3.org/2000/svg}"
_NUMBER = re.compile(r"-?\d+\.\d{2,}")
_LOCAL_URL = re.compile(r"url\(#([\w-]+)\)")


def inline(drawing: str, alternative: str, *, prefix: str) -> Markup:
    """``drawing`` for a page.

    Args:
        drawing: an SVG file's text.
        alternative: what it shows, in words.
        prefix: goes before its ids, which must be its own in the whole page.
    """
    # Not from a record but from vl-convert, which writes no document type.
    root = _clean(ET.fromstring(drawing), prefix, titled=False)  # noqa: S314 - see above
    root.set("xmlns", "http://www.w3.org/2000/svg")
    root.set("role", "img")
    root.set("aria-label", alternative)
    root.set("preserveAspectRatio", "xMinYMin meet")
    return Markup(ET.tostring(root, encoding="unicode"))  # noqa: S704 - cleaned, and escaped by ET


def _clean(element: ET.Element, prefix: str, *, titled: bool) -> ET.Element:
    name = element.tag.removeprefix(_NAMESPACE)
    made = ET.Element(name, _attributes(element, prefix))
    made.text = element.text
    titled = titled or bool(MARKS.search(element.get("class", "")))
    label = element.get("aria-label")
    if titled and label and element.get("role") == "graphics-symbol":
        # Browsers show it under the pointer, without a script.
        ET.SubElement(made, "title").text = label
    for child in element:
        hidden = child.get("display") == "none" or child.get("d") == "" or _empty(child)
        if child.tag.removeprefix(_NAMESPACE) in ELEMENTS and not hidden:
            made.append(_clean(child, prefix, titled=titled))
    return made


def _empty(element: ET.Element) -> bool:
    """A background that is neither filled nor outlined, of which Vega draws one for each group."""
    background = element.get("class") in {"background", "foreground"}
    return background and not (element.get("fill") or element.get("stroke"))


def _attributes(element: ET.Element, prefix: str) -> dict[str, str]:
    kept = {}
    for name, value in element.attrib.items():
        if name not in ATTRIBUTES:
            continue
        if name == "id":
            kept[name] = f"{prefix}{value}"
        elif "url(" in value:
            local = _LOCAL_URL.fullmatch(value)
            if local:
                kept[name] = f"url(#{prefix}{local[1]})"
        elif name in {"d", "transform"}:
            kept[name] = _NUMBER.sub(lambda m: f"{float(m[0]):.1f}", value)
        else:
            kept[name] = THEMED.get(value, value)
    return kept
