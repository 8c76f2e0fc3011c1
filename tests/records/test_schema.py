"""The published schema of a record is that of the code, and real records obey it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import msgspec

from harness.records.schema import schema

PUBLISHED = Path(__file__).parents[2] / "docs" / "record.schema.json"


def test_the_published_schema_is_that_of_the_code():
    assert PUBLISHED.read_bytes() == schema(), (
        "run: python -m harness.records.schema > docs/record.schema.json"
    )


def test_a_record_obeys_the_schema_and_a_broken_one_does_not(make_record, tmp_path):
    good = tmp_path / "good.json"
    good.write_bytes(msgspec.json.encode(make_record()))
    broken = tmp_path / "broken.json"
    broken.write_text(json.dumps(json.loads(good.read_text()) | {"status": "splendid"}))
    check = [sys.executable, "-m", "check_jsonschema", "--schemafile", str(PUBLISHED)]
    assert subprocess.run([*check, str(good)], check=False, capture_output=True).returncode == 0
    refused = subprocess.run([*check, str(broken)], check=False, capture_output=True, text=True)
    assert refused.returncode == 1
    assert "splendid" in refused.stdout
