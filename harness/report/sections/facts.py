"""A reader's questions and what the records say to each: the section below the first sentence."""

from __future__ import annotations

from collections.abc import Iterable

from harness.analysis.provenance import Machine
from harness.records.cell import Struct
from harness.report import format as fmt
from harness.report.document import Bullet, Section

KEY = "answer"

BELIEVED = "Can I believe it?"
COMPARED = "What was compared?"
NEXT = "What next?"
COSTS = "What does it cost?"


class Fact(Struct, frozen=True, kw_only=True):
    """A reader's question, and what the records say to it."""

    question: str
    text: str = ""
    command: str | None = None


def behind(found: Iterable[Fact]) -> Section:
    """Facts as the section below the first sentence."""
    bullets = [
        Bullet(text=" ".join(filter(None, (one.question, one.text))), command=one.command)
        for one in found
    ]
    return Section(key=KEY, heading="Behind this answer", bullets=bullets)


def machine_facts(machine: Machine, *, others: int) -> str:
    """Processor, accelerators, memory and system, in a line, and how many ``others`` there are."""
    facts = [
        machine.cpu,
        f"{machine.logical_cores} logical cores",
        *machine.gpus,
        f"{fmt.capacity(machine.memory_total_bytes)} memory",
        machine.os,
    ]
    more = f"; {fmt.count(others)} more in the records" if others else ""
    return f"{fmt.plain(', '.join(facts))}{more}."
