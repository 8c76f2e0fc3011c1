"""``harness list``: what can be measured here."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any

import typer


def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the scenarios, their settings, and the backends.

    A scenario whose file is broken, or whose name another one has too, is listed with the reason.

    Exit codes: 0; 2 if HARNESS_SCENARIO_PATH names no folder of scenarios.
    """
    scenarios, backends = _scenarios(), _backends()
    if as_json:
        import msgspec

        document = msgspec.json.encode({"scenarios": scenarios, "backends": backends})
        typer.echo(msgspec.json.format(document, indent=2).decode())
        return
    from harness.report import format as fmt

    typer.echo("Scenarios")
    for scenario in scenarios:
        for line in _scenario_lines(scenario):
            typer.echo(f"  {fmt.plain(line, limit=2_000)}")
    typer.echo("\nBackends")
    for backend in backends:
        environments = backend["environments"]
        typer.echo(
            f"  {backend['name']:<12}{environments[0] if environments else backend['problem']}"
        )
        for further in environments[1:]:
            typer.echo(f"  {'':<12}{further}")


def _scenarios() -> list[dict[str, Any]]:
    from harness import scenario
    from harness.errors import HarnessError

    listed: list[dict[str, Any]] = []
    for name in scenario.names():
        try:
            found = scenario.find(name)
        except HarnessError as error:  # one broken file of a user's hides no other
            listed.append({"name": name, "problem": str(error)})
            continue
        listed.append(
            {
                "name": name,
                "summary": found.summary,
                "version": found.version,
                "metric": {"label": found.metric.label, "direction": found.metric.direction},
                "settings": _settings(found.settings_type),
            }
        )
    return listed


def _settings(settings_type: type[Any]) -> list[dict[str, Any]]:
    """Name, type, default and bounds of each setting, as its JSON Schema has them."""
    import msgspec

    _, components = msgspec.json.schema_components([settings_type])
    properties = components[settings_type.__name__]["properties"]
    described = []
    for name, schema in properties.items():
        kind = schema.get("type", "choice")
        described.append(
            {
                "name": name,
                "type": kind if isinstance(kind, str) else " or ".join(kind),
                "default": schema.get("default"),
                "bounds": _bounds(schema),
            }
        )
    return described


def _bounds(schema: dict[str, Any]) -> str:
    if "enum" in schema:
        return " or ".join(str(value) for value in schema["enum"])
    signs = {"minimum": "≥", "exclusiveMinimum": ">", "maximum": "≤", "exclusiveMaximum": "<"}
    return ", ".join(f"{signs[key]} {schema[key]:,}" for key in signs if key in schema)


def _backends() -> list[dict[str, Any]]:
    from harness.backends import BACKENDS
    from harness.errors import UnavailableError
    from harness.launch import environments

    listed = []
    for backend in BACKENDS:
        found, problem = [], None
        try:
            found = environments.find(backend)
        except UnavailableError as error:
            problem = str(error)
        listed.append({"name": backend, "environments": [*map(str, found)], "problem": problem})
    return listed


def _scenario_lines(scenario: dict[str, Any]) -> Iterator[str]:
    if "problem" in scenario:
        yield f"{scenario['name']}: cannot be loaded: {scenario['problem']}"
        return
    yield f"{scenario['name']}: {scenario['summary']}"
    metric = scenario["metric"]
    yield f"  metric: {metric['label']}, {metric['direction']} is better"
    yield "  settings, changed with --set name=value:"
    width = max(len(setting["name"]) for setting in scenario["settings"])
    for setting in scenario["settings"]:
        name, default = f"{setting['name']:<{width}}", f"{setting['default']!s:<10}"
        yield f"    {name}  {setting['type']:<8} {default} {setting['bounds']}".rstrip()
