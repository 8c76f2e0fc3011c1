"""Scenarios that another installed package offers by an entry point."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness import scenario, scenario_files
from harness.errors import HarnessError
from harness.launch.variables import child_variables
from tests.launch.conftest import SCENARIO


@pytest.fixture
def site(tmp_path, monkeypatch):
    """A fake distribution with a package that offers a scenario."""
    package, info = tmp_path / "acme_models", tmp_path / "acme_models-1.0.dist-info"
    package.mkdir()
    info.mkdir()
    (package / "__init__.py").touch()
    (package / "images.py").write_text(SCENARIO.replace("throwaway", "images"), encoding="utf-8")
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-models\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[keras_backend_harness.scenarios]\nimages = acme_models.images\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    yield tmp_path
    sys.modules.pop("acme_models", None)


@pytest.mark.usefixtures("site")
def test_it_is_listed_and_found():
    assert "images" in scenario_files.names()
    assert scenario.find("images").name == "images"


def test_a_child_whose_environment_lacks_the_package_finds_its_file(site, monkeypatch):
    variables = child_variables({}, device=None, keras_home=Path())
    monkeypatch.undo()
    sys.modules.pop("acme_models", None)
    assert "images" not in scenario_files.names()
    name = scenario_files.OFFERED_VARIABLE
    assert variables[name] == f"images={site / 'acme_models' / 'images.py'}"
    monkeypatch.setenv(name, variables[name])
    assert scenario.find("images").name == "images"


def test_one_that_is_not_there_is_told_with_who_offers_it(site):
    (site / "acme_models" / "images.py").unlink()
    with pytest.raises(HarnessError, match="acme-models offers the scenario images as"):
        scenario_files.names()
