"""Notes on processes that took turns: whoever waits for a turn is to leave the processors alone."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

from harness.analysis.notes.note import Note, note, rung_name
from harness.analysis.rows import Group
from harness.records.trial import Record
from harness.words import listed

BUSY_SHARE = 0.01
"""CPU time spent while waiting, as a share of the time waited, which is the time of others' turns:
beyond 1% of one core it is more than what differs between two turns anyway."""


def busy_waiting(groups: Sequence[Group]) -> Iterator[Note]:
    """Cells whose processes used the processors while others had their turns."""
    busy: dict[str, list[float]] = defaultdict(list)
    for group in groups:
        shares = [share for record in group.trials if (share := waiting_share(record)) is not None]
        if above := [share for share in shares if share > BUSY_SHARE]:
            busy[rung_name(group.row)] += above
    if busy:
        names = [f"{name} up to {max(shares):.0%} of a core" for name, shares in busy.items()]
        yield note(
            "busy-waiting",
            "busy while waiting",
            f"Processes that waited for their turns were not idle ({listed(names)}), so the turns "
            "of the others may be slower than alone. The option --turns off runs one at a time.",
        )


def waiting_share(record: Record) -> float | None:
    """CPU time while it waited, as a share of that time; ``None`` for one that waited for none."""
    if record.turns is None or not record.took_turns or record.turns.waited_s <= 0:
        return None
    return record.turns.waiting_cpu_s / record.turns.waited_s
