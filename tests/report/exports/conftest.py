"""A campaign with all that makes an export hard, and the strings that break careless ones."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from harness.analysis.study import Study, study_of
from harness.records.trial import Failure, Record

HOSTILE = [
    "quote \" comma , semicolon ; 'apostrophe",
    "two\nlines\r\nand\rmore",
    "=cmd|' /C calc'!A0",
    "@SUM(1)",
    "'=1",
    "-1",
    "\ttab",
    "\\",
    "\x1b[31mred",
    "\u2028 \u0085 \u202e é ☃",
    "</script><script>alert(1)</script>",
    "null",
    "-bencher-ignore",
    "x" * 7_000,
]


@pytest.fixture(params=HOSTILE, ids=lambda text: ascii(text[:20]))
def hostile_text(request: pytest.FixtureRequest) -> str:
    """A text that a record from another machine may hold."""
    return request.param


@pytest.fixture
def records(measured: Callable[..., Record]) -> list[Record]:
    """Two backends with two seeds each, a trial that crashed early and one that failed late."""
    good = [
        measured(
            backend,
            seed=seed,
            step_time_s=(0.0021 if backend == "jax" else 0.0051) + seed / 30_000,
            value=0.2590 + seed / 7_000,
            started_at=f"2026-01-01T00:0{minute}:00+00:00",
        )
        for minute, (backend, seed) in enumerate(
            (backend, seed) for seed in (1, 2) for backend in ("jax", "torch")
        )
    ]
    early = measured(
        "torch",
        status="crashed",
        seed=3,
        failure=Failure(reason="killed by SIGSEGV", signal="SIGSEGV"),
        epochs=[],
        phases=None,
        quality=None,
        hashes=None,
        environment=None,
        started_at="2026-01-01T00:05:00+00:00",
    )
    late = msgspec.structs.replace(
        good[0],
        status="timeout",
        seed=4,
        failure=Failure(reason="took longer than 600 s"),
        quality=None,
        started_at="2026-01-01T00:06:00+00:00",
    )
    return [*good, early, late]


@pytest.fixture
def content(records: list[Record]) -> Study:
    """The campaign, ready for an export."""
    return study_of(records)


@pytest.fixture
def synthetic(make_record: Callable[..., Record]) -> Study:
    """A single good trial on generated data."""
    return study_of([make_record(synthetic=True)])


@pytest.fixture
def make_hostile(measured: Callable[..., Record]) -> Callable[[str], list[Record]]:
    """A good and a failed trial with a hostile text wherever a record holds free text."""

    def make(text: str) -> list[Record]:
        good = measured("jax", scenario=text, settings={"x": text, text: 1})
        packages = {"keras": text, "jax": text}
        good = msgspec.structs.replace(
            good,
            environment=msgspec.structs.replace(
                good.environment, hostname=text, machine_id=text, packages=packages
            ),
            quality=msgspec.structs.replace(good.quality, metric=text),
            campaign=text,
            engine={text: text},
        )
        failed = msgspec.structs.replace(
            good, status="failed", seed=2, epochs=[], failure=Failure(reason=text)
        )
        return [good, failed]

    return make


@pytest.fixture
def hostile(make_hostile: Callable[[str], list[Record]], hostile_text: str) -> Study:
    """A good and a failed trial that are hostile."""
    return study_of(make_hostile(hostile_text))


@pytest.fixture
def all_hostile(make_hostile: Callable[[str], list[Record]]) -> dict[str, Study]:
    """Such trials for every hostile text, for consumers that are slow to start."""
    return {text: study_of(make_hostile(text)) for text in HOSTILE}
