"""This harness as a wheel, for an environment of its own: no index has to have this very one.

From a checkout the wheel holds a link to it, so that what is edited is what runs; from an installed
package it holds a copy of the package's files.
"""

from __future__ import annotations

import base64
import hashlib
import re
import zipfile
from collections.abc import Collection, Iterator
from importlib import metadata
from pathlib import Path

import harness
from harness.errors import UnavailableError
from harness.probe.software import normalised

DISTRIBUTION = "keras-backend-harness"

PACKAGE = Path(harness.__file__).resolve().parent

_TAGS = "Wheel-Version: 1.0\nGenerator: harness\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def is_checkout(package: Path = PACKAGE) -> bool:
    """Whether ``package`` is that of a checkout, not an installed one."""
    return (package.parent / "pyproject.toml").is_file()


def pins_folder(package: Path = PACKAGE) -> Path:
    """Where the pins lie: in the package, or in the checkout that it belongs to."""
    return package.parent / "constraints" if is_checkout(package) else package / "constraints"


def build(into: Path, *, without: Collection[str] = (), package: Path = PACKAGE) -> Path:
    """Write the wheel into the folder ``into``.

    Args:
        into: an existing folder.
        without: names of distributions that it shall not require, since others take their place.
        package: the folder of the package ``harness``.

    Raises:
        UnavailableError: if this harness is not installed, so that its requirements are not known.
    """
    try:
        described = metadata.distribution(DISTRIBUTION)
    except metadata.PackageNotFoundError:
        raise UnavailableError(
            "this harness runs from a folder and is not installed, so that nobody knows what it "
            "needs: install it with `pip install -e .` in its folder"
        ) from None
    version = described.version
    files = dict(_files(package))
    info = f"{DISTRIBUTION.replace('-', '_')}-{version}.dist-info"
    header = described.read_text("METADATA") or ""
    files[f"{info}/METADATA"] = _required(header, without).encode()
    files[f"{info}/WHEEL"] = _TAGS.encode()
    entries = described.read_text("entry_points.txt") or ""
    files[f"{info}/entry_points.txt"] = entries.encode()
    rows = [f"{name},sha256={_digest(content)},{len(content)}\n" for name, content in files.items()]
    files[f"{info}/RECORD"] = "".join([*rows, f"{info}/RECORD,,\n"]).encode()
    wheel = into / f"{DISTRIBUTION.replace('-', '_')}-{version}-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            archive.writestr(name, content)
    return wheel


def _files(package: Path) -> Iterator[tuple[str, bytes]]:
    if is_checkout(package):
        yield f"_{package.name}_checkout.pth", f"{package.parent}\n".encode()
        return
    for path in sorted(package.rglob("*")):
        if path.is_file() and path.suffix not in {".pyc", ".pyo"}:
            yield path.relative_to(package.parent).as_posix(), path.read_bytes()


def _required(header: str, without: Collection[str]) -> str:
    """The metadata, without what it requires of the distributions in ``without``."""
    left_out = set(map(normalised, without))

    def is_kept(line: str) -> bool:
        found = re.match(r"Requires-Dist:\s*([A-Za-z0-9._-]+)", line)
        return found is None or normalised(found[1]) not in left_out

    return "".join(line for line in header.splitlines(keepends=True) if is_kept(line))


def _digest(content: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
