"""After how many steps the cheaper step has paid for the dearer first one."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.ladder.break_even import ahead_from, break_even
from harness.analysis.rows import grouped
from harness.analysis.speed.pairs import log_ratios, reasons_by_id, shared
from harness.analysis.speed.verdict import verdict
from harness.analysis.step_time import step_time_s
from harness.records.trial import Turns

seconds = st.floats(1e-6, 1e3)


def total_s(paid, steps):
    return paid[0] + (steps - 1) * paid[1]


class TestAheadFrom:
    def test_counts_the_first_step(self):
        # 1 s more at first, 0.25 s less in each of the others: level at 5 steps, ahead at 6.
        assert ahead_from((2.0, 0.25), (1.0, 0.5)) == 6
        assert total_s((2.0, 0.25), 5) == total_s((1.0, 0.5), 5)

    def test_a_cheaper_first_step_too_wins_from_the_start(self):
        assert ahead_from((0.5, 0.1), (1.0, 0.2)) == 1

    def test_equal_first_steps_leave_the_second_step_to_decide(self):
        assert ahead_from((1.0, 0.1), (1.0, 0.2)) == 2

    def test_without_a_cheaper_step_nothing_is_ever_paid_back(self):
        assert ahead_from((2.0, 0.2), (1.0, 0.2)) is None
        assert ahead_from((2.0, 0.3), (1.0, 0.2)) is None

    @given(quick=st.tuples(seconds, seconds), slow=st.tuples(seconds, seconds))
    def test_it_is_the_first_step_count_that_takes_less_time_in_total(self, quick, slow):
        steps = ahead_from(quick, slow)
        if steps is None:
            assert quick[1] >= slow[1]
            return
        slack = 1e-9 * max(total_s(quick, steps), total_s(slow, steps))
        assert total_s(quick, steps) <= total_s(slow, steps) + slack
        if steps > 1:
            assert total_s(quick, steps - 1) >= total_s(slow, steps - 1) - slack


@pytest.fixture
def rounds(make_record):
    """Rounds of `fit` and `native` on JAX, each given as (first step, step), in seconds."""

    def make(*pairs, **changes):
        records = []
        for number, pair in enumerate(pairs, start=1):
            for mode, (first_s, step_s) in zip(("fit", "native"), pair, strict=True):
                made = make_record(
                    mode=mode,
                    step_time_s=step_s,
                    round=number,
                    seed=number,
                    run_id="run",
                    **changes,
                )
                phases = msgspec.structs.replace(made.phases, first_step_s=first_s)
                records.append(msgspec.structs.replace(made, phases=phases))
        return records

    return make


def found(records):
    fit, native = grouped(records)
    together = shared(fit, native, reasons_by_id(records))
    return break_even(fit, native, together, verdict(log_ratios(together)))


class TestBreakEven:
    def test_is_between_the_medians_of_the_common_rounds(self, rounds):
        one = found(rounds(*[((1.0, 0.004), (7.0, 0.002))] * 5))
        assert one.cheaper == "second"
        assert one.steps == pytest.approx(3002, abs=1)
        assert one.seconds == pytest.approx(7.0 + 0.002 * 3000, rel=1e-3)
        assert one.epochs == pytest.approx(3001 / 80, rel=1e-2)
        assert (one.rounds, one.verdict.kind) == (5, "slower")

    def test_a_first_call_of_several_steps_counts_as_its_first(self, rounds):
        records = rounds(*[((1.0, 0.004), (7.0 + 79 * 0.002, 0.002))] * 5)
        for index in range(1, len(records), 2):
            phases = msgspec.structs.replace(records[index].phases, first_steps=80)
            records[index] = msgspec.structs.replace(records[index], phases=phases)
        assert found(records).steps == pytest.approx(3002, abs=1)

    def test_has_the_range_that_the_rounds_allow(self, rounds):
        one = found(
            rounds(
                ((1.0, 0.004), (7.0, 0.002)),
                ((1.0, 0.004), (4.0, 0.002)),
                ((1.0, 0.004), (13.0, 0.002)),
            )
        )
        assert (one.low, one.steps, one.high) == pytest.approx((1502, 3002, 6002), abs=2)

    def test_a_round_in_which_it_is_never_paid_back_is_the_end_of_the_range(self, rounds):
        one = found(
            rounds(
                ((1.0, 0.004), (7.0, 0.002)),
                ((1.0, 0.004), (7.0, 0.002)),
                ((1.0, 0.002), (7.0, 0.003)),
            )
        )
        assert one.low is not None
        assert one.high is None
        assert one.rounds == 3

    def test_a_single_round_has_no_range(self, rounds):
        one = found(rounds(((1.0, 0.004), (7.0, 0.002))))
        assert (one.low, one.high, one.rounds) == (None, None, 1)
        assert one.verdict.kind == "inconclusive"

    def test_equal_steps_are_never_paid_back(self, rounds):
        one = found(rounds(*[((1.0, 0.002), (7.0, 0.002))] * 4))
        assert (one.cheaper, one.steps, one.seconds) == (None, None, None)

    def test_in_turns_the_cheaper_step_is_that_of_the_verdict(self, rounds):
        # Turn by turn `fit` takes 0.8 times as long, and yet its median epoch is twice as long.
        epochs_ms = {"fit": (1, 4, 1, 4, 4, 4, 1, 4, 1), "native": (2, 1, 2, 1, 5, 1, 2, 1, 2)}
        records = [
            msgspec.structs.replace(
                record,
                turns=Turns(group=f"{record.round:08x}", place=0, waited_s=1.0, waiting_cpu_s=0.0),
                epochs=[
                    msgspec.structs.replace(
                        record.epochs[1], index=turn, wall_s=0.08 * step_ms, turn=turn
                    )
                    for turn, step_ms in enumerate(epochs_ms[record.cell.mode])
                ],
            )
            for record in rounds(*[((7.0, 0.002), (1.0, 0.002))] * 5)
        ]
        assert step_time_s(records[0]) > step_time_s(records[1])
        one = found(records)
        assert (one.verdict.kind, one.cheaper) == ("faster", "first")
        assert one.steps is not None

    def test_trials_that_do_not_tell_their_first_step_have_none(self, rounds):
        assert (
            found(
                [
                    msgspec.structs.replace(r, phases=None)
                    for r in rounds(*[((1.0, 0.004), (7.0, 0.002))] * 4)
                ]
            )
            is None
        )
