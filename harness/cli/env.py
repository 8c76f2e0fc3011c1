"""``harness env``: environments of the harness's own, made from the pins that it brings along."""

# Without `from __future__ import annotations`: texts would have to be evaluated at every start.

import re
import sys
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli.command import Command
from harness.errors import HarnessError, UnavailableError

if TYPE_CHECKING:
    from harness.launch.env_cache import Own, Recipe

Say = Callable[[str], None]

app = typer.Typer(
    help="Virtual environments of the harness's own, one for each backend.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]
InstallerOption = Annotated[
    str,
    typer.Option(
        "--installer",
        metavar="NAME",
        help="auto, uv or pip. auto is uv where it is installed, and pip for torch, whose build "
        "for CPUs comes from where pip's configuration says.",
    ),
]


@app.command(cls=Command)
def make(
    names: Annotated[
        list[str],
        typer.Argument(metavar="NAMES", help="jax, tf, torch, or jax-gpu, tf-gpu, torch-gpu."),
    ],
    beside: Annotated[
        list[str] | None,
        typer.Option(
            "--with",
            metavar="REQUIREMENTS",
            help="Packages to add, or to use in place of a pin, such as keras==3.14.0; repeatable.",
        ),
    ] = None,
    python: Annotated[
        str | None,
        typer.Option("--python", metavar="VERSION", help="Such as 3.12. Default: this one."),
    ] = None,
    installer: InstallerOption = "auto",
    yes: Yes = False,
) -> None:
    """Make environments, each whole or not at all.

    They lie below the user's cache folder (HARNESS_CACHE_DIR moves it), and every command that
    trains finds them. One that is there stays as it is; `harness env update` makes it again.

    Exit codes: 0; 2 a mistake in the command; 3 one cannot be made, or nobody agreed to it.
    """
    from harness.cli import parse
    from harness.launch import env_make

    recipes = _recipes(names, parse.parse_requirements("--with", beside or []), python)
    missing = [recipe for recipe in recipes if not is_current(recipe)]
    for recipe in recipes:
        if recipe not in missing:
            _say(f"{recipe.label}: it is there")
    if missing:
        chosen = _installer(installer)
        for recipe in missing:
            if env_make.choose(recipe, chosen) == "pip":  # uv gets a Python that is not there
                env_make.interpreter(recipe.python)
        if not agreed(missing, yes=yes, say=_say):
            raise UnavailableError(_not_agreed("harness env make …"))
        make_all(missing, installer=chosen, say=_say)


@app.command(cls=Command, name="list")
def list_(
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON document.")] = False,
) -> None:
    """List the environments with versions, size and last use.

    Exit codes: 0.
    """
    import msgspec

    from harness.launch import env_cache

    there = env_cache.everything()
    if as_json:
        document = [
            {
                "folder": str(own.folder),
                "used_at": own.used_at,
                **msgspec.to_builtins(own.description),
            }
            for own in there
        ]
        typer.echo(msgspec.json.format(msgspec.json.encode(document), indent=2).decode())
        return
    if not there:
        _say(f"none yet in {env_cache.root()}: `harness env make jax tf torch` makes them")
    for line in _lines(there):
        _say(line)
    for folder in env_cache.leftovers():
        _say(f"{folder.name}: not whole, since it was not made to the end; `harness env make` does")


@app.command(cls=Command)
def remove(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[NAMES]", help="As `harness env list` has them, or jax for all of it."
        ),
    ] = None,
    everything: Annotated[bool, typer.Option("--all", help="All of them.")] = False,
    yes: Yes = False,
) -> None:
    """Remove environments.

    Exit codes: 0; 2 a name that is none; 3 nobody agreed to it, or one cannot be removed.
    """
    from harness.launch import env_cache

    chosen = _chosen(names or [], everything=everything)
    if not names and not everything:
        raise HarnessError("no environment is named: write its name, or --all")
    for line in _lines(chosen):
        _say(line)
    if chosen and not (yes or confirmed("Remove them?")):
        raise UnavailableError(_not_agreed("harness env remove …"))
    for own in chosen:
        with env_cache.alone(own.description.recipe) as folder:
            env_cache.remove(folder)
        _say(f"{own.folder.name}: removed")
    if everything:
        for folder in env_cache.leftovers():
            env_cache.remove(folder)


@app.command(cls=Command)
def update(
    names: Annotated[
        list[str] | None,
        typer.Argument(metavar="[NAMES]", help="As `harness env list` has them. Default: all."),
    ] = None,
    installer: InstallerOption = "auto",
    yes: Yes = False,
) -> None:
    """Make environments again that are out of date.

    That is one whose harness or pins are not those of now; a named one is made again in any case.

    Exit codes: 0; 2 a name that is none; 3 one cannot be made, or nobody agreed to it.
    """
    chosen = _chosen(names or [], everything=not names)
    recipes = [
        own.description.recipe
        for own in chosen
        if names or not is_current(own.description.recipe) or _pins_moved(own)
    ]
    if not recipes:
        _say("all are as the pins have them" if chosen else "there is none yet")
        return
    if not agreed(recipes, yes=yes, say=_say):
        raise UnavailableError(_not_agreed("harness env update …"))
    make_all(recipes, installer=_installer(installer), anew=True, say=_say)


def is_current(recipe: "Recipe") -> bool:
    """Whether the environment is there, with this very harness in it."""
    import harness
    from harness.launch import env_cache, env_wheel

    own = env_cache.of(recipe)
    if own is None:
        return False
    return own.description.harness == harness.__version__ and (
        own.description.live == env_wheel.is_checkout()
    )


def agreed(recipes: Sequence["Recipe"], *, yes: bool, say: Say) -> bool:
    """Say what would be made, how large and how soon, and ask; ``False`` if nobody is there."""
    from harness.launch import env_cache
    from harness.launch.env_make import EXPECTED, added

    for recipe in recipes:
        takes = EXPECTED[recipe.extra.removesuffix("-gpu")].told
        more = ", and several gigabytes of CUDA" if recipe.gpu and "CUDA" not in takes else ""
        if beside := added(recipe):
            more += f", and what {' and '.join(beside)} take{'s' if len(beside) == 1 else ''}"
        say(f"to be made: {recipe.label}, {takes}{more}, in {env_cache.root() / recipe.key}")
    return yes or confirmed("Make them now?" if len(recipes) > 1 else "Make it now?")


def make_all(
    recipes: Sequence["Recipe"], *, installer: str = "auto", anew: bool = False, say: Say
) -> None:
    """Make environments, one after the other.

    Raises:
        UnavailableError: if one cannot be made; those before it stay.
    """
    from harness.launch import env_make

    for recipe in recipes:
        outdated = anew or not is_current(recipe)
        env_make.make(recipe, installer=installer, anew=outdated, say=say)


def _recipes(names: Sequence[str], beside: tuple[str, ...], python: str | None) -> list["Recipe"]:
    from harness.backends import FACTS
    from harness.cli import parse
    from harness.launch import env_cache
    from harness.launch.env_cache import Recipe
    from harness.words import unknown

    if python is not None and not re.fullmatch(r"3\.\d{1,2}", python):
        raise HarnessError(f"--python {python} is not a version of Python: write such as 3.12")
    valid = {
        f"{facts.tox_name}{gpu}": (b, bool(gpu))
        for b, facts in FACTS.items()
        for gpu in ("", "-gpu")
    }
    valid |= {backend: (backend, False) for backend in FACTS}
    words = [part for name in names for part in name.split(",") if part]
    for name in words:
        if name not in valid:
            raise HarnessError(unknown("environment", name, list(valid)))
    parse.each_once("harness env make", words)
    return [
        Recipe(
            backend=valid[name][0],
            gpu=valid[name][1],
            python=python or env_cache.this_python(),
            requirements=beside,
        )
        for name in words
    ]


def _chosen(names: Sequence[str], *, everything: bool) -> list["Own"]:
    from harness.launch import env_cache
    from harness.words import unknown

    there = env_cache.everything()
    if everything:
        return there
    known = {own.folder.name for own in there} | {own.description.recipe.extra for own in there}
    for name in names:
        if name not in known:
            raise HarnessError(
                unknown("environment", name, sorted(known))
                if known
                else f"there is no environment {name}: `harness env make` makes one"
            )
    return [own for own in there if {own.folder.name, own.description.recipe.extra} & set(names)]


def _installer(name: str) -> str:
    from harness.cli import parse
    from harness.launch.env_make import INSTALLERS

    return parse.parse_one("installer", name, INSTALLERS)


def _pins_moved(own: "Own") -> bool:
    """Whether a package is installed in another version than the pins have now."""
    from harness.launch import env_make

    pinned = dict(line.split("==") for line in env_make.pins(own.description.recipe))
    from harness.probe.software import normalised

    installed = own.description.packages
    return any(
        installed.get(normalised(name), version).partition("+")[0] != version
        for name, version in pinned.items()
    )


def _lines(there: Sequence["Own"]) -> Iterator[str]:
    from harness.backends import package_set
    from harness.report import format as fmt

    for own in there:
        made = own.description
        backend = made.recipe.backend
        versions = package_set(backend, made.recipe.python, made.packages)
        told = ", ".join(f"{name} {version}" for name, version in versions.items())
        harness_ = "this checkout" if made.live else f"harness {made.harness}"
        stale = "" if is_current(made.recipe) else "; not this harness: `harness env update`"
        yield fmt.plain(
            f"{own.folder.name}: {made.recipe.label}; {told}; {harness_}; "
            f"{made.size_bytes / 1e6:,.0f} MB; by {made.installer}; "
            f"last used {own.used_at:%Y-%m-%d}{stale}",
            limit=2_000,
        )


def confirmed(question: str) -> bool:
    """The answer of whoever sits there; no if nobody does."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return False
    return typer.confirm(question, default=True, err=True)


def _not_agreed(command: str) -> str:
    return f"nothing was done: `{command} --yes` does it without a question"


def _say(line: str) -> None:
    typer.echo(line, err=False)
