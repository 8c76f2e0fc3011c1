"""Where a command's cells run: from ``--backend``, ``--env`` and ``--with`` to interpreters."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterator, Mapping, Sequence

import msgspec

from harness.backends import BACKENDS
from harness.cli import parse
from harness.cli.options import Request
from harness.errors import HarnessError, UnavailableError
from harness.launch import env_cache, environments
from harness.launch.env_cache import Recipe
from harness.launch.environments import Choice, Interpreter, Look

Say = Callable[[str], None]


def candidates(
    request: Request, say: Say, least: int = 1, variable: str | None = "KERAS_BACKEND"
) -> dict[str, list[Interpreter]]:
    """The interpreters of each place, the preferred one first; what is missing is made, if agreed.

    A place is a backend, or a backend in an environment with a name.

    Args:
        request: names backends and environments.
        say: prints which backends are left out, and what is made.
        least: how many places there must be.
        variable: the environment variable that names the backend where the request does not.

    Raises:
        HarnessError: for a mistake in the request.
        UnavailableError: if an environment is not there.
    """
    chosen = parse.parse_environments(request.environments)
    asked = _asked(request, variable)
    # What its trials get: a Python may not even start without it.
    look = functools.partial(environments.look_inside, pass_env=request.pass_env)
    served = list(_served(chosen, asked, look, parse.parse_requirements("--with", request.beside)))
    wanted = asked
    if wanted is None and any(choice.backend is None for _, choice in served):
        wanted = [backend for backend in BACKENDS if backend in {name for name, _ in served}]
    found: dict[str, list[Interpreter]] = {}
    problems: dict[str, str] = {}
    for backend in wanted or BACKENDS:
        mine = [choice for name, choice in served if name == backend]
        for choice in mine:
            serving = _of_choice(choice, backend, look)
            found[serving[0].place] = serving
        if not mine:
            try:
                found[backend] = environments.find(backend, look=look)
            except UnavailableError as error:
                problems[backend] = str(error)
    _make_for(request, served, say)
    if problems and (wanted or not found):
        _make_missing(request, problems, say, asked=wanted is not None)
        found |= {backend: environments.find(backend, look=look) for backend in problems}
        problems = {}
    told = [f"{backend}: {problem}" for backend, problem in problems.items()]
    if len(found) < least:
        few = f"two backends are needed, and only {', '.join(found)} can run here."
        raise UnavailableError("\n".join([few, *told]))
    for line in told:
        say(f"left out: {line}")
    order = list(wanted or BACKENDS)
    given = tuple(request.pass_env)
    return {
        place: [msgspec.structs.replace(interpreter, pass_env=given) for interpreter in serving]
        for place, serving in sorted(found.items(), key=lambda one: order.index(one[1][0].backend))
    }


def _asked(request: Request, variable: str | None) -> list[str] | None:
    by_variable = os.environ.get(variable or "")
    asked = request.backends or ([by_variable] if by_variable else [])
    if not asked:
        return None
    try:
        return parse.parse_backends(asked)
    except HarnessError as error:
        hint = "" if request.backends else f" (from the variable {variable})"
        raise HarnessError(f"{error}{hint}") from None


def _served(
    chosen: Sequence[Choice], asked: list[str] | None, look: Look, beside: tuple[str, ...]
) -> Iterator[tuple[str, Choice]]:
    """Each backend with each choice that serves it."""
    named = [choice.backend for choice in chosen if choice.backend is not None]
    strangers = [backend for backend in named if asked and backend not in asked]
    if strangers:
        raise HarnessError(
            f"--env names an environment for {', '.join(strangers)}, which will not run: "
            "name it with --backend too"
        )
    taken = set()
    for choice in chosen:
        for backend in _backends_of(choice, asked, look, beside):
            taken.add(backend)
            yield (
                backend,
                msgspec.structs.replace(choice, requirements=choice.requirements + beside),
            )
    for backend in (asked or BACKENDS) if beside else ():
        if backend not in taken:
            yield backend, Choice(name=backend, backend=backend, requirements=beside)


def _backends_of(
    choice: Choice, asked: list[str] | None, look: Look, beside: tuple[str, ...]
) -> Sequence[str]:
    if choice.path is not None and beside:
        raise HarnessError(
            f"{choice.typed} is there already, and --with makes one: install {', '.join(beside)} "
            "into it, or leave one of the two out"
        )
    if choice.backend is not None:
        return [choice.backend]
    if choice.path is not None:
        return environments.by_path(choice, asked or BACKENDS, look=look)
    if asked is None:
        raise HarnessError(
            f"{choice.typed} does not say for which backend: name it, such as --backend jax"
        )
    return asked


def _of_choice(choice: Choice, backend: str, look: Look) -> list[Interpreter]:
    if choice.path is None:
        recipe = _recipe(choice, backend)
        return [
            Interpreter(
                backend=backend,
                python=env_cache.python_in(env_cache.root() / recipe.key),
                origin=f"made with {' '.join(recipe.requirements)}",
                name=msgspec.UNSET if choice.backend else choice.name,
            )
        ]
    if choice.backend is not None:
        return environments.find(backend, {backend: choice.path}, look=look)
    return [environments.of_choice(choice, backend)]


def _recipe(choice: Choice, backend: str) -> Recipe:
    return Recipe(backend=backend, python=env_cache.this_python(), requirements=choice.requirements)


def _make_for(request: Request, served: Sequence[tuple[str, Choice]], say: Say) -> None:
    """Make what the requirements of choices ask for and is not there.

    Raises:
        UnavailableError: if the user does not agree, or cannot be asked; with the commands.
    """
    from harness.cli import env

    recipes = [_recipe(choice, backend) for backend, choice in served if choice.path is None]
    missing = [recipe for recipe in recipes if not env.is_current(recipe)]
    if missing:
        if not _agreed(request, missing, say):
            commands = "\n".join(f"  {recipe.command}" for recipe in missing)
            raise UnavailableError(
                f"not made yet: {', '.join(recipe.label for recipe in missing)}. Add --yes to make "
                f"what is missing, or run\n{commands}"
            )
        env.make_all(missing, say=say)
    for recipe in recipes:
        if (own := env_cache.of(recipe)) is not None:
            own.use()


def _make_missing(request: Request, problems: Mapping[str, str], say: Say, *, asked: bool) -> None:
    """Make an environment for each backend that has none.

    Raises:
        UnavailableError: if the user does not agree, or cannot be asked: with what was looked at,
            and the commands.
    """
    from harness.cli import env

    recipes = [Recipe(backend=backend, python=env_cache.this_python()) for backend in problems]
    if not _agreed(request, recipes, say):
        told = [f"{backend}: {problem}" for backend, problem in problems.items()]
        nothing = ["no backend can run here.", *told]
        raise UnavailableError(next(iter(problems.values())) if asked else "\n".join(nothing))
    env.make_all(recipes, say=say)


def _agreed(request: Request, recipes: Sequence[Recipe], say: Say) -> bool:
    from harness.cli import env

    if getattr(request, "dry_run", False):  # a plan changes nothing
        return False
    return env.agreed(recipes, yes=request.yes, say=say)
