"""What may be typed for ``--fail-on`` and ``--margin``."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.analysis.before_after.gate import Rules
from harness.cli.compare import RULES, limits_of, parse_rules
from harness.errors import HarnessError


class TestRules:
    def test_the_whole_grammar(self):
        assert parse_rules(["slower:5%,worse:0.002,memory:10%,missing,inconclusive"]) == Rules(
            slower=0.05, worse=0.002, memory=0.1, missing=True, inconclusive=True
        )

    def test_may_come_in_several_options_and_with_blanks(self):
        assert parse_rules([" slower : 5% , missing ", "worse:0.002"]) == Rules(
            slower=0.05, worse=0.002, missing=True
        )

    def test_a_share_may_be_a_percentage_or_a_fraction(self):
        assert parse_rules(["slower:5%"]) == parse_rules(["slower:0.05"])

    def test_no_difference_at_all_may_be_asked_for(self):
        assert parse_rules(["slower:0%"]).slower == 0.0

    @pytest.mark.parametrize(
        ("text", "told"),
        [
            ("slowr:5%", "unknown rule of --fail-on 'slowr'; did you mean slower? Valid: slower"),
            ("faster:5%", "Valid: slower, worse, memory, missing, inconclusive"),
            ("slower", "slower names no limit: write slower:5%"),
            ("slower:", "slower names no limit: write slower:5%"),
            (
                "slower:5",
                "--fail-on slower:5 is not a share: write a percentage such as 2%, or 0",
            ),
            ("worse:2%", "a number in the metric's own unit, such as worse:0.002"),
            ("worse:much", "such as worse:0.002; above 0 and up to 100"),
            ("worse:0", "above 0"),
            ("memory:-5%", "from 0% to 10000%"),
            ("memory:nan%", "from 0% to 10000%"),
            ("slower:inf%", "from 0% to 10000%"),
            ("slower:%", "is not a share"),
            ("missing:3", "missing takes no limit; write missing"),
            ("slower:5%,slower:3%", "names slower twice"),
            ("", "names no rule. Valid: slower:5%,memory:10%,worse:0.002,missing,inconclusive"),
            (" , ", "names no rule"),
        ],
    )
    def test_a_mistake_is_told_with_what_would_be_right(self, text, told):
        with pytest.raises(HarnessError) as error:
            parse_rules([text])
        assert told in str(error.value)

    @given(st.text(max_size=30))
    def test_whatever_is_typed_gives_rules_or_a_mistake_that_can_be_mended(self, text):
        try:
            rules = parse_rules([text])
        except HarnessError:
            return
        assert rules != Rules()

    @given(st.lists(st.sampled_from(RULES), unique=True, min_size=1), st.integers(1, 100))
    def test_rules_come_back_as_typed(self, names, number):
        typed = {"slower": f"slower:{number}%", "memory": f"memory:{number}%"}
        typed["worse"] = f"worse:{number / 1000}"
        rules = parse_rules([",".join(typed.get(name, name) for name in names)])
        asked = {name for name in RULES if getattr(rules, name) not in {None, False}}
        assert asked == set(names)


class TestLimits:
    def test_are_those_of_the_gate_so_that_the_table_says_the_same(self):
        found = limits_of(Rules(slower=0.05, worse=0.002, memory=0.1))
        assert (found.margin, found.tolerance, found.memory_margin) == (0.05, 0.002, 0.1)

    def test_without_a_gate_are_the_defaults(self):
        assert limits_of(Rules()).margin == 0.02

    def test_a_margin_of_ones_own_is_taken_where_the_gate_sets_none(self):
        assert limits_of(Rules(worse=0.002), margin=0.03).margin == 0.03

    def test_two_margins_for_one_verdict_are_a_mistake(self):
        with pytest.raises(HarnessError, match="leave --margin out"):
            limits_of(Rules(slower=0.05), margin=0.03)

    def test_unless_they_agree(self):
        assert limits_of(Rules(slower=0.05), margin=0.05).margin == 0.05
