"""Which machine it is: the same id each time, no name in it; virtual machines by their firmware."""

from __future__ import annotations

import platform
import re

import msgspec
import pytest

from harness.probe import machine as module
from harness.probe.cpu import cpu
from harness.probe.machine import hostname, machine_id, virtualisation
from harness.records.machine import Cpu

MACHINE_ID = "0123456789abcdef0123456789abcdef"
DMI = "sys/class/dmi/id"


@pytest.fixture
def processor() -> Cpu:
    return Cpu(
        model="Test CPU", architecture="x86_64", logical_cores=8, physical_cores=4, affinity=[0, 1]
    )


def test_the_id_stays_the_same_and_says_nothing(machine, processor):
    root = machine({"etc/machine-id": f"{MACHINE_ID}\n"})
    first = machine_id(processor, root)
    assert first == machine_id(processor, root)
    assert len(first) == 12
    assert first not in MACHINE_ID


def test_another_machine_has_another_id(machine, processor):
    one = machine_id(processor, machine({"etc/machine-id": MACHINE_ID}))
    assert machine_id(processor, machine({"etc/machine-id": MACHINE_ID[::-1]})) != one


def test_another_processor_is_another_machine(machine, processor):
    root = machine({"etc/machine-id": MACHINE_ID})
    other = msgspec.structs.replace(processor, logical_cores=16)
    assert machine_id(other, root) != machine_id(processor, root)


def test_being_confined_to_some_cores_does_not_make_another_machine(machine, processor):
    root = machine({"etc/machine-id": MACHINE_ID})
    confined = msgspec.structs.replace(processor, affinity=[0])
    assert machine_id(confined, root) == machine_id(processor, root)


@pytest.mark.parametrize("content", ["", "uninitialized", "no id at all"])
def test_a_container_without_an_id_goes_by_its_hardware(machine, processor, monkeypatch, content):
    monkeypatch.setattr(module.platform, "system", lambda: "Linux")
    without = machine_id(processor, machine({}))
    assert machine_id(processor, machine({"etc/machine-id": content})) == without


@pytest.mark.parametrize(("node", "secret"), [(0x0242AC110002, "0242ac110002"), (1 << 40, "")])
def test_elsewhere_the_network_card_stands_in_unless_it_is_invented(
    machine, monkeypatch, node, secret
):
    monkeypatch.setattr(module.platform, "system", lambda: "Windows")
    monkeypatch.setattr(module.uuid, "getnode", lambda: node)
    assert module._secret(machine({})) == secret


def test_this_machine_has_an_id_and_a_name():
    assert machine_id(cpu()) == machine_id(cpu())
    assert hostname({"HARNESS_WITH_HOST": "1"}) == platform.node()


def test_the_name_of_a_machine_is_a_hash_unless_its_user_asks_for_it(monkeypatch, machine):
    monkeypatch.setattr(module.platform, "node", lambda: "ada-lovelaces-laptop")
    files = machine({"etc/machine-id": "0" * 32})
    told = hostname({}, files)
    assert re.fullmatch(r"host-[0-9a-f]{8}", told)
    assert told == hostname({"HOSTNAME": "x"}, files)
    assert told != hostname({}, machine({"etc/machine-id": "1" * 32}))
    assert hostname({"HARNESS_WITH_HOST": "1"}, files) == "ada-lovelaces-laptop"


@pytest.mark.parametrize(
    ("files", "kind"),
    [
        ({f"{DMI}/sys_vendor": "QEMU"}, "kvm"),
        (
            {f"{DMI}/sys_vendor": "Amazon EC2", f"{DMI}/product_name": "m5.large"},
            "kvm (Amazon EC2)",
        ),
        ({f"{DMI}/sys_vendor": "Amazon EC2", f"{DMI}/product_name": "m5.metal"}, None),
        (
            {
                f"{DMI}/sys_vendor": "Microsoft Corporation",
                f"{DMI}/product_name": "Virtual Machine",
            },
            "hyper-v",
        ),
        (
            {f"{DMI}/sys_vendor": "Microsoft Corporation", f"{DMI}/product_name": "Surface"},
            None,
        ),
        ({"sys/hypervisor/type": "xen\n"}, "xen"),
        ({"proc/cpuinfo": "flags\t: fpu hypervisor sse\n"}, "virtual machine"),
        ({"proc/cpuinfo": "flags\t: fpu sse\n"}, None),
        ({"proc/sys/kernel/osrelease": "5.15.90-microsoft-standard-WSL2"}, "wsl"),
        ({".dockerenv": ""}, "docker"),
        ({"run/systemd/container": "lxc"}, "lxc"),
        ({"proc/1/cgroup": "0::/kubepods/besteffort/pod1"}, "kubepods"),
        ({".dockerenv": "", f"{DMI}/sys_vendor": "VMware, Inc."}, "docker in vmware"),
        ({}, None),
    ],
)
def test_virtual_machines_and_containers_are_recognised(machine, files, kind):
    assert virtualisation(machine(files)) == kind
