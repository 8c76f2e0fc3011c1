"""Which machine this is: an anonymous id, its host name, and whether it is a virtual one."""

from __future__ import annotations

import hashlib
import hmac
import platform
import re
import uuid
from collections.abc import Mapping
from pathlib import Path

from harness.probe import files
from harness.probe.cpu import parse_cpuinfo
from harness.probe.memory import of_machine
from harness.records.machine import Cpu

_VENDORS = {
    # Text in the vendor or product name of the firmware, and what it stands for; the first counts.
    "qemu": "kvm",
    "kvm": "kvm",
    "google compute engine": "kvm (Google Compute Engine)",
    "amazon ec2": "kvm (Amazon EC2)",
    "openstack": "kvm (OpenStack)",
    "vmware": "vmware",
    "virtualbox": "virtualbox",
    "innotek": "virtualbox",
    "xen": "xen",
    "parallels": "parallels",
    "bhyve": "bhyve",
    "virtual machine": "hyper-v",  # Microsoft's product name; its vendor also makes laptops
}


def machine_id(cpu: Cpu, root: Path = files.ROOT) -> str:
    """Twelve hexadecimal digits that stay the same on one machine, and tell nothing about it.

    They are a keyed hash of the CPU model, the number of logical cores and the memory in GiB, the
    key being the id in /etc/machine-id, which machine-id(5) asks never to show unhashed. Elsewhere
    than on Linux the network card's address takes its place. So a machine that gets more memory
    is a new one, which is right: it may be faster.

    Two limits: machines cloned from one image with one hardware may share an id, and in a container
    without /etc/machine-id all machines of one hardware do.
    """
    # In whole GiB: what the kernel keeps for itself differs a little from boot to boot.
    memory_gib = round(of_machine()[0] / 2**30)
    facts = f"{cpu.model}|{cpu.architecture}|{cpu.logical_cores}|{memory_gib}"
    return hmac.new(_secret(root).encode(), facts.encode(), hashlib.sha256).hexdigest()[:12]


_WITHHELD = re.compile(r"host-[0-9a-f]{8}|unknown")

WITH_HOST_VARIABLE = "HARNESS_WITH_HOST"
"""Set by ``--with-host``: records then hold the name, which often is that of a person."""


def hostname(variables: Mapping[str, str], root: Path = files.ROOT) -> str:
    """A hash of the machine's name in the network, or the name if ``variables`` ask for it."""
    name = platform.node() or "unknown"
    return name if variables.get(WITH_HOST_VARIABLE) else withheld(name, root)


def withheld(name: str, root: Path = files.ROOT) -> str:
    """A hash in place of the name of a machine, which may be such a hash already."""
    return name if _WITHHELD.fullmatch(name) else f"host-{digest(name, root)}"


def digest(text: str, root: Path = files.ROOT) -> str:
    """Eight hexadecimal digits that tell on one machine whether two texts are the same.

    Keyed with the machine's id, so that nobody elsewhere finds a short text by trying.
    """
    return hmac.new(
        _secret(root).encode(), text.encode("utf-8", "surrogateescape"), hashlib.sha256
    ).hexdigest()[:8]


def virtualisation(root: Path = files.ROOT) -> str | None:
    """What stands between this process and the hardware: ``kvm``, ``docker in kvm``, ``docker``.

    ``None`` means that no virtual machine and no container could be recognised.
    """
    container, machine = _container(root), _virtual_machine(root)
    if container and machine:
        return f"{container} in {machine}"
    return container or machine


def _secret(root: Path) -> str:
    for place in ("etc/machine-id", "var/lib/dbus/machine-id"):
        content = files.text(root / place)
        # systemd writes "uninitialized" into images that have not booted yet.
        if content and re.fullmatch(r"[0-9a-f]{32}", content):
            return content
    if platform.system() == "Linux":
        return ""  # a container: its network address changes with each start, so it would not do
    node = uuid.getnode()
    invented = node >> 40 & 1  # the multicast bit: uuid found no card and drew a random number
    return "" if invented else f"{node:012x}"


def _virtual_machine(root: Path) -> str | None:
    if "microsoft" in (files.text(root / "proc/sys/kernel/osrelease") or "").lower():
        return "wsl"
    firmware = root / "sys/class/dmi/id"
    product = files.text(firmware / "product_name") or ""
    described = f"{files.text(firmware / 'sys_vendor') or ''} {product}".lower()
    if product.endswith(".metal"):
        return None  # Amazon's bare-metal machines carry the vendor of its virtual ones
    for text, kind in _VENDORS.items():
        if text in described:
            return kind
    if hypervisor := files.text(root / "sys/hypervisor/type"):
        return hypervisor
    flags = parse_cpuinfo(files.text(root / "proc/cpuinfo") or "").get("flags", "")
    return "virtual machine" if "hypervisor" in flags.split() else None


def _container(root: Path) -> str | None:
    if (root / ".dockerenv").exists():
        return "docker"
    if (root / "run/.containerenv").exists():
        return "podman"
    # systemd's convention for all others (https://systemd.io/CONTAINER_INTERFACE)
    if (kind := files.text(root / "run/systemd/container")) is not None:
        return kind or "container"
    groups = files.text(root / "proc/1/cgroup") or ""
    for kind in ("docker", "kubepods", "lxc"):
        if f"/{kind}" in groups:
            return kind
    return None
