"""Who waits for a turn is to be quiet; a process that is not weakens what the others measured."""

from __future__ import annotations

from harness.analysis.notes.waiting import busy_waiting
from harness.analysis.rows import grouped
from harness.records.trial import Turns


def turns(waiting_cpu_s, waited_s=10.0, processes=2):
    return Turns(
        group="0a1b2c3d",
        place=0,
        waited_s=waited_s,
        waiting_cpu_s=waiting_cpu_s,
        processes=processes,
    )


def test_a_cell_whose_processes_spin_while_they_wait_is_named_with_the_worst(make_record):
    records = [
        make_record(backend="torch", seed=1, turns=turns(0.4)),
        make_record(backend="torch", seed=2, turns=turns(3.0)),
        make_record(backend="jax", seed=1, turns=turns(0.05)),
    ]
    (note,) = busy_waiting(grouped(records))
    assert note.code == "busy-waiting"
    assert note.text == (
        "Processes that waited for their turns were not idle (torch up to 30% of a core), so the "
        "turns of the others may be slower than alone. The option --turns off runs one at a time."
    )


def test_one_percent_of_the_others_turns_is_quiet(make_record):
    assert list(busy_waiting(grouped([make_record(turns=turns(0.1))]))) == []


def test_trials_that_ran_alone_or_never_waited_say_nothing(make_record):
    records = [make_record(seed=1), make_record(seed=2, turns=turns(0.0, waited_s=0.0))]
    assert list(busy_waiting(grouped(records))) == []


def test_nobody_is_slowed_by_the_only_process_of_its_round(make_record):
    """It waits for its launcher's answer only, and is busy for much of that."""
    alone = make_record(turns=turns(0.001, waited_s=0.05, processes=1))
    assert list(busy_waiting(grouped([alone]))) == []
