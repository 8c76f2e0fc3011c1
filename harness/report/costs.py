"""What a backend costs beside its steps: memory, the first step, the way to the target."""

from __future__ import annotations

from harness.analysis.study import About, Contest, Study
from harness.report import format as fmt
from harness.report.naming import side


def memory(contest: Contest) -> str:
    """The peak of each backend."""
    peaks = [
        f"{side(row.cell, row.apart)} {fmt.memory(row.peak_rss_bytes.value)}"
        for row in (group.row for group in contest.groups)
        if row.peak_rss_bytes is not None
    ]
    return f"Peak memory: {', '.join(peaks)}." if peaks else ""


def first_step(contest: Contest) -> str:
    """How long each backend takes until its first step is done."""
    times = [
        f"{side(row.cell, row.apart)} {fmt.duration(row.first_step_s.value)}"
        for row in (group.row for group in contest.groups)
        if row.first_step_s is not None
    ]
    return f"First step: {', '.join(times)}." if times else ""


def target(study: Study, contest: Contest, about: About | None) -> str:
    """The training time to the target of the metric, of those that reached it."""
    rows = [(group.row.cell, group.row.apart) for group in contest.groups]
    mine = [
        one for one in study.answers.learned if (one.cell, one.apart) in rows and one.quality.target
    ]
    if not mine:
        return ""
    times = [
        f"{side(one.cell, one.apart)} {fmt.duration(one.time_to_target_s.value)}"
        + ("" if one.reached == one.trials else f" ({one.reached} of {one.trials} trials)")
        if one.time_to_target_s is not None
        else f"{side(one.cell, one.apart)} never"
        for one in mine
    ]
    metric = f"{about.metric.label} of " if about else ""
    return f"Training to {metric}{fmt.quality(mine[0].quality.target)}: {', '.join(times)}."
