"""Is it the same model? Made-up trainings, whose drift and whose faults are known."""

from __future__ import annotations

import math

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.parity import envelope
from harness.analysis.parity.judge import apart, first_deviation, judge, judge_all
from harness.analysis.parity.stages import Comparison, Subject, compare
from harness.records.cell import Cell
from harness.records.parity import (
    AS_IT_IS,
    SPARSE_DUPLICATES,
    Draw,
    ParityRecord,
    Training,
    Variable,
    array_name,
    perturbed,
)
from harness.records.trial import Provenance

DRIFT = 1e-6
"""How far every quantity of the made-up model drifts from itself; its values are about 1."""

ENVELOPE = envelope.MARGIN * DRIFT


def arrays_of(training, changes=None):
    """Two variables with a slot each, before and after, all of them near 1."""
    quantities = {
        "start": ("dense/kernel", "dense/bias", "accumulator of dense/bias"),
        "first-batch": ("gradient of dense/kernel", "gradient of dense/bias"),
        "step-1": ("dense/kernel", "dense/bias", "accumulator of dense/bias"),
        "epoch-1": ("dense/kernel", "dense/bias", "accumulator of dense/bias"),
    }
    values = {
        array_name(training, stage, name): np.linspace(0.5, 1, 4, dtype=np.float32)
        for stage, names in quantities.items()
        for name in names
    }
    given_steps = np.linspace(0.5, 1, 512, dtype=np.float32)[np.newaxis]
    values[array_name(training, "optimizer", "update")] = given_steps
    for name, change in (changes or {}).items():
        values[f"{training}/{name}"] = change(values[f"{training}/{name}"])
    return values


def subject(label="jax", changes=None, *, losses=None, metrics=None, first_loss=0.5, further=()):
    """A backend whose moved trainings drift by DRIFT everywhere."""
    losses = losses or [0.5, 0.4, 0.3]
    metrics = metrics or [0.3, 0.2]
    arrays = arrays_of(AS_IT_IS, changes)
    drift = {name.partition("/")[2]: DRIFT for name in arrays if "/optimizer/" not in name}
    moved = Training(
        name=perturbed(1),
        first_loss=first_loss + DRIFT,
        losses=[None if loss is None else loss + DRIFT for loss in losses],
        metrics=[metric + DRIFT for metric in metrics],
        drift=drift,
    )
    plain = Training(name=AS_IT_IS, first_loss=first_loss, losses=losses, metrics=metrics)
    update = arrays[array_name(AS_IT_IS, "optimizer", "update")]
    signs = np.where(np.arange(update.size) % 2, 1.0, -1.0)
    arrays[array_name(perturbed(1), "optimizer", "update")] = update * (1 + 1e-7 * signs)
    trainings = [plain, moved]
    for name, other_changes in further:
        arrays |= arrays_of(name, other_changes)
        freed = name == SPARSE_DUPLICATES.without
        further_metrics = [0.3, 0.2] if freed else metrics
        trainings.append(msgspec.structs.replace(plain, name=name, metrics=further_metrics))
    record = ParityRecord(
        status="ok",
        cell=Cell(scenario="ranking", backend=label, device="cpu"),
        scenario_version=1,
        seed=1,
        perturbations=1,
        campaign="test",
        started_at="2026-01-01T00:00:00+00:00",
        duration_s=1.0,
        harness=Provenance(version="test"),
        metric="test RMSE",
        variables=[
            Variable(path="dense/kernel", shape=[4], trained=True),
            Variable(path="dense/bias", shape=[4], trained=True),
        ],
        trainings=trainings,
    )
    return Subject(label=label, record=record, arrays=arrays)


def plus(amount):
    return lambda values: values + np.float32(amount)


def drawing(label="jax", *, rate=0.5, not_served=(), changes=None, layer="dropout"):
    """A backend whose model has one random layer."""
    plain = subject(label, changes)
    draws = [Draw(layer=layer, function="dropout", arguments={"rate": rate})]
    record = msgspec.structs.replace(plain.record, draws=draws, not_served=list(not_served))
    return Subject(label=label, record=record, arrays=plain.arrays)


def tensorflow(as_it_is=1e-3, without=0.0, predicted=1e-3, metrics=None):
    """TensorFlow with its known behaviour: how far each of its trainings is from the others."""
    slot = "step-1/accumulator of dense/bias"
    return subject(
        "tensorflow",
        {slot: plus(as_it_is)},
        metrics=metrics,
        further=[
            (SPARSE_DUPLICATES.without, {slot: plus(without)}),
            (SPARSE_DUPLICATES.predicted, {slot: plus(predicted)}),
        ],
    )


class TestComparison:
    def test_a_backend_is_the_same_model_as_itself(self):
        pair = judge(subject(), subject("torch"))
        assert pair.verdict == "same"
        assert all(comparison.size == 0 for comparison in pair.comparisons)

    @given(st.floats(0.01, 0.9))
    def test_what_stays_inside_the_envelope_is_round_off(self, share):
        change = {"step-1/dense/bias": plus(share * ENVELOPE)}
        assert judge(subject(), subject("torch", change)).verdict == "same"

    @given(st.floats(1.5, 1e5))
    def test_what_leaves_it_is_named_with_its_size_in_envelopes(self, envelopes):
        change = {"step-1/dense/bias": plus(envelopes * ENVELOPE)}
        pair = judge(subject(), subject("torch", change))
        assert pair.verdict == "deviates"
        assert (pair.deviation.stage, pair.deviation.quantity) == ("step-1", "dense/bias")
        assert pair.deviation.size == pytest.approx(envelopes, rel=0.15)

    def test_the_stage_in_which_a_fault_begins_is_named_not_those_it_spreads_to(self):
        change = {
            "epoch-1/dense/kernel": plus(10.0),
            "step-1/accumulator of dense/bias": plus(1.0),
            "first-batch/gradient of dense/bias": plus(0.1),
        }
        deviation = judge(subject(), subject("torch", change)).deviation
        assert (deviation.stage, deviation.quantity) == ("first-batch", "gradient of dense/bias")

    def test_a_start_that_is_not_the_same_is_no_round_off_however_much_moved_weights_drift(self):
        change = {"start/accumulator of dense/bias": plus(1e-5)}
        deviation = judge(subject(), subject("torch", change)).deviation
        assert (deviation.stage, deviation.quantity) == ("start", "accumulator of dense/bias")

    def test_the_first_step_with_another_loss_is_named(self):
        other = subject("torch", losses=[0.5, 0.4 + 10 * ENVELOPE, 0.3 + 1.0])
        deviation = judge(subject(), other).deviation
        assert (deviation.stage, deviation.at) == ("losses", "step 2")

    def test_the_first_epoch_with_another_metric_is_named(self):
        deviation = judge(subject(), subject("torch", metrics=[0.3, 0.21])).deviation
        assert (deviation.quantity, deviation.at) == ("test RMSE", "epoch 2")

    def test_the_loss_of_the_first_batch_is_compared_before_its_gradients(self):
        other = subject("torch", {"first-batch/gradient of dense/kernel": plus(1)}, first_loss=0.6)
        deviation = judge(subject(), other).deviation
        assert (deviation.stage, deviation.quantity) == ("first-batch", "loss")

    def test_an_optimizer_that_is_off_by_a_little_everywhere_is_seen_on_average(self):
        change = {"optimizer/update": lambda update: update * (1 + 4e-7)}
        deviation = judge(subject(), subject("torch", change)).deviation
        assert deviation.quantity == "update, on average"
        assert deviation.difference == pytest.approx(4e-7, rel=0.2)  # in float32

    def test_how_far_a_variable_moved_from_its_start_is_told_for_both(self):
        change = {"step-1/dense/bias": plus(0.25)}
        found = compare(subject(), subject("torch", change))
        bias = next(c for c in found if (c.stage, c.quantity) == ("step-1", "dense/bias"))
        assert bias.changed == (0, pytest.approx(0.25))

    def test_a_loss_that_is_no_number_on_one_side_only_deviates(self):
        other = subject("torch", losses=[0.5, None, 0.3])
        deviation = judge(subject(), other).deviation
        assert (deviation.at, deviation.difference, deviation.size) == ("step 2", None, math.inf)

    def test_trainings_that_diverge_alike_are_alike(self):
        losses = [0.5, None, None]
        assert judge(subject(losses=losses), subject("torch", losses=losses)).verdict == "same"

    def test_another_number_of_steps_deviates(self):
        deviation = judge(subject(), subject("torch", losses=[0.5, 0.4])).deviation
        assert deviation.note == "3 on jax, 2 on torch"

    def test_a_variable_that_one_side_does_not_train_is_named_before_anything_else(self):
        other = subject("torch", {"start/dense/kernel": plus(1)})
        frozen = msgspec.structs.replace(other.record.variables[1], trained=False)
        record = msgspec.structs.replace(
            other.record, variables=[other.record.variables[0], frozen]
        )
        other = Subject(label="torch", record=record, arrays=other.arrays)
        deviation = judge(subject(), other).deviation
        assert deviation.quantity == "dense/bias"
        assert deviation.note == "trained on jax, not trained on torch"

    def test_a_slot_that_one_side_lacks_is_named(self):
        whole = subject()
        arrays = {n: v for n, v in whole.arrays.items() if "accumulator" not in n}
        lacking = Subject(label="torch", record=whole.record, arrays=arrays)
        deviation = judge(whole, lacking).deviation
        assert deviation.quantity == "accumulator of dense/bias"
        assert deviation.note == "there on jax, missing on torch"


class TestKnownBehaviour:
    def test_it_is_told_and_passes_where_it_explains_everything(self):
        pair = judge(subject(), tensorflow())
        assert (pair.verdict, pair.deviation) == ("same-except", None)
        assert pair.known.behaviour == "sparse-duplicates"
        assert pair.known.seen_as.quantity == "accumulator of dense/bias"
        assert not first_deviation(pair.known.without)
        assert not first_deviation(pair.known.predicted)

    def test_it_explains_the_same_from_the_other_side(self):
        assert judge(tensorflow(), subject("torch")).verdict == "same-except"

    def test_it_does_not_pass_if_the_backend_deviates_without_it_too(self):
        pair = judge(subject(), tensorflow(without=1e-4))
        assert pair.verdict == "deviates"
        assert pair.deviation.quantity == "accumulator of dense/bias"
        assert pair.deviation.difference == pytest.approx(1e-4, rel=0.01)

    def test_it_does_not_pass_if_its_rule_predicts_something_else(self):
        pair = judge(subject(), tensorflow(predicted=0.9e-3))
        assert pair.verdict == "deviates"
        assert pair.deviation.difference == pytest.approx(1e-4, rel=0.01)

    def test_it_is_not_mentioned_where_nothing_deviates(self):
        assert judge(subject(), tensorflow(as_it_is=0.0)).known is None

    def test_it_cannot_set_two_backends_apart_that_both_have_it(self):
        assert judge(tensorflow(), tensorflow(as_it_is=2e-3)).verdict == "deviates"

    def test_it_does_not_pass_where_it_moves_the_test_metric_beyond_round_off(self):
        pair = judge(subject(), tensorflow(metrics=[0.3, 0.21]))
        assert (pair.verdict, pair.known.behaviour) == ("deviates", "sparse-duplicates")
        assert (pair.deviation.stage, pair.deviation.at) == ("metrics", "epoch 2")
        assert pair.known.seen_as.quantity == "accumulator of dense/bias"

    def test_it_passes_there_where_it_is_allowed(self):
        other = tensorflow(metrics=[0.3, 0.21])
        assert judge(subject(), other, allowed=["sparse-duplicates"]).verdict == "same-except"
        assert judge(subject(), other, allowed=["another"]).verdict == "deviates"

    def test_what_it_does_not_explain_is_never_allowed(self):
        pair = judge(subject(), tensorflow(predicted=0.9e-3), allowed=["sparse-duplicates"])
        assert pair.verdict == "deviates"


class TestDraws:
    def test_layers_that_draw_the_same_are_told_and_deviate_in_nothing(self):
        pair = judge(drawing(), drawing("torch"))
        assert pair.verdict == "same"
        assert [c.quantity for c in pair.comparisons if c.stage == "draws"] == ["dropout"]

    def test_a_layer_that_draws_with_another_rate_is_named_before_what_comes_of_it(self):
        other = drawing("torch", rate=0.7, changes={"first-batch/gradient of dense/bias": plus(1)})
        pair = judge(drawing(), other)
        assert (pair.verdict, pair.deviation.stage) == ("deviates", "draws")
        assert pair.deviation.quantity == "dropout"
        assert (
            pair.deviation.note == "draws dropout(rate=0.5) on jax and dropout(rate=0.7) on torch"
        )

    def test_a_layer_that_draws_on_one_side_only_is_named(self):
        deviation = judge(subject(), drawing("torch")).deviation
        assert deviation.quantity == "dropout"
        assert deviation.note == "draws nothing more on jax and dropout(rate=0.5) on torch"

    def test_nothing_is_told_where_a_layer_draws_by_itself_however_well_both_agree(self):
        pair = judge(drawing(), drawing("torch", not_served=["own: torch.rand"]))
        assert (pair.verdict, pair.deviation) == ("untold", None)
        assert pair.not_served == ["own: torch.rand on torch"]

    def test_what_no_random_number_touches_is_told_nevertheless(self):
        change = {"start/dense/bias": plus(1)}
        other = drawing("torch", not_served=["own: torch.rand"], changes=change)
        pair = judge(drawing(), other)
        assert (pair.verdict, pair.deviation.stage) == ("deviates", "start")

    def test_what_comes_behind_random_numbers_of_its_own_is_no_deviation(self):
        change = {"first-batch/gradient of dense/bias": plus(1), "step-1/dense/bias": plus(1)}
        other = drawing("torch", not_served=["own: torch.rand"], changes=change)
        assert judge(drawing(), other).verdict == "untold"


class TestLayers:
    def test_the_layer_where_a_deviation_begins_is_named(self):
        one, other = subject(), subject("torch", first_loss=0.6)
        for each, shift in ((one, 0), (other, 1)):
            for layer, of in (("first", 0), ("second", shift), ("third", shift)):
                name = array_name(AS_IT_IS, "layers", f"output of {layer}")
                each.arrays[name] = np.ones(4, np.float32) + np.float32(of)
        pair = judge(one, other)
        assert pair.deviation.quantity == "loss"
        assert pair.layer.quantity == "output of second"

    def test_outputs_alone_are_no_deviation(self):
        one, other = subject(), subject("torch")
        other.arrays[array_name(AS_IT_IS, "layers", "output of first")] = np.ones(4, np.float32)
        one.arrays[array_name(AS_IT_IS, "layers", "output of first")] = np.zeros(4, np.float32)
        assert judge(one, other).verdict == "same"


class TestAllPairs:
    def test_every_pair_is_judged_once(self):
        pairs = judge_all([subject(), tensorflow(), subject("torch")])
        names = [(pair.first, pair.second) for pair in pairs]
        assert names == [("jax", "tensorflow"), ("jax", "torch"), ("tensorflow", "torch")]

    def test_the_one_that_stands_apart_is_named(self):
        spoilt = subject("torch", {"step-1/dense/bias": plus(1)})
        assert apart(judge_all([subject(), tensorflow(), spoilt])) == "torch"

    @pytest.mark.parametrize("second", [subject("torch"), subject("torch", losses=[1, 1, 1])])
    def test_of_two_none_can_stand_apart(self, second):
        assert apart([judge(subject(), second)]) is None

    def test_nobody_stands_apart_where_all_differ(self):
        changed = [{"step-1/dense/bias": plus(amount)} for amount in (0, 1, 2)]
        names = ("jax", "tensorflow", "torch")
        subjects = [subject(n, c) for n, c in zip(names, changed, strict=True)]
        assert apart(judge_all(subjects)) is None


def test_a_comparison_inside_an_infinite_envelope_tells_nothing_apart():
    comparison = Comparison(stage="losses", quantity="loss", difference=None, envelope=math.inf)
    assert not comparison.deviates
