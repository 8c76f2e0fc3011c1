"""What may be typed for seeds, names, settings and environments, and what is refused."""

from __future__ import annotations

import itertools
from pathlib import Path
from typing import Annotated, ClassVar

import msgspec
import pytest
from hypothesis import event, given
from hypothesis import strategies as st

from harness.backends import BACKENDS
from harness.cli import asking, parse
from harness.errors import HarnessError
from harness.launch.environments import Choice
from harness.records.cell import Cell
from harness.scenario import InvalidSettingError, Scenario, Settings


class ThrowawaySettings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    learning_rate: Annotated[float, msgspec.Meta(gt=0)] = 1  # an int, as a careless author writes


class Throwaway(Scenario):
    name = "throwaway"
    settings_type: ClassVar[type[Settings]] = ThrowawaySettings

    def data(self, settings, table):
        raise NotImplementedError

    def model(self, settings, data):
        raise NotImplementedError

    def fit(self, model, train, *, epochs, initial_epoch=0, callbacks=None):
        raise NotImplementedError

    def evaluate(self, model, test):
        raise NotImplementedError


scenario = Throwaway()
seed_numbers = st.integers(0, parse.MAX_SEED)


@given(st.lists(seed_numbers, min_size=1, max_size=20, unique=True))
def test_seeds_come_back_in_the_order_typed(seeds):
    assert parse.parse_seeds([",".join(map(str, seeds))]) == seeds


@given(st.integers(0, 10**6), st.integers(0, 500))
def test_a_range_of_seeds_includes_both_ends(first, more):
    assert parse.parse_seeds([f"{first}-{first + more}"]) == list(range(first, first + more + 1))


@given(st.text(alphabet="0123456789-, ²x", max_size=12))
def test_any_text_is_either_seeds_or_a_clear_refusal(text):
    try:
        seeds = parse.parse_seeds([text])
    except HarnessError:
        event("refused")
    else:
        assert seeds
        assert all(0 <= seed <= parse.MAX_SEED for seed in seeds)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no seed is named"),
        ("one", "'one' is no seed: give whole numbers or ranges, such as 1,2,3 or 1-5"),
        ("-3", "'-3' is no seed"),
        ("5-1", "runs backwards: write 1-5"),
        ("4294967296", "too large: the highest that counts is 4294967295"),
        ("1-99999999", "more than 10,000 seeds"),
    ],
)
def test_a_wrong_seed_is_refused_with_the_remedy(text, message):
    with pytest.raises(HarnessError, match=message):
        parse.parse_seeds([text])


@given(st.lists(st.sampled_from(BACKENDS), min_size=1, unique=True))
def test_backends_may_be_separated_by_commas_or_given_apart(backends):
    assert parse.parse_backends([",".join(backends)]) == backends
    assert parse.parse_backends(backends) == backends


def test_tf_is_what_tox_calls_tensorflow():
    assert parse.parse_backends(["tf, torch"]) == ["tensorflow", "torch"]


@pytest.mark.parametrize(
    ("parse", "texts", "message"),
    [
        (parse.parse_backends, ["jax,tf,jax"], "--backend names jax twice"),
        (parse.parse_backends, ["jax", "jax"], "--backend names jax twice"),
        (parse.parse_backends, ["tensorflow,tf"], "--backend names tensorflow twice"),
        (parse.parse_seeds, ["1,2,1"], "--seeds names 1 twice: for several rounds of each write"),
        (parse.parse_seeds, ["1-3,2"], "--seeds names 2 twice"),
        (parse.parse_assignments, ["x=1, 1"], "--set x names 1 twice"),
    ],
)
def test_what_is_named_twice_is_refused_since_it_would_be_measured_once(parse, texts, message):
    with pytest.raises(HarnessError, match=message):
        parse(texts)


def test_a_mode_is_named_once():
    with pytest.raises(HarnessError, match="--mode names fit twice: name each once"):
        parse.parse_names("mode", ["fit,tuned,fit"], ["fit", "tuned"])


@pytest.mark.parametrize(("text", "twice"), [("1,2,1", "1"), ("auto,auto", "auto")])
def test_a_number_of_threads_is_named_once(text, twice):
    with pytest.raises(HarnessError, match=f"--threads names {twice} twice"):
        parse.parse_threads(text)


def test_two_spellings_of_one_value_are_that_value_twice():
    with pytest.raises(HarnessError, match=r"come to the same settings: .*learning_rate=0\.1"):
        asking.points(scenario, ["learning_rate=0.1,1e-1"])


@pytest.mark.parametrize(
    "texts", [["jax=/a", "jax=/b"], ["tf=/a", "tensorflow=/b"], ["old=/a", "old=/b"]]
)
def test_a_name_that_is_given_twice_is_refused_with_both(texts):
    with pytest.raises(HarnessError, match=r"--env names .* twice: /a and /b\. Give each .* name"):
        parse.parse_environments(texts)


def test_an_unknown_name_is_answered_with_the_valid_ones_and_the_nearest():
    with pytest.raises(HarnessError, match=r"'tensorflo'; did you mean tensorflow\? Valid: jax"):
        parse.parse_backends(["tensorflo"])
    with pytest.raises(HarnessError, match="unknown mode 'tf'"):
        parse.parse_names("mode", ["tf"], ["fit"])
    with pytest.raises(HarnessError, match=r"unknown device 'gpus'; did you mean gpu\?"):
        parse.parse_one("device", "gpus", ["auto", "cpu", "gpu"])


@pytest.mark.parametrize(
    ("text", "threads"),
    [(None, [None]), ("2", [2]), ("1, 2", [1, 2]), ("auto,4", [None, 4])],
)
def test_threads_are_numbers_or_the_frameworks_own_choice(text, threads):
    assert parse.parse_threads(text) == threads


@pytest.mark.parametrize("text", ["0", "4097", "two", "1-4", "-1", ""])
def test_what_is_no_number_of_threads_is_refused(text):
    with pytest.raises(HarnessError, match=r"--threads .*(no|not a) number"):
        parse.parse_threads(text)


@pytest.mark.parametrize(
    ("text", "size_bytes"),
    [("16GB", 16e9), ("16g", 16e9), ("1.5 GiB", 1.5 * 2**30), ("500MB", 5e8), ("2t", 2e12)],
)
def test_a_size_has_a_unit_decimal_or_binary(text, size_bytes):
    assert parse.parse_size_bytes("--memory-limit", text) == size_bytes


@pytest.mark.parametrize("text", ["16", "", "GB", "0GB", "-1GB", "16 apples", "1e3MB"])
def test_what_is_no_size_is_refused(text):
    with pytest.raises(HarnessError, match=r"--memory-limit .* is not a size: write such as 16GB"):
        parse.parse_size_bytes("--memory-limit", text)


def test_naming_nothing_is_refused():
    with pytest.raises(HarnessError, match=r"no backend is named\. Valid: jax, tensorflow, torch"):
        parse.parse_backends([" , "])


@given(
    st.lists(st.integers(1, 1_000_000), min_size=1, max_size=4, unique=True),
    st.lists(st.integers(1, 10_000), min_size=1, max_size=4, unique=True),
)
def test_values_with_commas_give_every_combination(batch_sizes, epochs):
    texts = [
        "batch_size=" + ",".join(map(str, batch_sizes)),
        "epochs = " + ", ".join(map(str, epochs)),
    ]
    sets = asking.points(scenario, texts)
    assert [(s.batch_size, s.epochs) for s in sets] == list(itertools.product(batch_sizes, epochs))


def test_settings_are_always_complete():
    (settings,) = asking.points(scenario, [])
    assert asking.as_scalars(settings) == {
        "batch_size": 1000,
        "epochs": 5,
        "precision": "float32",
        "learning_rate": 1.0,
    }


def test_a_typed_default_is_the_same_cell_as_the_default():
    digests = {
        Cell(
            scenario="throwaway",
            backend="jax",
            device="cpu",
            settings=asking.as_scalars(settings),
        ).digest
        for typed in ([], ["learning_rate=1"], ["learning_rate=1.0", "epochs=5"])
        for settings in asking.points(scenario, typed)
    }
    assert len(digests) == 1


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        (["batch_size"], "--set batch_size names no value: write --set name=value"),
        (["=3"], "names no value"),
        (["epochs=1", "epochs=2"], "--set names epochs twice: for several values write epochs="),
    ],
)
def test_a_malformed_setting_is_refused_with_the_remedy(texts, message):
    with pytest.raises(HarnessError, match=message):
        asking.points(scenario, texts)


@pytest.mark.parametrize("text", ["batch=3", "batch_size=0", "batch_size=many", "epochs=1,0"])
def test_a_setting_that_the_scenario_does_not_take_is_refused(text):
    with pytest.raises(InvalidSettingError):
        asking.points(scenario, [text])


def test_environments_are_named_by_backend():
    assert parse.parse_environments(["jax=/a", "tf=b=c"]) == [
        Choice(name="jax", backend="jax", path=Path("/a")),
        Choice(name="tf", backend="tensorflow", path=Path("b=c")),
    ]


@pytest.mark.parametrize(
    ("what", "requirements"),
    [
        ("keras==3.14.0", ("keras==3.14.0",)),
        ("keras>=3.13,<3.15", ("keras>=3.13,<3.15",)),
        ("keras==3.14.0 jax==0.9.0", ("keras==3.14.0", "jax==0.9.0")),
        ("keras-nightly tf-nightly", ("keras-nightly", "tf-nightly")),
        (
            "keras @ git+https://example.org/keras@main",
            ("keras@git+https://example.org/keras@main",),
        ),
        ("git+https://example.org/keras", ("git+https://example.org/keras",)),
        ("jax[cuda12]==0.9.0", ("jax[cuda12]==0.9.0",)),
    ],
)
def test_an_environment_under_a_name_of_its_own_is_made_of_requirements(what, requirements):
    assert parse.parse_environments([f"old={what}"]) == [
        Choice(name="old", requirements=requirements)
    ]


def test_a_folder_that_can_be_installed_is_a_requirement_and_an_environment_is_a_path(tmp_path):
    source, environment = tmp_path / "keras", tmp_path / "venv"
    source.mkdir()
    environment.mkdir()
    (source / "pyproject.toml").touch()
    assert parse.parse_environments([f"new={source}", f"old={environment}"]) == [
        Choice(name="new", requirements=(str(source),)),
        Choice(name="old", path=environment),
    ]


def test_a_bare_word_is_a_path_so_that_a_slip_installs_nothing():
    assert parse.parse_environments(["old=venvv"]) == [Choice(name="old", path=Path("venvv"))]


@pytest.mark.parametrize(
    "text", ["two words=/a", "=/a", "-x=/a", "a/b=/c", "(old)=/a", "x" * 41 + "=/a"]
)
def test_a_name_that_is_none_is_refused(text):
    with pytest.raises(HarnessError, match=r"is no name|names no environment"):
        parse.parse_environments([text])


def test_requirements_keep_the_commas_of_their_versions():
    assert parse.parse_requirements(
        "--with", ["tensorflow-cpu,tensorflow-datasets", "numpy>=2,<3"]
    ) == (
        "tensorflow-cpu",
        "tensorflow-datasets",
        "numpy>=2,<3",
    )
    with pytest.raises(HarnessError, match="--with a/b is not a requirement"):
        parse.parse_requirements("--with", ["a/b"])


@pytest.mark.parametrize("text", ["jax", "jax="])
def test_an_environment_without_a_path_is_refused(text):
    with pytest.raises(HarnessError, match="names no environment: write --env jax=PATH"):
        parse.parse_environments([text])


@given(st.decimals(min_value="0.01", max_value="99.99", places=2))
def test_a_share_is_the_same_as_a_percentage_and_as_a_fraction(percent):
    share = parse.parse_share("--margin", f"{percent}%")
    assert share == pytest.approx(float(percent) / 100)
    assert parse.parse_share("--margin", f" {percent} % ") == share
    assert parse.parse_share("--margin", f"{percent / 100}") == pytest.approx(share)


@pytest.mark.parametrize("text", ["2", "0", "0%", "100%", "-1%", "two", "2%%", "nan", "", "1e-2"])
def test_what_is_no_share_is_answered_with_how_to_write_one(text):
    with pytest.raises(HarnessError) as error:
        parse.parse_share("--precision", text)
    assert str(error.value) == (
        f"--precision {text} is not a share: write a percentage such as 2%, or 0.02 for it; "
        "above 0% and below 100%"
    )


@pytest.mark.parametrize(("text", "share"), [("0%", 0), ("0", 0), ("250%", 2.5), ("0.05", 0.05)])
def test_the_limit_of_a_rule_may_be_nothing_or_more_than_everything(text, share):
    assert parse.parse_share("--fail-on slower", text, rule=True) == share


@given(st.integers(0, 900), st.integers(0, 59), st.integers(1, 59))
def test_a_duration_is_hours_minutes_and_seconds_in_every_spelling(hours, minutes, seconds):
    total = hours * 3600 + minutes * 60 + seconds
    for text in (
        f"{hours}h{minutes}m{seconds}s",
        f"{hours} H {minutes} m {seconds} S",
        f"{total}",
        f"{total}s",
        f"{total}.0 s",
        f"{total}000ms",
    ):
        assert parse.parse_duration_s("--budget", text) == pytest.approx(total)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("90", 90), ("5m", 300), ("1h30m", 5400), ("0.5h", 1800), ("500ms", 0.5), ("1.5", 1.5)],
)
def test_a_duration_has_a_unit_or_is_in_seconds(text, seconds):
    assert parse.parse_duration_s("--budget", text) == seconds


@pytest.mark.parametrize(
    "text", ["", "0", "0s", "-5m", "m", "5x", "5m1h", "1h30", "inf", "1e3", "²"]
)
def test_what_is_no_duration_is_answered_with_how_to_write_one(text):
    with pytest.raises(HarnessError) as error:
        parse.parse_duration_s("--budget", text)
    assert str(error.value) == (
        f"--budget {text} is not a duration: write seconds, minutes or hours, such as 90, 90s, 10m "
        "or 1h30m"
    )


def test_a_duration_that_no_clock_waits_for_is_refused():
    with pytest.raises(HarnessError, match="--timeout 1001h is too long: the longest is 1000h"):
        parse.parse_duration_s("--timeout", "1001h")


def test_a_duration_may_be_nothing_where_that_means_something():
    assert parse.parse_duration_s("--time-budget", "0", zero=True) == 0
    with pytest.raises(HarnessError, match="not a duration"):
        parse.parse_duration_s("--time-budget", "", zero=True)


@given(st.text(alphabet="0123456789-+ .²", max_size=30))
def test_any_text_is_a_whole_number_in_range_or_a_clear_refusal(text):
    try:
        number = parse.parse_number("--rounds", text, least=1, most=10_000)
    except HarnessError:
        event("refused")
    else:
        assert 1 <= number <= 10_000


@given(st.text(alphabet="0123456789.%hms -eE²", max_size=10))
def test_any_text_is_a_share_or_a_duration_in_range_or_a_clear_refusal(text):
    for read, most in ((parse.parse_share, 1), (parse.parse_duration_s, parse.MAX_DURATION_S)):
        try:
            value = read("--option", text)
        except HarnessError:
            event("refused")
        else:
            assert 0 < value <= most
