"""What a report says and in which order; terminal, Markdown and later HTML only lay it out.

Every figure is text by the time it gets here (:mod:`harness.report.format`), so the outputs cannot
disagree. What weakens the answer stands right below the table, not in a footnote.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import msgspec

from harness.analysis.notes.note import Note
from harness.analysis.provenance import MAIN_SCENARIO, DataSet, Machine
from harness.analysis.study import About, Study
from harness.records.trial import Struct
from harness.report import format as fmt
from harness.report import table
from harness.report.sections import anatomy, ladder, predictions, results, sweeps, verdicts
from harness.report.sections import operations as bench
from harness.report.table import Table
from harness.store.benchmarks import Benchmarks
from harness.store.reading import Broken
from harness.store.runs import Parity, ParityRun

TITLE = "Keras backends, measured"

STEP_TIME = (
    "Step time is the wall time of one training step, evaluation left out: the median over a "
    "trial's epochs after warm-up, then the median over trials, with the lowest and the highest "
    "trial below it. A trial is one fresh process. First step includes whatever the backend "
    "compiles; peak memory is the resident set of the whole process."
)

NO_RANKING = (
    "Rows are sorted by name. Rows that were measured in separate blocks or on different machines "
    "are no ranking, however far apart their figures are."
)

PARITY = "Is it the same model?"

COMPARISONS = 3
"""So many of the latest comparisons are told; all of them lie in the folder."""


class Bullet(Struct, frozen=True, kw_only=True):
    """One item of a list; a ``command`` that belongs to it is set apart, to be copied."""

    text: str
    command: str | None = None


class Section(Struct, frozen=True, kw_only=True):
    """A heading with text, then a list, then tables; each part may be empty."""

    heading: str
    paragraphs: list[str] = msgspec.field(default_factory=list)
    bullets: list[Bullet] = msgspec.field(default_factory=list)
    tables: list[Table] = msgspec.field(default_factory=list)


class Document(Struct, frozen=True, kw_only=True):
    """A report, ready to be laid out. Its texts are plain: no markup, no line breaks."""

    title: str
    lead: list[str]
    sections: list[Section]


def compose(study: Study, titles: Mapping[int, str] | None = None) -> Document:
    """Put a report together.

    Args:
        study: what the records say.
        titles: movie titles by ``movie_id``, if the local table is at hand.
    """
    sections = [
        Section(heading="Results", tables=results.results(study)),
        *(_answers(study) if study.trials else ()),
        *([_parity(study.parity)] if study.trials else ()),
        Section(
            heading="The ladder",
            paragraphs=ladder.lines(study.ladders, study.about),
            tables=ladder.tables(study.ladders, study.about),
        ),
        _anatomy(study),
        Section(
            heading="Sweeps",
            paragraphs=sweeps.lines(study.sweeps),
            tables=sweeps.tables(study.sweeps, study.about),
        ),
        Section(
            heading="What weakens this answer",
            bullets=[note_bullet(note) for note in study.notes]
            or [Bullet(text="Nothing that the records tell.")],
        ),
        Section(heading="How to read the table", paragraphs=_reading(study)),
        Section(heading="Prediction", tables=predictions.tables(study, titles)),
        _operations(study.benchmarks),
        Section(
            heading="Machine",
            bullets=[Bullet(text=_machine(machine)) for machine in study.machines],
        ),
        Section(heading="Data", bullets=[Bullet(text=_data(data)) for data in study.data_sets]),
    ]
    return Document(
        title=TITLE,
        lead=_lead(study),
        sections=[s for s in sections if s.paragraphs or s.bullets or s.tables],
    )


def _answers(study: Study) -> Iterator[Section]:
    yield Section(
        heading="Verdicts",
        paragraphs=verdicts.verdict_lines(study.answers),
        tables=verdicts.verdict_tables(study.answers, study.about),
    )
    yield Section(
        heading="Quality",
        paragraphs=verdicts.quality_lines(study.answers, study.about),
        tables=verdicts.quality_tables(study.answers, study.about),
    )


def _parity(found: Parity) -> Section:
    told = [Bullet(text=line) for run in found.runs[:COMPARISONS] for line in _compared(run)]
    ask = Bullet(
        text="It was not asked here. Equal quality is a sign of it; step by step it is told by",
        command="harness parity ranking",
    )
    broken = [Bullet(text=_broken(file, "Parity file")) for file in found.broken]
    return Section(heading=PARITY, bullets=(told or [ask]) + broken)


def _compared(run: ParityRun) -> list[str]:
    """The verdicts of a comparison in words, one for each pair."""
    verdict = run.verdict
    about = " on SYNTHETIC examples" if verdict.synthetic else ""
    head = f"{verdict.scenario}, seed {verdict.seed}{about}"
    return [fmt.plain(f"{head}: {pair.says}", limit=1_500) for pair in verdict.pairs]


def _anatomy(study: Study) -> Section:
    found = study.anatomies
    return Section(
        heading=anatomy.HEADING,
        paragraphs=[anatomy.READING] if found else [],
        bullets=[Bullet(text=line) for line in anatomy.lines(found)]
        + [Bullet(text=_broken(file, "Anatomy file")) for file in study.anatomy.broken],
        tables=anatomy.tables(found, study.about),
    )


def note_bullet(note: Note) -> Bullet:
    """A note as an item of a list, its command set apart."""
    command = note.command
    text = note.text.removesuffix(command).rstrip() if command else note.text
    return Bullet(
        text=fmt.plain(text, limit=2_000), command=fmt.plain(command) if command else None
    )


def _lead(study: Study) -> list[str]:
    trials = f"{fmt.count(study.trials)} trial{'s' * (study.trials != 1)}"
    failed = f", {fmt.count(study.failed)} of them failed" if study.failed else ""
    what = f"The same Keras model trained on JAX, TensorFlow and PyTorch: {trials}{failed}."
    lead = [f"{what} These are measurements, only what stands under Verdicts ranks anything."]
    good = [row for row in study.rows if row.good] or study.rows
    if any(row.synthetic for row in good):
        lead.append("SYNTHETIC DATA: some or all of these trials did not train on real ratings.")
    return lead


def _reading(study: Study) -> list[str]:
    measured = {row.cell.scenario for row in study.rows if row.good} or study.about.keys()
    return [
        STEP_TIME,
        *(_metric(name, about) for name, about in study.about.items() if name in measured),
        NO_RANKING,
    ]


def _metric(scenario: str, about: About) -> str:
    metric = about.metric
    # The labels of the tutorial are (stars - 1) / 4, so its RMSE is a quarter of that in stars.
    scale = " on labels scaled to 0–1" if scenario == MAIN_SCENARIO else ""
    published = (
        f"; published with the default settings: {fmt.quality(metric.reference)} ({metric.source})"
        if metric.reference is not None
        else ""
    )
    label = metric.label[:1].upper() + metric.label[1:]
    return fmt.plain(
        f"{label} ({scenario}) is that of the trained model{scale}, the mean over seeds with the "
        f"lowest and the highest seed below it; {metric.direction} is better{published}."
    )


def _operations(benchmarks: Benchmarks) -> Section:
    tables = bench.tables(benchmarks)
    explained = (
        "Latency of one call in a warm process: median, interquartile range (IQR) and rounds, "
        "measured by pytest-benchmark, one backend after the other: no ranking."
    )
    bullets = [Bullet(text=_broken(file)) for file in benchmarks.broken]
    if benchmarks.superseded:
        left_out = fmt.count(benchmarks.superseded)
        text = f"Earlier measurements left out, {left_out} in all; the latest of each stands here."
        bullets.append(Bullet(text=text))
    return Section(
        heading="Single operations",
        paragraphs=[explained] if tables else [],
        bullets=bullets,
        tables=tables,
    )


def _broken(file: Broken, kind: str = "Benchmark file") -> str:
    return fmt.plain(f"{kind} {file.path} could not be read: {file.reason}")


def _machine(machine: Machine) -> str:
    physical = "" if machine.physical_cores is None else f"{machine.physical_cores} physical and "
    trials = "trial" if machine.trials == 1 else "trials"
    facts = [
        machine.cpu,
        f"{physical}{machine.logical_cores} logical cores",
        *machine.gpus,
        f"{fmt.capacity(machine.memory_total_bytes)} memory",
        machine.os,
        *(python if python[:1].isalpha() else f"Python {python}" for python in machine.python),
        *([f"NumPy {' and '.join(machine.numpy)}"] if machine.numpy else []),
        *([f"virtualised ({machine.virtualised})"] if machine.virtualised else []),
        f"{fmt.count(machine.trials)} {trials}",
    ]
    name = f"{table.machine_label(machine.machine_id)} ({machine.hostname})"
    return fmt.plain(f"{name}: {', '.join(facts)}")


def _data(data: DataSet) -> str:
    kind = "SYNTHETIC, made by a generator" if data.synthetic else "not synthetic"
    trials = f"{fmt.count(data.trials)} trial{'s' * (data.trials != 1)}"
    return f"Table with SHA-256 {fmt.short_hash(data.sha256)}: {kind}, {trials}"
