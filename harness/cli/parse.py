"""The grammar of the command line: names, seeds, environments, shares, durations, sizes."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterable, Sequence
from pathlib import Path

from harness.backends import BACKENDS, canonical
from harness.errors import HarnessError
from harness.launch.environments import Choice
from harness.paths import expanded
from harness.words import unknown

MAX_SEEDS = 10_000
"""More than any campaign needs; it catches ``1-99999999`` before the plan fills the memory."""

_NUMBER = r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)"
_DECIMAL = re.compile(_NUMBER)
# A number without a unit stands alone: 1h30 may mean half an hour more, or half a minute.
_DURATION = re.compile(rf"(?:{_NUMBER}h)?(?:{_NUMBER}m)?(?:{_NUMBER}s)?(?:{_NUMBER}ms)?|{_NUMBER}")
_SIZE = re.compile(rf"{_NUMBER}([kmgt])(i)?b?")

_ENVIRONMENT_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,39}")
# A name of PEP 508, with extras, and then a version, an address or nothing; no separator of paths
# before those, since `../envs/jax` is a path.
_REQUIREMENT = re.compile(
    r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(\[[\w,.-]+\])?((===?|~=|!=|[<>]=?).+|@.+)$"
    r"|(git|hg|svn|bzr)\+\S+$|(https?|file)://\S+$"
)

_BARE = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(\[[\w,.-]+\])?")

MOST_DIGITS = 20
"""Longer numbers are out of every range; Python refuses to read some of them."""

MAX_DURATION_S = 1000 * 3600.0
"""Six weeks; it catches what no clock can wait for."""

MOST = 100.0
"""A limit of 100 times as much is no limit; it catches ``slower:50000%``."""

MAX_THREADS = 4096

MAX_SEED = 2**32 - 1
"""What NumPy and the frameworks all take."""


def parse_names(kind: str, texts: Iterable[str], valid: Sequence[str]) -> list[str]:
    """Names from comma-separated texts, in the order typed.

    Raises:
        HarnessError: for a name that is not among ``valid``, with the nearest that is, and for one
            that is named twice.
    """
    names = [canonical(name) if kind == "backend" else name for name in _parts(texts)]
    for name in names:
        if name not in valid:
            raise HarnessError(unknown(kind, name, list(valid)))
    if not names:
        raise HarnessError(f"no {kind} is named. Valid: {', '.join(valid)}")
    each_once(f"--{kind}", names)
    return names


def each_once(option: str, values: Iterable[object], instead: str = "name each once") -> None:
    """Raise where a value comes twice: it would be measured once, in silence.

    Args:
        option: how it is written on the command line.
        values: what was typed, in one spelling.
        instead: what to do.

    Raises:
        HarnessError: naming the first that comes again.
    """
    seen: set[object] = set()
    for value in values:
        if value in seen:
            raise HarnessError(f"{option} names {value} twice: {instead}")
        seen.add(value)


def parse_backends(texts: Iterable[str]) -> list[str]:
    """Backends from comma-separated texts; ``tf`` means ``tensorflow``."""
    return parse_names("backend", texts, BACKENDS)


def parse_one(kind: str, text: str, valid: Sequence[str]) -> str:
    """A single name that must be among ``valid``.

    Raises:
        HarnessError: if it is not, with the nearest that is.
    """
    if text not in valid:
        raise HarnessError(unknown(kind, text, list(valid)))
    return text


def parse_seeds(texts: Iterable[str]) -> list[int]:
    """Seeds from texts such as ``1,2,3``, ``1-5`` or ``1-3,7``, in the order typed.

    Raises:
        HarnessError: if a part is neither a number nor a range, a seed is out of range, or comes
            twice.
    """
    seeds: list[int] = []
    for part in _parts(texts):
        first, dash, last = part.partition("-")
        if not _is_number(first) or (dash and not _is_number(last)):
            raise HarnessError(
                f"'{part}' is no seed: give whole numbers or ranges, such as 1,2,3 or 1-5"
            )
        low, high = int(first), int(last or first)
        if high < low:
            raise HarnessError(f"the range of seeds '{part}' runs backwards: write {high}-{low}")
        if high > MAX_SEED:
            raise HarnessError(f"seed {high} is too large: the highest that counts is {MAX_SEED}")
        if high - low + len(seeds) >= MAX_SEEDS:
            raise HarnessError(f"'{part}' makes more than {MAX_SEEDS:,} seeds: name fewer")
        seeds += range(low, high + 1)
    if not seeds:
        raise HarnessError("no seed is named: give whole numbers or ranges, such as 1,2,3 or 1-5")
    each_once("--seeds", seeds, "for several rounds of each write --repetitions NUMBER")
    return seeds


def parse_assignments(texts: Iterable[str]) -> list[dict[str, str]]:
    """Every combination of what ``--set name=value`` says, as typed.

    Raises:
        HarnessError: for a text without ``=``, and a setting or one of its values named twice.
    """
    choices: dict[str, list[str]] = {}
    for text in texts:
        name, equals, values = text.partition("=")
        name = name.strip()
        if not equals or not name:
            raise HarnessError(f"--set {text} names no value: write --set name=value")
        if name in choices:
            raise HarnessError(
                f"--set names {name} twice: for several values write {name}=VALUE,VALUE"
            )
        choices[name] = [value.strip() for value in values.split(",")]
        each_once(f"--set {name}", choices[name])
    return [dict(zip(choices, one, strict=True)) for one in itertools.product(*choices.values())]


def parse_threads(text: str | None) -> list[int | None]:
    """Numbers of CPU threads from a text such as ``1,2``; ``None`` stands for ``auto``.

    Raises:
        HarnessError: for what is neither, out of range, or comes twice.
    """
    threads: list[int | None] = []
    for part in _parts(["auto" if text is None else text]):
        number = int(part) if _is_number(part) else 0
        if part != "auto" and not 1 <= number <= MAX_THREADS:
            raise HarnessError(
                f"--threads {part} is not a number of threads: write whole numbers from 1 to "
                f"{MAX_THREADS:,}, or auto for the framework's own choice"
            )
        threads.append(number or None)
    if not threads:
        raise HarnessError("--threads names no number: write one or several, such as 1,2")
    each_once("--threads", ("auto" if number is None else number for number in threads))
    return threads


def parse_environments(texts: Iterable[str]) -> list[Choice]:
    """What texts such as ``jax=PATH``, ``old=PATH`` and ``old=keras==3.14.0`` choose.

    What is there, or looks like a path, is one; a folder or file that can be installed is a
    requirement, and so is everything else.

    Raises:
        HarnessError: for a text without ``=``, a name that is none or that is given twice, and
            something that is neither a path nor a requirement.
    """
    chosen: dict[str, Choice] = {}
    for text in texts:
        name, equals, what = (part.strip() for part in text.partition("="))
        if not equals or not what:
            raise HarnessError(
                f"--env {text} names no environment: write --env jax=PATH, or "
                "--env old=keras==3.14.0 for one that is made"
            )
        if not _ENVIRONMENT_NAME.fullmatch(name):
            raise HarnessError(
                f"--env {text}: '{name}' is no name: write letters, digits and . _ + -, at most "
                "40, a letter or digit first"
            )
        backend = canonical(name) if canonical(name) in BACKENDS else None
        key = backend or name
        if key in chosen:
            raise HarnessError(
                f"--env names {name} twice: {_what(chosen[key])} and {what}. Give each environment "
                "a name of its own, such as --env old=… --env new=…: they are measured in turns"
            )
        chosen[key] = _choice(name, backend, what)
    return list(chosen.values())


def _choice(name: str, backend: str | None, what: str) -> Choice:
    path = expanded(what)
    if path.exists() and not _is_installable(path):
        return Choice(name=name, backend=backend, path=path)
    # `keras @ https://…` is one requirement, `keras==3.14.0 jax==0.9.0` are two.
    words = re.sub(r"\s*@\s*", "@", what).split()
    places = [word for word in words if _is_installable(expanded(word))]
    # A single bare word is a path that is not there: a slip must not install what bears that name.
    alone = len(words) == 1
    fits = _REQUIREMENT.match if alone else lambda w: _REQUIREMENT.match(w) or _BARE.fullmatch(w)
    if strangers := [w for w in words if w not in places and not fits(w)]:
        if alone:
            return Choice(name=name, backend=backend, path=path)
        raise HarnessError(
            f"--env {name}={what}: {strangers[0]} is neither a requirement, such as "
            "keras==3.14.0, nor a folder or wheel to install"
        )
    absolute = {word: str(expanded(word).absolute()) for word in places}
    words = [absolute.get(word, word) for word in words]
    return Choice(name=name, backend=backend, requirements=tuple(words))


def parse_requirements(option: str, texts: Iterable[str]) -> tuple[str, ...]:
    """Requirements from texts such as ``tensorflow-cpu,tensorflow-datasets``, each once.

    A comma inside of one, ``numpy>=2,<3``, does not end it.

    Raises:
        HarnessError: for something that is none.
    """
    words = [word.strip() for text in texts for word in re.split(r",(?![<>=!~\s])|\s+", text)]
    found = dict.fromkeys(word for word in words if word)
    for word in found:
        if not (_REQUIREMENT.match(word) or _BARE.fullmatch(word) or _is_installable(Path(word))):
            raise HarnessError(
                f"{option} {word} is not a requirement: write such as tensorflow-datasets, or "
                "keras==3.14.0"
            )
    return tuple(found)


def _what(choice: Choice) -> str:
    return str(choice.path or " ".join(choice.requirements))


def _is_installable(path: Path) -> bool:
    """Whether pip installs it: a wheel or an archive, or a project's folder."""
    if path.is_dir():
        return any((path / name).is_file() for name in ("pyproject.toml", "setup.py"))
    return path.is_file() and path.name.endswith((".whl", ".tar.gz", ".zip"))


def parse_share(typed_for: str, text: str, *, rule: bool = False) -> float:
    """A share from a text such as ``2%`` or ``0.02``.

    Args:
        typed_for: what it was typed for, such as ``--margin``.
        text: what was typed. Without ``%`` it is a fraction below 1: a bare 5 may mean 5% or 500%.
        rule: whether it is the limit of a rule such as ``slower:5%``, which may be 0% and above
            100%.

    Raises:
        HarnessError: if it is neither, or out of range.
    """
    number = text.strip().removesuffix("%").rstrip()
    percent = text.strip().endswith("%")
    value = float(number) / (100 if percent else 1) if _DECIMAL.fullmatch(number) else math.nan
    if not (0 <= value <= (MOST if percent else 1) if rule else 0 < value < 1):
        bounds = f"from 0% to {MOST:.0%}" if rule else "above 0% and below 100%"
        raise HarnessError(
            f"{typed_for}{':' if rule else ' '}{text} is not a share: write a percentage such as "
            f"2%, or 0.02 for it; {bounds}"
        )
    return value


def parse_duration_s(typed_for: str, text: str, *, zero: bool = False) -> float:
    """Seconds from a text such as ``90``, ``90s``, ``10m``, ``1h30m`` or ``500ms``.

    Args:
        typed_for: what it was typed for, such as ``--budget``.
        text: what was typed.
        zero: whether it may be 0.

    Raises:
        HarnessError: if it is not a duration, or out of range.
    """
    found = _DURATION.fullmatch(text.strip().lower().replace(" ", ""))
    parts = [float(part) for part in found.groups("0")] if found else []
    seconds = sum(p * unit for p, unit in zip(parts, (3600.0, 60.0, 1.0, 0.001, 1.0), strict=False))
    if not found or not any(found.groups()) or (seconds == 0 and not zero):
        raise HarnessError(
            f"{typed_for} {text} is not a duration: write seconds, minutes or hours, such as 90, "
            "90s, 10m or 1h30m"
        )
    if seconds > MAX_DURATION_S:
        raise HarnessError(
            f"{typed_for} {text} is too long: the longest is {MAX_DURATION_S / 3600:.0f}h"
        )
    return seconds


def parse_number(typed_for: str, text: str, *, least: int, most: int) -> int:
    """A whole number from ``least`` to ``most``.

    Raises:
        HarnessError: if it is none, or out of range.
    """
    number = int(text) if _is_number(text.strip()) and len(text) <= MOST_DIGITS else -1
    if not least <= number <= most:
        raise HarnessError(
            f"{typed_for} {text} is not a whole number from {least:,} to {most:,}: write one"
        )
    return number


def parse_size_bytes(typed_for: str, text: str) -> float:
    """Bytes from a text such as ``16GB``, ``500MB``, or ``16GiB`` with its 2**30 bytes each.

    Raises:
        HarnessError: if it is not a size with its unit, or not above 0.
    """
    found = _SIZE.fullmatch(text.strip().lower().replace(" ", ""))
    if not found or float(found[1]) <= 0:
        raise HarnessError(f"{typed_for} {text} is not a size: write such as 16GB, 16GiB or 500MB")
    number, prefix, binary = found.groups()
    return float(number) * (1024.0 if binary else 1000.0) ** (1 + "kmgt".index(prefix))


def _parts(texts: Iterable[str]) -> list[str]:
    return [part.strip() for text in texts for part in text.split(",") if part.strip()]


def _is_number(text: str) -> bool:
    # str.isdigit alone also takes superscripts and other scripts' digits; int() refuses the former.
    return text.isascii() and text.isdigit()
