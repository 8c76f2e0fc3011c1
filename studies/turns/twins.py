"""Does one backend under two names get a verdict in turns, alone or beside busy processes?

    python studies/turns/twins.py FOLDER [--times 20] [--busy] [--budget 3m] [--env jax=.tox/jax …]

The backends follow one another from campaign to campaign (``--backends``). ``--busy`` runs each
beside the processes of ``studies/twins/busy.py``, other ones each time. It needs the extra report.
"""

from __future__ import annotations

from harness.backends import BACKENDS
from studies.turns.campaigns import NEVER, asked, campaign, disturbing, show
from studies.twins.twins import verdicts


def main() -> None:
    """Run what is missing, and print what all campaigns say."""
    study = asked(
        __doc__,
        times=20,
        budget={"default": "3m"},
        busy={"action": "store_true"},
        backends={"default": ",".join(BACKENDS)},
    )
    backends = study.own.backends.split(",")
    for number in range(study.times):
        options = ["--backend", backends[number % len(backends)], "--set", "twin=a,b"]
        options += ["--precision", NEVER, "--budget", study.own.budget, "--turns", "on"]
        with disturbing(study, number):
            results = study.folder / f"{number + 1:02}"
            campaign(results, [*options, *study.rest], scenario="slowed")
    show(verdicts(study.folder))


if __name__ == "__main__":
    main()
