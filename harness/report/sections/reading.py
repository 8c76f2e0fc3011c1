"""How to read the table of results: what each figure is."""

from __future__ import annotations

from harness.analysis.provenance import MAIN_SCENARIO
from harness.analysis.study import About, Study
from harness.report import format as fmt
from harness.report.document import Section

KEY = "reading"

STEP_TIME = (
    "Step time is the wall time of one training step, evaluation left out: the median over a "
    "trial's epochs after warm-up, then the median over trials, with the lowest and the highest "
    "trial below it. A trial is one fresh process. First step includes whatever the backend "
    "compiles; peak memory is the resident set of the whole process."
)

NO_RANKING = (
    "Rows are sorted by name. Rows from separate blocks or different machines are no ranking, "
    "however far apart their figures are."
)


def section(study: Study) -> Section:
    """What step time, the metric and the order of the rows mean."""
    measured = {row.cell.scenario for row in study.rows if row.good} or study.about.keys()
    metrics = [_metric(name, about) for name, about in study.about.items() if name in measured]
    return Section(
        key=KEY,
        heading="How to read the table",
        paragraphs=[STEP_TIME, *metrics, NO_RANKING],
    )


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
