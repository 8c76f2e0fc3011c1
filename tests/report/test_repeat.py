"""The command that repeats a campaign."""

from __future__ import annotations

import re

import msgspec
import pytest

from harness.analysis.rows import grouped
from harness.analysis.study import About
from harness.records.plan import Plan
from harness.report.repeat import command, more, seeds
from tests.report.made_up import SETTINGS, campaign, ladder_campaign


@pytest.fixture
def known(about):
    return About(metric=about["ranking"].metric, defaults=dict(SETTINGS))


@pytest.mark.parametrize(
    ("numbers", "text"), [([42], "42"), ([44, 42, 43], "42-44"), ([1, 2, 5, 7, 8, 9], "1-2,5,7-9")]
)
def test_seeds_are_written_as_the_command_takes_them(numbers, text):
    assert seeds(numbers) == text


def test_defaults_are_left_out_and_everything_else_is_named(known):
    records = list(
        campaign(
            rounds=2, epochs=1, init="keras", threads=2, settings={**SETTINGS, "batch_size": 256}
        )
    )
    assert command(grouped(records), known) == (
        "harness run ranking --backend jax,tf,torch --device cpu --init keras --threads 2 "
        "--set batch_size=256 --seeds 42-43"
    )


def test_every_mode_of_the_campaign_is_named(known):
    records = list(ladder_campaign(rounds=2, epochs=1, modes=("fit", "native")))
    assert command(grouped(records), known) == (
        "harness run ranking --backend jax,tf,torch --device cpu --mode fit,native --seeds 42-43"
    )


def test_repeated_seeds_become_repetitions(known):
    records = [
        msgspec.structs.replace(one, repetition=number, round=number)
        for number in (1, 2, 3)
        for one in campaign(rounds=1, epochs=1)
    ]
    assert command(grouped(records), known).endswith("--seeds 42 --repetitions 3")


def planned(records, **how):
    """A plan of the cells of the records, to be known to 3%."""
    return Plan(
        run_id="run-1",
        started_at="2026-03-01T09:00:00+00:00",
        cells=[record.cell for record in records[:3]],
        seeds=[42, 43],
        shuffle_seed=1,
        time_budget_s=2.5,
        margin=0.02,
        precision=0.03,
        **how,
    )


def test_a_plan_tells_precision_budget_and_time(known):
    records = list(campaign(rounds=4, epochs=1))
    plan = planned(records, budget_s=300.0)
    assert command(grouped(records), known, [plan]).endswith(
        "--seeds 42-43 --precision 3% --budget 300s --time-budget 2.5"
    )


@pytest.mark.parametrize(
    ("homes", "told"),
    [({}, " --resume"), ({"run-1": "my results/x"}, " --resume --results 'my results/x'")],
)
def test_a_campaign_goes_on_in_its_own_folder(known, homes, told):
    records = list(campaign(rounds=4, epochs=1))
    assert more(grouped(records), known, [planned(records)], homes).endswith(told)


def test_hostile_settings_cannot_add_a_command(known):
    evil = {**SETTINGS, "optimizer": "x; rm -rf ~"}
    records = list(campaign(rounds=1, epochs=1, settings=evil))
    assert "--set 'optimizer=x; rm -rf ~'" in command(grouped(records), known)


PROGRAM = {"arguments": "", "fit": "last", "metric": "auto"}


@pytest.mark.parametrize(
    ("changed", "end"),
    [
        ({}, "--seeds 42-43"),
        ({"arguments": "--batch 64 'a b'"}, "--seeds 42-43 -- --batch 64 'a b'"),
        ({"arguments": "x; rm -rf /"}, "--seeds 42-43 -- 'x;' rm -rf /"),
        ({"arguments": "it's"}, """--set 'arguments=it'"'"'s' --seeds 42-43"""),
        ({"fit": "2"}, "--set fit=2 --seeds 42-43"),
    ],
)
def test_the_arguments_of_a_script_stand_behind_all_options(known, changed, end):
    settings = {**PROGRAM, **changed}
    records = list(campaign(rounds=2, epochs=1, scenario="train.py", settings=settings))
    about = msgspec.structs.replace(known, defaults=PROGRAM)
    told = command(grouped(records), about)
    assert told.startswith("harness run train.py --backend jax,tf,torch --device cpu ")
    assert told.endswith(f"cpu {end}")
    further = command(grouped(records), about, options=["--results once-more"])
    assert " --results once-more" in further.partition(" -- ")[0]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ({"keras": "3.14.0"}, {"keras": "3.15.1"}, ["old=keras==3.14.0", "new=keras==3.15.1"]),
        ({"jax": "0.9.0"}, {"jax": "0.10.2"}, ["old=jax==0.9.0", "new=jax==0.10.2"]),
        ({"scipy": "1"}, {"scipy": "2"}, ["old=keras==3.15.1", "new=keras==3.15.1"]),
        (
            {"keras": "3.14.0", "jax": "0.9.0"},
            {},
            ["'old=keras==3.14.0 jax==0.9.0'", "'new=keras==3.15.1 jax==0.10.2'"],
        ),
    ],
)
def test_environments_are_named_by_the_versions_in_which_they_differ(
    make_record, make_environment, old, new, told
):
    usual = {"keras": "3.15.1", "jax": "0.10.2"}
    records = [
        make_record(name=name, environment=make_environment(packages=usual | packages))
        for name, packages in (("old", old), ("new", new))
    ]
    told_now = more(grouped(records), None) or ""
    assert sorted(re.findall(r"--env ('[^']+'|\S+)", told_now)) == sorted(told)
