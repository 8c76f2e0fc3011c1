"""The text of a scenario's first version, as `string.Template` fills it."""

from string import Template

OWN_FIT = Template("""\

    def fit(self, model, train, *, epochs, initial_epoch=0, callbacks=None):
        model.fit(
            train,
            epochs=epochs,
            initial_epoch=initial_epoch,
            callbacks=callbacks,$further
            shuffle=False,
            verbose=0,
        )
""")
"""For a ``fit`` that is given more than its data, epochs and callbacks."""

_LAST = """\


SCENARIO = $kind()
"""

_SETTINGS = """\
class ${kind}Settings(Settings, frozen=True, kw_only=True, forbid_unknown_fields=True):
    batch_size: Annotated[int, msgspec.Meta(ge=1)] = $batch_size
    epochs: Annotated[int, msgspec.Meta(ge=1)] = $epochs
"""

OF_SCRIPT = Template(
    '''\
"""What $origin trains: a first version, made of its code by `harness scenario new`.

The batches come in the order of the arrays, so that every backend sees the same.
"""

import functools
from types import SimpleNamespace
from typing import Annotated, ClassVar

import msgspec
from harness.scenario import Data, Metric, Scenario, Settings, Split, content_sha256
$marks

'''
    + _SETTINGS
    + '''
$helpers
@functools.cache
def prepared():
    """What $origin makes before its model: the data, and what the model needs of them."""
    $prepared
    return SimpleNamespace(
        $returned
    )


def made(given):
    """The model of $origin, compiled; ``given`` is what was prepared."""
    $made
    return $model


class $kind(Scenario):
    name: ClassVar[str] = "$name"
    summary: ClassVar[str] = "Train what $origin trains"
    version: ClassVar[int] = 1
    settings_type = ${kind}Settings
    metric = Metric(
        name="$metric",
        label="test $metric",
        direction="$direction",
        reference=None,
        source="",
        target=None,
        tolerance=$tolerance,
    )

    def data(self, settings, table):
        given = prepared()
        return Data(
            train=given.for_training,
            test=given.for_testing,
            sizes={},
            split_sha256=content_sha256(given.for_training, given.for_testing),
        )

    def model(self, settings, data):
        return made(prepared())
$own_fit'''
    + _LAST
)

JOINED = '''
def joined(batches):
    """The arrays of batches, one behind the other."""
    import numpy as np

    parts = zip(*batches, strict=True)
    arrays = [np.concatenate([np.asarray(one) for one in part]) for part in parts]
    weights = arrays[2] if len(arrays) > 2 else None
    return Split(inputs=arrays[0], labels=arrays[1], sample_weights=weights)

'''

MINIMAL = Template(
    (
        '''\
"""What this trains, in one sentence. It works as it is: put your own data and layers in."""

from typing import Annotated, ClassVar

import msgspec
import numpy as np
from harness.scenario import Data, Metric, Scenario, Settings, Split, content_sha256


'''
        + _SETTINGS
        + """    units: Annotated[int, msgspec.Meta(ge=1)] = 64  # --set units=128


class $kind(Scenario):
    name: ClassVar[str] = "$name"
    summary: ClassVar[str] = "Say of four numbers whether their sum is positive"
    version: ClassVar[int] = 1
    settings_type = ${kind}Settings
    metric = Metric(
        name="accuracy",  # as model.evaluate(..., return_dict=True) calls it
        label="test accuracy",
        direction="higher",
        reference=None,
        source="",
        target=None,
        tolerance=0.01,
    )

    def data(self, settings, table):
        generator = np.random.default_rng(0)

        def split(examples):
            numbers = generator.normal(size=(examples, 4)).astype("float32")
            return Split(inputs=numbers, labels=(numbers.sum(axis=1) > 0).astype("float32"))

        train, test = split(6_400), split(1_000)
        return Data(
            train=train,
            test=test,
            sizes={},
            split_sha256=content_sha256(train, test),
            synthetic=True,
        )

    def model(self, settings, data):
        import keras  # not above: the command line reads this file without Keras

        model = keras.Sequential(
            [
                keras.Input((4,)),
                keras.layers.Dense(settings.units, activation="relu"),
                keras.layers.Dense(1, activation="sigmoid"),
            ]
        )
        model.compile("adam", "binary_crossentropy", metrics=["accuracy"])
        return model
"""
        + _LAST
    )
    .replace("$batch_size", "64")
    .replace("$epochs", "5")
)
