"""Only who reads the rating table waits for it; in doubt it is prepared."""

from __future__ import annotations

import functools

import pytest

from harness import scenario
from harness.scenario import Metric, Scenario
from harness.table_use import needs_table, use_of


class Base(Scenario):
    name = "base"
    summary = "of a test"
    version = 1
    metric = Metric(
        name="loss",
        label="loss",
        direction="lower",
        reference=None,
        source="",
        target=None,
        tolerance=0.1,
    )

    def data(self, settings, table):
        return "made up"

    def model(self, settings, data): ...
    def fit(self, model, train, *, epochs, initial_epoch=0, callbacks=None): ...
    def evaluate(self, model, test): ...


def logged(function):
    @functools.wraps(function)
    def wrapper(*arguments, **named):
        return function(*arguments, **named)

    return wrapper


class Deletes(Base):
    def data(self, settings, _table):
        del _table
        return "made up"


class Stacks(Base):
    def data(self, settings, table):
        import numpy as np

        stacked = np.stack([np.zeros(3), np.ones(3)])
        return stacked, "table"


class HandsOn(Base):
    def data(self, settings, table):
        return super().data(settings, table=table)


class HandsOnTwice(HandsOn):
    def data(self, settings, table):
        return [super().data(settings, table)]


@pytest.mark.parametrize("kind", [Base, Deletes, Stacks, HandsOn, HandsOnTwice])
def test_data_that_never_look_at_the_table_do_without(kind):
    assert not needs_table(kind(), None)


class Reads(Base):
    def data(self, settings, table):
        return table.ratings


class ReadsUnderOneSetting(Base):
    def data(self, settings, table):
        if settings:
            return table.ratings
        return "made up"


class ReadsInside(Base):
    def data(self, settings, table):
        def cut(rows):
            return table[rows]

        return cut(3)


class ReadsInComprehension(Base):
    def data(self, settings, table):
        return [table[i] for i in range(3)]


class ReadsInText(Base):
    def data(self, settings, table):
        return f"{table}"


class ReadsAndHandsOn(Base):
    def data(self, settings, table):
        return super().data(settings, table), table


class ReadsByAnotherName(Base):
    def data(self, settings, rows):
        return rows


class HandsOnToAReader(Reads):
    def data(self, settings, table):
        return super().data(settings, table)


@pytest.mark.parametrize(
    "kind",
    [
        Reads,
        ReadsUnderOneSetting,
        ReadsInside,
        ReadsInComprehension,
        ReadsInText,
        ReadsAndHandsOn,
        ReadsByAnotherName,
        HandsOnToAReader,
    ],
)
def test_data_that_read_the_table_get_it(kind):
    assert needs_table(kind(), None)


class Decorated(Base):
    @logged
    def data(self, settings, table):
        return "made up"


class Starred(Base):
    def data(self, *arguments):
        return "made up"


class Anonymous(Base):
    data = lambda self, settings, table: "made up"  # noqa: ARG005, E731


class LooksAround(Base):
    def data(self, settings, table):
        return locals()


class HandsToAnother(Base):
    def data(self, settings, table):
        return Base.data(self, settings, table)


@pytest.mark.parametrize("kind", [Decorated, Starred, Anonymous, LooksAround, HandsToAnother])
def test_in_doubt_the_table_is_prepared(kind):
    assert needs_table(kind(), None)


def test_code_without_a_source_is_in_doubt():
    space = {}
    exec("def data(self, settings, table): return 1", space)  # noqa: S102 - the text of this line
    assert use_of(space["data"], 2) == "anything"


class Says(Base):
    def needs_table(self, settings):
        return settings == "movielens"


@pytest.mark.parametrize("settings", ["movielens", "synthetic"])
def test_who_overrides_needs_table_beside_or_below_the_data_is_asked(settings):
    class Beside(Says):
        def data(self, settings, table):
            return "made up, but it opens the prepared table by itself"

        def needs_table(self, settings):
            return super().needs_table(settings)

    assert needs_table(Says(), settings) is (settings == "movielens")
    assert needs_table(Beside(), settings) is (settings == "movielens")


@pytest.mark.parametrize("settings", ["movielens", "synthetic"])
def test_newer_data_are_judged_by_their_own_code(settings):
    class Images(Says):
        def data(self, settings, table):
            return "made up"

    class Filtered(Says):
        def data(self, settings, table):
            return [super().data(settings, table)]

    assert not needs_table(Images(), settings)
    assert needs_table(Filtered(), settings) is (settings == "movielens")


@pytest.mark.parametrize("data", ["movielens", "synthetic"])
def test_the_tutorial_reads_it_unless_it_is_synthetic(data):
    ranking = scenario.find("ranking")
    settings = scenario.parse_settings(ranking, {"data": data})
    assert needs_table(ranking, settings) is (data == "movielens")
