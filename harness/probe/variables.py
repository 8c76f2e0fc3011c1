"""Environment variables as they may be shared: records are published, secrets and homes are not."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from harness.probe import files
from harness.probe.machine import digest

REDACTED = "<redacted>"

SECRET_WORDS = ("TOKEN", "SECRET", "PASSWORD", "PASSWD", "KEY", "CREDENTIAL")
"""A variable with one of these anywhere in its name has its value withheld.

``MONKEY`` is withheld too: a lost value costs nothing, a published one cannot be called back.
"""

PLACE = "<a place on this machine>"

PLACES = frozenset(
    [
        "APPDATA",
        "HOME",
        "KERAS_HOME",
        "LOCALAPPDATA",
        "PATH",
        "TEMP",
        "TMP",
        "TMPDIR",
        "USERPROFILE",
    ]
)
"""Only tell whose machine it was and how its folders are called; neither changes a measurement.

``LD_LIBRARY_PATH`` stays: it decides which CUDA is found."""

CHANGES_A_MEASUREMENT = re.compile(
    r"""(XLA|JAX|TF|KERAS|TORCH|TORCHINDUCTOR|PYTORCH|OMP|KMP|GOMP|MKL|OPENBLAS|BLIS|VECLIB|NUMEXPR
    |DNNL|ONEDNN|CUBLAS|CUDNN|NCCL|MALLOC|TCMALLOC|CUDA_CACHE)_\w+
    |PYTHON(PATH|HOME|OPTIMIZE|MALLOC|DEVMODE|TRACEMALLOC|_GIL|_JIT)
    |NPROC|LD_PRELOAD|GLIBC_TUNABLES|NVIDIA_TF32_OVERRIDE
    |CUDA_LAUNCH_BLOCKING|CUDA_MODULE_LOADING|CUDA_DEVICE_MAX_CONNECTIONS""",
    re.VERBOSE,
)
"""Names whose values a reader of a measurement needs, and no password has."""

_SHOWN = re.compile(
    r"""PYTHON(HASHSEED|NOUSERSITE|UTF8|UNBUFFERED|FAULTHANDLER)|LANG|LC_\w+|LD_LIBRARY_PATH
    |CUDA_(VISIBLE_DEVICES|DEVICE_ORDER)|SYSTEMROOT|SYSTEMDRIVE|WINDIR|COMSPEC|PATHEXT""",
    re.VERBOSE,
)
"""Others that every trial gets, or may get unasked."""

_LOGIN_IN_URL = re.compile(r"(?<=://)[^/\s@]+@")
_QUERY_OF_URL = re.compile(r"(://[^\s?#]*)[?#]\S*")


def redacted(variables: Mapping[str, str], root: Path = files.ROOT) -> dict[str, str]:
    """``variables`` sorted by name, without the values that may be a secret or tell who measured.

    A value is shown where its name is known to change a measurement; logins and signatures inside
    of URLs are withheld there too. Of every other one a hash tells whether it was the same
    (:func:`harness.probe.machine.digest`); those that name places tell nothing.
    """
    return {name: _shareable(name, value, root) for name, value in sorted(variables.items())}


def _shareable(name: str, value: str, root: Path) -> str:
    if name.upper() in PLACES or name.upper().startswith("HARNESS_"):
        return PLACE
    secret = any(word in name.upper() for word in SECRET_WORDS)
    known = CHANGES_A_MEASUREMENT.fullmatch(name) or _SHOWN.fullmatch(name)
    if secret or not known:
        return f"<withheld, {digest(value, root)}>"
    return _QUERY_OF_URL.sub(rf"\1?{REDACTED}", _LOGIN_IN_URL.sub(f"{REDACTED}@", value))
