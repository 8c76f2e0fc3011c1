"""Plots: which ones there are, what they say in words, and that they are valid Vega-Lite."""

from __future__ import annotations

import datetime as dt
import re

import msgspec
import pytest

from harness.analysis.before_after.history import Campaign, timelines
from harness.backends import FACTS
from harness.records.cell import MODES
from harness.records.parity import AS_IT_IS, ParityRecord, Training
from harness.records.trial import Provenance
from harness.report.plots import draw, plots, timeline
from harness.report.plots import parity as loss_plots
from harness.report.plots.base import GROUPS, MOST_POINTS, NARROW, WIDE, styled
from harness.report.plots.points import points
from harness.store import benchmarks
from harness.store.runs import Parity, ParityRun, ParityVerdict
from tests.report.folders import operations
from tests.report.made_up import BEGAN, SETTINGS, campaign, ladder_campaign


@pytest.fixture
def records():
    return list(campaign(rounds=6, epochs=8))


@pytest.fixture
def latencies(tmp_path):
    return benchmarks.read(sorted((operations(tmp_path) / "benchmarks").glob("*.json")))


def parity_record(backend, losses, drift):
    as_it_is = Training(name=AS_IT_IS, first_loss=losses[0], losses=losses, metrics=[])
    moved = Training(
        name="moved 1",
        first_loss=losses[0],
        losses=[loss + drift for loss in losses],
        metrics=[],
        drift={"x": drift},
    )
    (one,) = campaign(rounds=1, epochs=1, backends=(backend,))
    return ParityRecord(
        status="ok",
        cell=one.cell,
        scenario_version=1,
        seed=42,
        perturbations=1,
        campaign="made-up",
        started_at="2026-03-01T09:00:00+00:00",
        duration_s=1.0,
        harness=Provenance(version="0.1.0"),
        trainings=[as_it_is, moved],
    )


@pytest.fixture
def parity():
    records = [
        parity_record("jax", [0.1, 0.09, 0.08], 1e-7),
        parity_record("torch", [0.1, 0.0900001, 0.0801], 1e-7),
    ]
    verdict = ParityVerdict(schema=1, scenario="ranking", seed=42, pairs=[])
    return Parity(runs=[ParityRun(verdict=verdict, records=records)])


def keys(made):
    return [plot.key for plot in made]


def named(made, key):
    (found,) = [plot for plot in made if plot.key == key]
    return found


def test_a_campaign_has_the_plots_that_answer_a_readers_questions(studied, records, latencies):
    made = plots(studied(records, benchmarks=latencies))
    assert keys(made) == [
        "step-time",
        "drift",
        "learning-epochs",
        "learning-seconds",
        "memory",
        "phases",
        "latency",
    ]


def test_without_a_measurement_there_is_no_plot(studied):
    assert plots(studied([])) == []


@pytest.mark.parametrize("width", [WIDE, NARROW])
def test_every_plot_is_valid_vega_lite(studied, records, latencies, parity, width):
    sizes = [
        one
        for size in (500, 1000, 2000)
        for one in campaign(rounds=2, epochs=6, settings={**SETTINGS, "batch_size": size})
    ]
    for plot in plots(studied([*records, *sizes], benchmarks=latencies, parity=parity)):
        styled(plot.chart(width)).to_dict(validate=True)


def test_every_plot_is_told_in_words_with_its_numbers(studied, records, latencies):
    for plot in plots(studied(records, benchmarks=latencies)):
        assert plot.caption.endswith(".")
        assert plot.numbers.rows
        assert all(len(row) == len(plot.numbers.columns) for row in plot.numbers.rows)
        assert len(plot.alternative) > 30


def test_a_backend_has_its_colour_shape_and_dash_everywhere(studied, records, latencies):
    made = plots(studied(records, benchmarks=latencies))
    for plot in made:
        if plot.key != "phases":  # there colours are phases, and each cell has a bar
            assert FACTS["torch"].colour in str(plot.specification())
    assert "triangle-up" in str(named(made, "drift").specification())
    assert "strokeDash" in str(named(made, "learning-epochs").specification())


def test_the_step_time_of_a_point_is_that_of_the_table(studied, records):
    from harness.analysis.step_time import step_time_s

    for point in points(studied(records)):
        assert point.step_time_s == step_time_s(point.record)
        assert point.low_s <= point.step_time_s <= point.high_s


def test_many_trials_are_thinned_for_drawing_and_it_is_said(studied):
    many = list(campaign(rounds=300, epochs=1))
    plot = named(plots(studied(many)), "drift")
    assert f"Drawn are {MOST_POINTS} of 900" in plot.caption
    assert plot.numbers.rows[0][1] == "300"


def test_trials_that_lie_far_apart_are_drawn_on_a_logarithmic_axis(studied, records):
    slow = list(campaign(rounds=1, epochs=8, run_id="other", slower={"torch": 15.0}))
    assert "logarithmic" in str(named(plots(studied([*records, *slow])), "drift").specification())
    assert "logarithmic" not in str(named(plots(studied(records)), "drift").specification())


def test_a_disturbed_trial_is_hollow_and_named(studied, records):
    noise = records[0].noise
    busy = msgspec.structs.replace(noise.training, busy_share=1.0, own_cpu_s=1.0)
    loud = msgspec.structs.replace(records[0], noise=msgspec.structs.replace(noise, training=busy))
    plot = named(plots(studied([loud, *records[1:]])), "drift")
    assert "Hollow marks, 1 in all, were disturbed." in plot.caption


def test_a_sweep_is_drawn_from_three_values_on(studied):
    def swept(*sizes):
        return [
            one
            for size in sizes
            for one in campaign(rounds=2, epochs=6, settings={**SETTINGS, "batch_size": size})
        ]

    assert "sweep-batch_size" not in keys(plots(studied(swept(500, 1000))))
    made = plots(studied(swept(500, 1000, 2000)))
    plot = next(one for one in made if one.key.startswith("sweep-"))
    assert "batch size (logarithmic)" in str(plot.specification())
    assert len(plot.numbers.rows) == 9


class TestLadder:
    def test_modes_are_drawn_above_their_floor(self, studied):
        plot = named(plots(studied(list(ladder_campaign(rounds=4, epochs=8)))), "ladder")
        drawn = str(plot.specification())
        assert "floor 650 µs (arithmetic)" in drawn
        assert "The grey line is the floor" in plot.caption
        assert "The floor is 650 µs" in plot.alternative
        assert [row[:2] for row in plot.numbers.rows][:2] == [["JAX", "fit"], ["JAX", "tuned"]]
        assert len(plot.numbers.rows) == 12
        assert all(row[3].endswith("×") for row in plot.numbers.rows)

    def test_without_a_floor_there_is_no_line(self, studied):
        records = list(ladder_campaign(rounds=2, epochs=8, modes=("fit", "native"), work=None))
        plot = named(plots(studied(records)), "ladder")
        assert "arithmetic" not in str(plot.specification())
        assert "floor" not in plot.caption + plot.alternative
        assert {row[3] for row in plot.numbers.rows} == {"—"}

    @pytest.mark.parametrize("width", [WIDE, NARROW])
    def test_it_is_valid_vega_lite(self, studied, width):
        plot = named(plots(studied(list(ladder_campaign(rounds=2, epochs=8)))), "ladder")
        styled(plot.chart(width)).to_dict(validate=True)

    def test_one_mode_is_no_ladder(self, studied, records):
        assert "ladder" not in keys(plots(studied(records)))


class TestParity:
    def test_losses_are_drawn_with_their_envelope(self, studied, records, parity):
        plot = named(plots(studied(records, parity=parity)), "parity")
        assert plot.numbers.rows[0][:2] == ["JAX / PyTorch", "3"]
        assert float(plot.numbers.rows[0][2].replace(",", "")) > 1

    def test_losses_of_different_length_are_not_drawn(self, studied, records):
        pair = [parity_record("jax", [0.1], 1e-7), parity_record("torch", [0.1, 0.2], 1e-7)]
        verdict = ParityVerdict(schema=1, scenario="ranking", seed=42, pairs=[])
        found = Parity(runs=[ParityRun(verdict=verdict, records=pair)])
        assert "parity" not in keys(plots(studied(records, parity=found)))


def test_a_timeline_names_the_versions_that_changed(about):
    found = timelines(
        [
            Campaign(name=name, records=list(campaign(rounds=5, run_id=name, packages=packages)))
            for name, packages in (("a", {}), ("b", {"keras": "3.16.0"}))
        ]
    )
    (plot,) = timeline.plots(found, about)
    styled(plot.chart(WIDE)).to_dict(validate=True)
    shown = msgspec.json.encode(plot.specification()).decode()
    assert '"label":"keras 3.16.0"' in shown
    assert '"type":"temporal"' in shown


def test_a_timeline_runs_in_time_whatever_its_campaigns_are_called(about):
    found = timelines(
        [
            Campaign(
                name=name,
                records=list(
                    campaign(rounds=5, run_id=name, began=BEGAN + dt.timedelta(days=days))
                ),
            )
            for name, days in (("zz-first", 0), ("aa-last", 90), ("mm-second", 9))
        ]
    )
    (plot,) = timeline.plots(found, about)
    drawn = plot.specification()
    at = {
        row["campaign"]: row["at"]
        for part in (drawn, *drawn["layer"])
        for row in part.get("data", {}).get("values", ())
    }
    assert sorted(at, key=at.get) == ["zz-first", "mm-second", "aa-last"]
    assert at["aa-last"] - at["zz-first"] == 90 * 86_400_000


def test_the_two_legends_of_parity_are_one():
    rows = [
        {"pair": pair, "step": 1, "apart": 1e-8, "limit": 1e-6, "envelopes": 0.01, "tip": pair}
        for pair in loss_plots.PAIRS
    ]
    for width in (WIDE, NARROW):
        drawn = draw.svg(loss_plots._plot(rows), width)
        for pair in loss_plots.PAIRS:
            assert drawn.count(f">{pair}<") == 1
        (shown,) = re.findall(r'viewBox="0 0 (\d+)', drawn)
        assert int(shown) <= width + 20, "wider ones are shrunk, and their letters with them"


def test_every_mode_has_its_panel_of_what_is_learned(studied):
    made = plots(studied(list(ladder_campaign(rounds=4, epochs=8))))
    for key in ("learning-epochs", "learning-seconds"):
        rows = named(made, key).specification()["data"]["values"]
        assert {row["panel"] for row in rows} == {f"mode={mode}" for mode in MODES}
        assert {row["cell"].split()[0] for row in rows} == {"jax", "tensorflow", "torch"}


def test_what_comes_once_has_one_labelled_bar_for_each_cell(studied, records):
    drawn = draw.svg(named(plots(studied(records)), "phases"))
    for cell in ("jax", "tensorflow", "torch"):
        assert drawn.count(f">{cell}<") == 1
    for phase in ("import", "build", "first step"):
        assert drawn.count(f">{phase}<") == 1


def test_every_plot_is_in_a_group_that_the_page_can_choose(studied, records, latencies):
    for plot in plots(studied(records, benchmarks=latencies)):
        assert plot.group in GROUPS


class TestDrawing:
    def test_svg_and_png_come_from_the_same_specification(self, studied, records, tmp_path):
        made = plots(studied(records))[:1]
        files = draw.write(made, tmp_path / "plots")
        assert [file.name for file in files] == ["step-time.svg", "step-time.png"]
        assert re.match(r"<svg\b", files[0].read_text())
        assert files[1].read_bytes().startswith(b"\x89PNG")

    def test_a_folder_that_cannot_be_written_is_an_error_that_says_so(
        self, studied, records, tmp_path
    ):
        from harness.errors import UnavailableError

        (tmp_path / "file").write_text("")
        with pytest.raises(UnavailableError, match="--plots"):
            draw.write(plots(studied(records))[:1], tmp_path / "file" / "plots")


class TestProfile:
    """The performance profile, where there are several scenarios."""

    @pytest.fixture
    def family(self, studied):
        records = list(campaign(rounds=4, epochs=8))
        records += campaign(
            rounds=4, epochs=8, scenario="dcn", run_id="other", slower={"jax": 2.5, "torch": 0.9}
        )
        return studied(records)

    def test_is_there_where_several_scenarios_are(self, family, studied):
        assert "profile" in keys(plots(family))
        assert "profile" not in keys(plots(studied(list(campaign(rounds=4, epochs=8)))))

    def test_says_how_often_each_is_the_fastest(self, family):
        (made,) = [plot for plot in plots(family) if plot.key == "profile"]
        assert made.alternative == (
            "Performance profile over 2 scenarios. JAX is the fastest in 50% of them, TensorFlow "
            "is the fastest in 50% of them, PyTorch is the fastest in 0% of them."
        )
        assert [row[0] for row in made.numbers.rows] == ["dcn", "ranking"]

    @pytest.mark.parametrize("width", [WIDE, NARROW])
    def test_is_drawn(self, family, width):
        (made,) = [plot for plot in plots(family) if plot.key == "profile"]
        assert "svg" in draw.svg(made, width)
