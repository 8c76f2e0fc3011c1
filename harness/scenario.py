"""The contract of a scenario, and the scenario of a name.

A scenario is a module or package in ``scenarios/`` (or in a folder named by
``HARNESS_SCENARIO_PATH``) with a ``SCENARIO`` in it. Its top level imports neither Keras nor a
framework, so that the command line can list it; what trains is imported inside the methods.
:mod:`harness.scenario_files` finds and loads them.
"""

from __future__ import annotations

import abc
import importlib
import sys
from collections.abc import Mapping
from importlib.util import find_spec
from typing import TYPE_CHECKING, Annotated, Any, ClassVar, Literal, cast

import msgspec

from harness import scenario_files, scenario_source, tree
from harness.backends import Backend
from harness.errors import HarnessError
from harness.examples import Data, Split, SplitError, content_sha256
from harness.records.cell import Scalar
from harness.records.trial import StepWork
from harness.scenario_files import ScenarioFile, ScenarioFileError
from harness.words import unknown

__all__ = [
    "AXES",
    "Data",
    "InvalidSettingError",
    "Metric",
    "Scenario",
    "ScenarioFile",
    "ScenarioFileError",
    "Settings",
    "Split",
    "SplitError",
    "UnknownScenarioError",
    "content_sha256",
    "find",
    "names",
    "parse_settings",
    "require_file",
    "sources_sha256",
]

if TYPE_CHECKING:
    import keras

    from harness.data import Table
    from harness.loop import NativeTraining


class Metric(msgspec.Struct, frozen=True, kw_only=True):
    """How well a scenario has learned.

    ``name`` is the key that ``model.evaluate(..., return_dict=True)`` answers with. ``reference``
    is the value that was published for the default settings, and ``source`` where it stands.
    ``target`` is what time to quality waits for; two trials whose values differ by more than
    ``tolerance`` did not learn the same.
    """

    name: str
    label: str
    direction: Literal["lower", "higher"]
    reference: float | None
    source: str
    target: float | None
    tolerance: float

    def reached(self, value: float | None) -> bool:
        """Whether ``value`` is at the target or better."""
        if value is None or self.target is None:
            return False
        return value <= self.target if self.direction == "lower" else value >= self.target


class Settings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What every scenario lets a user change; a scenario adds its own by inheriting.

    Bounds belong in the annotation (``msgspec.Meta``), so that a value out of range is refused
    before anything starts.
    """

    batch_size: Annotated[int, msgspec.Meta(ge=1, le=1_000_000)] = 1_000
    epochs: Annotated[int, msgspec.Meta(ge=1, le=10_000)] = 5
    # Keras' dtype policy: what is computed in, while variables stay float32.
    precision: Literal["float32", "mixed_bfloat16"] = "float32"


AXES = {"batch_size": "batch_size", "epochs": "epochs", "dtype_policy": "precision"}
"""The settings of :class:`Settings` by the axis of ``harness sweep`` that varies them."""


class Scenario(abc.ABC):
    """What is trained: data and split, Keras model, loss, optimizer, and how quality is judged.

    ``version`` is raised whenever a change makes older records incomparable. A setting that is
    added later has as its default what was done before, so that older records still compare; where
    that default has changed since, ``settings_before`` keeps the first one by the setting's name.
    """

    name: ClassVar[str]
    summary: ClassVar[str]
    version: ClassVar[int]
    metric: ClassVar[Metric]
    settings_type: ClassVar[type[Settings]] = Settings
    settings_before: ClassVar[Mapping[str, Scalar]] = {}

    @property
    def source(self) -> str:
        """What :func:`find` finds it by."""
        return self.name

    def needs_table(self, settings: Any) -> bool:
        """Whether :meth:`data` reads the MovieLens table; it may depend on the settings.

        It is asked where the code of ``data`` mentions the table at all, or where it is overridden
        beside ``data`` or below it (:func:`harness.table_use.needs_table`).
        """
        return True

    def dataset(self, settings: Any) -> str:
        """Which ratings :meth:`data` reads: ``100k`` or ``1m`` of MovieLens."""
        return "100k"

    @abc.abstractmethod
    def data(self, settings: Any, table: Table | None) -> Data:
        """Cut the examples for training and testing.

        ``table`` is the prepared rating table, or ``None`` where it is not needed.
        """

    @abc.abstractmethod
    def model(self, settings: Any, data: Data) -> keras.Model:
        """Make the model, built and compiled."""

    def fit(
        self,
        model: keras.Model,
        train: Any,
        *,
        epochs: int,
        initial_epoch: int = 0,
        callbacks: list[Any] | None = None,
    ) -> None:
        """Train with ``model.fit`` from epoch ``initial_epoch`` up to ``epochs``.

        ``train`` is the dataset that the backend's adapter made of :attr:`Data.train`; it yields
        the same batches in the same order every time. Whoever overrides this passes
        ``shuffle=False`` on: Keras would shuffle the batches of a ``PyDataset``.
        """
        model.fit(
            train,
            epochs=epochs,
            initial_epoch=initial_epoch,
            callbacks=callbacks,
            shuffle=False,
            verbose=0,
        )

    def evaluate(self, model: keras.Model, test: Any) -> dict[str, float]:
        """Every metric on the test set, by name; those of ``model.evaluate`` by default."""
        return dict(model.evaluate(test, return_dict=True, verbose=0))

    def published(self, settings: Any) -> float | None:
        """The published value of the metric for exactly these settings, if there is one.

        By default :attr:`Metric.reference`, where all settings are the default ones.
        """
        return self.metric.reference if settings == self.settings_type() else None

    def work(self, settings: Any, data: Data) -> StepWork | None:
        """What one training step of a full batch cannot do without; ``None`` if nobody counted.

        The report then shows no floor for this scenario.
        """
        return None

    def native(self, backend: Backend) -> type[NativeTraining] | None:
        """The scenario in the framework's own code, without Keras; ``None`` if there is none.

        By default it is the one class of that kind in the module ``native_<backend>.py`` beside
        :meth:`model`, in the scenario's package, which is imported here and not before.

        Raises:
            ScenarioFileError: if that module has no such class.
        """
        name = self._native_module(backend)
        if name is None:
            return None
        from harness.loop import NativeTraining

        for one in vars(importlib.import_module(name)).values():
            if isinstance(one, type) and issubclass(one, NativeTraining) and one.__module__ == name:
                return one
        raise ScenarioFileError(f"{name} defines no subclass of harness.loop.NativeTraining")

    def has_native(self, backend: Backend) -> bool:
        """Whether :meth:`native` may give something; imports nothing of it."""
        overridden = type(self).native is not Scenario.native
        return overridden or self._native_module(backend) is not None

    def _native_module(self, backend: Backend) -> str | None:
        package = next(kind for kind in type(self).__mro__ if "model" in vars(kind)).__module__
        # A scenario in one file is no package.
        if not hasattr(sys.modules.get(package), "__path__"):
            return None
        name = f"{package}.native_{backend}"
        return name if find_spec(name) is not None else None

    def axis_settings(self, axis: str, value: str) -> dict[str, str]:
        """Which settings stand for ``value`` on an axis of ``harness sweep``.

        Args:
            axis: ``batch_size``, ``embedding_rows``, ``embedding_size``, ``dtype_policy`` or
                ``epochs``.
            value: what was typed; it is checked with the settings.

        Returns:
            Names and texts, as ``--set`` would take them.

        Raises:
            InvalidSettingError: if the scenario has no such axis.
        """
        if axis not in AXES:
            raise InvalidSettingError(
                f"{self.name} has no {axis.replace('_', ' ')} to sweep; it has "
                f"{', '.join(name.replace('_', ' ') for name in AXES)}, and every setting by --set"
            )
        return {AXES[axis]: value}

    def axis_defaults(self, axis: str) -> dict[str, str]:
        """Settings that a sweep along ``axis`` changes beside, unless the user says otherwise."""
        return {}

    def prediction_inputs(self, settings: Any, data: Data) -> Any:
        """Whole numbers of shape ``[candidates]`` for the prediction that a record shows, if any.

        In the tree of :attr:`Split.inputs`, for a model that gives one number for a candidate.
        """
        return None

    def predictions(
        self, settings: Any, data: Data, model: keras.Model
    ) -> list[tuple[dict[str, int], float]]:
        """What a record shows of the trained model: whole numbers by name, and a number for them.

        By default the model's outputs for :meth:`prediction_inputs`.
        """
        inputs = self.prediction_inputs(settings, data)
        if inputs is None:
            return []
        columns = tree.leaves(inputs)
        outputs = model.predict(inputs, verbose=0).ravel().tolist()
        return [
            # A single array has no name.
            ({name or "input": int(values[i]) for name, values in columns.items()}, output)
            for i, output in enumerate(outputs)
        ]

    def shown(self, output: float) -> float:
        """A model output in the unit that a person is shown."""
        return output


class UnknownScenarioError(HarnessError):
    """There is no scenario of that name."""


class InvalidSettingError(HarnessError):
    """A setting that the scenario does not have, or a value that it does not take."""


def names() -> list[str]:
    """The names of all scenarios, sorted.

    Raises:
        SearchPathError: if ``HARNESS_SCENARIO_PATH`` names something that holds none.
    """
    return scenario_files.names()


def find(name: str) -> Scenario:
    """The scenario called ``name``; the program, where that is the path of a script.

    Raises:
        UnknownScenarioError: if there is none; the message lists those there are.
        SearchPathError: if ``HARNESS_SCENARIO_PATH`` names something that holds none.
        AmbiguousScenarioError: if several files claim the name.
        ScenarioFileError: if its file cannot be loaded, or what it defines is no scenario.
    """
    file = require_file(name)
    if file.program:
        from harness.program import Program  # which is a scenario, and imports this module

        return Program(file)
    scenario = getattr(scenario_files.load(file), "SCENARIO", None)
    if problem := _problem(scenario, name):
        raise ScenarioFileError(f"{file.path} {problem}")
    return cast("Scenario", scenario)


def sources_sha256(name: str) -> str:
    """Identifies the source of the scenario called ``name``.

    Raises:
        HarnessError: as :func:`find` does.
    """
    return scenario_source.sha256(require_file(name))


def require_file(name: str) -> ScenarioFile:
    """The file of the scenario called ``name``, which need not be loadable.

    Raises:
        HarnessError: as :func:`find` does, but for what is in the file.
    """
    if file := scenario_files.file_of(name):
        return file
    message = unknown("scenario", name, names())
    looked_at = scenario_files.search_path_in_words()
    raise UnknownScenarioError(f"{message}. Looked at: {looked_at}" if looked_at else message)


def _problem(scenario: object, name: str) -> str | None:
    """What keeps ``scenario`` from being one; completes "the file …"."""
    if scenario is None:
        return "defines no SCENARIO: end it with SCENARIO = …(), your subclass of Scenario"
    if isinstance(scenario, type):
        return f"has a class as SCENARIO: write SCENARIO = {scenario.__name__}()"
    if not isinstance(scenario, Scenario):
        return f"has as SCENARIO {_a(type(scenario))}, which is no harness.scenario.Scenario"
    for fact, kind in (("name", str), ("summary", str), ("version", int), ("metric", Metric)):
        value = getattr(scenario, fact, None)
        if not isinstance(value, kind):
            what = "no" if value is None else f"as its {fact} {_a(type(value))}, and no"
            return f"has {what} {fact} of type {kind.__name__} in its SCENARIO"
    if scenario.name != name:
        return f"calls its scenario '{scenario.name}': give it the name of the file, '{name}'"
    return _problem_of_settings(scenario.settings_type)


def _problem_of_settings(kind: object) -> str | None:
    if not (isinstance(kind, type) and issubclass(kind, Settings)):
        return "has a settings_type that is no subclass of harness.scenario.Settings"
    try:
        values = msgspec.to_builtins(msgspec.convert({}, kind))
    # A type that msgspec cannot read, a default that is missing, or a __post_init__ of the user's.
    except Exception as error:  # noqa: BLE001
        return f"has settings that cannot be made, {kind.__name__}: {_lower_first(str(error))}"
    for setting, value in values.items():
        if not isinstance(value, Scalar):
            return f"has a setting {setting} that is neither a number, a text nor true or false"
    return None


def _a(kind: type) -> str:
    return f"{'an' if kind.__name__[0] in 'aeiou' else 'a'} {kind.__name__}"


def parse_settings(scenario: Scenario, assignments: Mapping[str, str] | None = None) -> Settings:
    """All settings of ``scenario``, with ``assignments`` (texts, as typed by a user) put in.

    Raises:
        InvalidSettingError: naming the setting, what it takes, and the nearest name.
    """
    fields = {field.name: field for field in msgspec.structs.fields(scenario.settings_type)}
    values: dict[str, Any] = {}
    for name, text in (assignments or {}).items():
        if name not in fields:
            raise InvalidSettingError(unknown(f"setting of {scenario.name}", name, list(fields)))
        try:
            values[name] = msgspec.convert(text, fields[name].type, strict=False)
        except msgspec.ValidationError as error:
            raise InvalidSettingError(
                f"{scenario.name} does not take {name}={text}: {_lower_first(str(error))} "
                f"(the default is {fields[name].default!r})"
            ) from None
    try:
        # Through convert, so that a __post_init__ with a rule over several settings is heard too.
        return msgspec.convert(values, scenario.settings_type)
    except msgspec.ValidationError as error:
        raise InvalidSettingError(f"{scenario.name}: {_lower_first(str(error))}") from None


def _lower_first(text: str) -> str:
    return text[:1].lower() + text[1:]
