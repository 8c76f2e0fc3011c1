"""The data dictionary of the long table: what each column means.

python -m harness.report.exports.dictionary > docs/columns.md
"""

from __future__ import annotations

from collections.abc import Iterator

from harness.analysis.figures import FIGURES
from harness.report.exports import columns

MEANINGS = {
    "scenario": "What was trained",
    "scenario_version": "Version of the scenario; other versions are other work",
    "backend": "jax, tensorflow or torch",
    "environment": "Name of the environment, where a campaign has two of one backend",
    "device": "What the framework really used: cpu or gpu",
    "mode": "How the training loop ran: fit, tuned, custom_loop or native",
    "init": "Where the initial weights come from: common or keras",
    "threads": "CPU threads that were set; empty where left to the framework",
    "cell": "Digest of the cell: scenario, backend, environment, and all that was asked of it",
    "campaign": "Name of the campaign's folder",
    "run_id": "Common to the rounds of one command",
    "round": "Number of the round; trials of equal run_id and round were interleaved",
    "seed": "Seed of the initial weights",
    "repetition": "Counts the trials of a cell with equal seed",
    "started_at": "When the trial began, ISO 8601",
    "status": "ok, or how the trial ended without a measurement",
    "synthetic": "Whether the data were generated",
    "random_draws": "Whether the model drew random numbers in training",
    "failure_reason": "Why there is no measurement",
    "failure_exit_code": "Exit code of the process that failed",
    "failure_signal": "Signal that ended the process",
    "quality_metric": "Name of the scenario's metric",
    "quality_direction": "Which way the metric improves: lower or higher",
    "quality": "The metric on the test set after the last epoch for quality",
    "quality_reference": "Published value of the metric",
    "quality_target": "Value that time to target waits for",
    "time_to_target_s": "Training time until the target was first reached, evaluation left out",
    "import_s": "From the start of the process until Keras and its backend are imported",
    "data_s": "Loading the table and cutting the batches",
    "build_s": "Building the model and setting its weights",
    "predict_s": "The scenario's prediction",
    "total_s": "The whole trial, by its own clock",
    "duration_s": "The whole process, by the clock of the launcher",
    "table_sha256": "Identifies the rating table",
    "split_sha256": "Identifies which examples are where, and in which order",
    "initial_weights_sha256": "Identifies the weights before training",
    "final_weights_sha256": "Identifies the weights after training",
    "machine_id": "Identifies the machine; figures of two machines cannot be ranked",
    "hostname": "Name of the machine",
    "os": "Operating system",
    "cpu_model": "Model of the processor",
    "logical_cores": "Logical cores of the machine",
    "memory_total_bytes": "Memory of the machine",
    "virtualised": "Kind of virtual machine or container, empty if none was seen",
    "device_name": "Name of the device that was used",
    "device_framework_id": "What the framework calls the device",
    "device_driver": "Driver of the GPU",
    "python_version": "Version of Python",
    "numpy_version": "Version of NumPy",
    "keras_version": "Version of Keras",
    "backend_version": "Version of the framework",
    "harness_version": "Version of this harness",
    "harness_commit": "Commit of this harness",
    "harness_dirty": "Whether its checkout had uncommitted changes",
    "load_average": "Load average of the minute before the trial",
    "probe_before_s": "Time of the speed probe, a fixed piece of work, before the trial",
    "probe_after_s": "Time of the speed probe after the trial",
    "training_elapsed_s": "Wall time of training from the second epoch on",
    "training_own_cpu_s": "CPU time that the trial spent in it",
    "training_steal_share": "Share of all CPU time in it that the host gave to others",
    "training_busy_share": "Share of all CPU time in it that was spent on anything",
    "training_switches": "Times in it that a thread of the trial had to make way",
    "training_frequency_mhz": "Clock of the processor at its end",
    "epoch_index": "Number of the epoch, from 0",
    "epoch_phase": "quality for the scenario's epochs, timing for those that follow",
    "epoch_steps": "Training steps of the epoch",
    "epoch_examples": "Examples of the epoch",
    "epoch_wall_s": "Wall time of the epoch, device synchronised, evaluation left out",
    "epoch_step_time_s": "epoch_wall_s over epoch_steps",
    "epoch_cpu_s": "CPU time of all threads in the epoch",
    "epoch_marked_warm_up": "Whether the trial itself marked the epoch as warm-up",
    "epoch_train_loss": "Mean loss over the epoch",
    "epoch_metric": "The metric on the test set after the epoch, where it was evaluated",
    "epoch_evaluate_s": "Time of that evaluation",
    columns.COUNTED: "Whether the trial's step_time_s rests on the epoch",
    **{
        figure.key: f"{figure.label[:1].upper()}{figure.label[1:]} of the trial"
        for figure in FIGURES
    },
}
"""What each column means; its unit is the end of its name (``_s``, ``_bytes``, ``_share``)."""

TYPES = {str: "text", int: "whole number", float: "number", bool: "true or false"}

HEAD = """# The columns of the long table

`harness export --format parquet --output exports` (or `csv`) and
`harness.load(FOLDER).to_polars()` give one row for each epoch of each trial. A trial without an
epoch has one row, so that no failure is missing.
Times are in seconds (`_s`), sizes in bytes (`_bytes`), shares from 0 to 1 (`_share`). This page is
made by `python -m harness.report.exports.dictionary > docs/columns.md`.
"""


def lines() -> Iterator[str]:
    """The page, line by line."""
    yield from HEAD.splitlines()
    yield from ("", "## Of a trial", "", *_HEADINGS)
    for column in columns.OF_TRIAL:
        yield _row(column.name, TYPES[column.type])
    yield f"| `{columns.SETTING}…` | its own | A column for each setting of a scenario |"
    yield f"| `{columns.ENGINE}…` | its own | A column for each fact on what really ran |"
    yield from ("", "## Of an epoch", "", *_HEADINGS)
    for epoch in columns.OF_EPOCH:
        yield _row(epoch.name, TYPES[epoch.type])
    yield _row(columns.COUNTED, TYPES[bool])


_HEADINGS = ("| column | type | meaning |", "|---|---|---|")


def _row(name: str, kind: str) -> str:
    return f"| `{name}` | {kind} | {MEANINGS[name]} |"


if __name__ == "__main__":
    print("\n".join(lines()))  # noqa: T201 - it is a program of its own
