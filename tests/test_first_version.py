"""A first version of a scenario: what is taken over of a script by reading it."""

from __future__ import annotations

import ast
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import scenario, scenario_files
from harness.errors import HarnessError
from harness.first_version import MARK, marks, minimal, of_script
from harness.scenario import parse_settings

PROGRAMS = sorted((Path(__file__).parent / "programs").glob("[a-z]*.py"))

TABULAR = '''
import argparse, os
os.environ["KERAS_BACKEND"] = "tensorflow"
from tensorflow import keras
from tensorflow.keras.layers import Dense
import numpy as np

RATE = 1e-2

def load(n, seed=3):
    """Rows and
    targets."""
    generator = np.random.default_rng(seed)
    rows = generator.normal(size=(n, 30))
    return rows, (rows[:, :1] > 1).astype("uint8")

def main(n, rate=RATE):
    rows, targets = load(n)
    rows -= rows.mean(axis=0)
    counts = np.bincount(targets[:, 0])
    print(counts)
    x = inputs = keras.Input(rows.shape[1:])
    for units in (64, 32):
        x = Dense(units, activation="relu")(x)
    model = keras.Model(inputs, Dense(1, activation="sigmoid")(x))
    model.summary()
    metrics = [keras.metrics.AUC(name="auc"), "accuracy"]
    model.compile(keras.optimizers.Adam(rate), "binary_crossentropy", metrics=metrics)
    model.fit(rows, targets, 256, 2, validation_split=0.2, class_weight={0: 1.0, 1: counts[0]})

if __name__ == "__main__":
    main(4_000)
'''


@pytest.fixture
def made(tmp_path, monkeypatch):
    """The text of a scenario that is made of a script."""
    monkeypatch.chdir(tmp_path)

    def made(text):
        (tmp_path / "train.py").write_text(text, encoding="utf-8")
        return of_script("mine", tmp_path / "train.py")

    return made


def body(text, function):
    """The statements of a function of the file, as they are written."""
    module = ast.parse(text)
    found = next(n for n in module.body if getattr(n, "name", "") == function)
    return [ast.unparse(node) for node in found.body[1:]]


def test_data_and_model_are_two_functions_with_what_each_hangs_on(made):
    text = made(TABULAR)
    prepared, model = body(text, "prepared"), body(text, "made")
    assert "import numpy as np" in prepared
    assert "rows, targets = load(n)" in prepared
    assert "rows -= rows.mean(axis=0)" in prepared
    assert "n = 4000" in prepared
    assert not any("keras" in line or "print" in line for line in prepared)
    assert model[0] == "rows = given.rows"
    assert "from keras.layers import Dense" in model
    assert "rate = RATE" in model
    assert "RATE = 0.01" in model
    assert any(line.startswith("for units in (64, 32)") for line in model)
    assert not any("summary" in line or "load" in line for line in model)
    assert "rows=rows," in text
    assert "class_weight=prepared().class_weight," in text
    assert "batch_size: Annotated[int, msgspec.Meta(ge=1)] = 256" in text
    assert "epochs: Annotated[int, msgspec.Meta(ge=1)] = 2" in text
    assert 'name="auc"' in text
    assert 'direction="higher"' in text
    assert "KERAS_BACKEND" not in text
    assert not marks(text)


SHORT = """
import keras
import numpy as np
x = np.ones((8, 4))
y = x.sum(axis=1)
model = keras.Sequential([keras.layers.Dense(1)])
model.compile("sgd", "mse")
"""


@pytest.mark.parametrize(
    ("lines", "named"),
    [
        ("model.fit(x, y)", "data to test on"),
        ("model.fit(x, y, validation_split=0.5, callbacks=[f()])", "callbacks=[f()]"),
        ("model.fit(x, y, validation_split=0.5, steps_per_epoch=3)", "steps_per_epoch=3"),
        ("model.fit(x, y, epochs=len(x), validation_split=0.5)", "epochs of the settings"),
        ("model.fit(zip(x, y), validation_data=zip(x, y))", "batch_size of the settings"),
        ("x = x * float(__file__[0])\nmodel.fit(x, y, validation_split=0.5)", "where its files"),
        (
            "import argparse as a\nx = a.f(x)\nmodel.fit(x, y, validation_split=0.5)",
            "settings in place of the script's own arguments",
        ),
        ("model.fit(x, y)\nmodel.fit(x, y, validation_split=0.5)", "the earlier calls of fit"),
    ],
)
def test_what_is_not_taken_over_is_marked(made, lines, named):
    text = made(SHORT + lines + "\n")
    assert [what for _, what in marks(text) if named in what], text
    number, what = marks(text)[0]
    assert text.splitlines()[number - 1] == f"{MARK}{what}"


def test_a_module_beside_the_script_is_marked(made, tmp_path):
    (tmp_path / "helper.py").touch()
    text = made(SHORT + "import helper\nx = helper.f(x)\nmodel.fit(x, y, validation_split=0.5)\n")
    assert f"a copy of {tmp_path / 'helper.py'}" in marks(text)[0][1]


def test_names_that_data_and_model_share_are_told_apart(made):
    """`x` is data first, and then the tensors of the model."""
    lines = (
        "data = x\ninputs = x = keras.Input((4,))\nx = keras.layers.Dense(3)(x)\n"
        "model = keras.Model(inputs, x)\nmodel.compile('sgd', 'mse')\n"
        "model.fit(data, y, validation_split=0.5)\n"
    )
    text = made(SHORT + lines)
    assert "data = x" in body(text, "prepared")
    assert not any("Input" in line for line in body(text, "prepared"))
    assert not any("given." in line for line in body(text, "made"))


def test_files_that_are_unpacked_first_are_and_pictures_are_not_drawn(made):
    lines = (
        "import matplotlib.pyplot as plt\nfrom zipfile import ZipFile\n"
        "ZipFile('data.zip').extractall()\nx = np.loadtxt('data.csv')\n"
        "def draw(values):\n    plt.plot(values)\n"
        "draw(x)\nplt.show()\nprint(x.shape)\nmodel.fit(x, y, validation_split=0.5)\n"
    )
    prepared = body(made(SHORT + lines), "prepared")
    assert "ZipFile('data.zip').extractall()" in prepared
    assert not any("draw" in line or "plt" in line or "print" in line for line in prepared)


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("def f(:\n", "invalid syntax"),
        (SHORT, "calls no model.fit"),
        (SHORT + "model.fit(*data)\n", "unpacked by a star"),
        (SHORT + "for i in range(3):\n    model.fit(x, y)\n", "calls no model.fit"),
    ],
)
def test_what_cannot_be_followed_is_said(made, text, why):
    with pytest.raises(HarnessError, match=why):
        made(text)


@pytest.fixture
def written(tmp_path, monkeypatch):
    """A folder of scenarios: a small one, and those made of the programs of these tests."""
    (tmp_path / "small.py").write_text(minimal("small"), encoding="utf-8")
    for program in PROGRAMS:
        text = of_script(program.stem, program)
        (tmp_path / program.name).write_text(text, encoding="utf-8")
    monkeypatch.setenv(scenario_files.SEARCH_PATH_VARIABLE, str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("name", ["small", *(program.stem for program in PROGRAMS)])
@pytest.mark.usefixtures("written")
def test_it_is_loaded_without_keras(name):
    found = scenario.find(name)
    assert found.name == name
    assert parse_settings(found).batch_size in {16, 32, 64, 128}
    assert not marks(scenario_files.file_of(name).path.read_text(encoding="utf-8"))


@pytest.mark.skipif(shutil.which("ruff") is None, reason="ruff is not on the path")
def test_ruff_has_nothing_to_say_of_it(written):
    command = ["ruff", "check", "--isolated", str(written)]
    # Elsewhere than in this checkout, where `harness` is no library.
    done = subprocess.run(command, cwd=written, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
