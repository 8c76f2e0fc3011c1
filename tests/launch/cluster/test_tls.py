"""Encryption: who has no certificate of the cluster's authority does not get in."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest

from harness.errors import UnavailableError
from harness.launch.cluster import serve
from harness.launch.cluster.connection import connected
from harness.launch.cluster.specification import Specification, Tls
from tests.launch.cluster.real import LEAKS
from tests.launch.cluster.real import collected as collected  # noqa: PLC0414 - a fixture

pytestmark = [
    LEAKS,
    pytest.mark.skipif(shutil.which("openssl") is None, reason="it makes certificates"),
]


def openssl(*words, folder):
    subprocess.run(["openssl", *words], cwd=folder, check=True, capture_output=True)


def certificates(folder):
    """An authority, and a certificate of it for this machine."""
    folder.mkdir()
    names = ["-newkey", "rsa:2048", "-nodes", "-days", "2"]
    openssl(
        *("req", "-x509", *names, "-subj", "/CN=ca", "-keyout", "ca.key", "-out", "ca.pem"),
        folder=folder,
    )
    openssl(
        *("req", *names[:3], "-subj", "/CN=me", "-keyout", "me.key", "-out", "me.csr"),
        folder=folder,
    )
    openssl(
        *("x509", "-req", "-in", "me.csr", "-CA", "ca.pem", "-CAkey", "ca.key"),
        *("-CAcreateserial", "-days", "2", "-out", "me.pem"),
        folder=folder,
    )
    return Tls(ca=f"{folder}/ca.pem", cert=f"{folder}/me.pem", key=f"{folder}/me.key")


def test_slots_are_reached_with_a_certificate_of_the_authority_alone(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    ours, others = certificates(tmp_path / "ours"), certificates(tmp_path / "others")
    (first, second) = serve.own_slots(2, cpus=[0], gpus=0, folder=tmp_path / "lock")
    with serve.serving([first], port=0, dashboard_port=0, tls=ours) as cluster:
        address = cluster.scheduler_address
        assert address.startswith("tls://")
        with connected(Specification(scheduler=address, wait_s=30.0, tls=ours)) as there:
            (slot,) = there.slots()
            assert there.call(slot, os.getpid)
            with serve.serving([second], address=address, tls=ours):
                assert len(there.slots(2)) == 2
        with (
            pytest.raises(UnavailableError, match="no scheduler answers"),
            connected(Specification(scheduler=address, wait_s=2.0, tls=others)),
        ):
            pytest.fail("a stranger got in")
        with (
            pytest.raises(UnavailableError, match="no scheduler answers"),
            connected(Specification(scheduler=address.replace("tls", "tcp"), wait_s=2.0, tls=None)),
        ):
            pytest.fail("somebody without a certificate got in")
        with (
            pytest.raises(UnavailableError),
            serve.serving([second], address=address, tls=others),
        ):
            pytest.fail("a stranger's slot got in")
