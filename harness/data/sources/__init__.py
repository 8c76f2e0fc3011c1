"""The places that MovieLens can be had from, in the order in which ``auto`` tries them."""

from harness.data.sources.archive import ArchiveSource
from harness.data.sources.base import Source, SourceError
from harness.data.sources.mirror import MirrorSource
from harness.data.sources.tfds import TfdsSource

SOURCES: dict[str, Source] = {
    source.name: source for source in (TfdsSource(), ArchiveSource(), MirrorSource())
}

__all__ = ["SOURCES", "Source", "SourceError"]
