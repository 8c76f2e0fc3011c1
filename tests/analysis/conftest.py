"""Lets these tests import the simulator that lies beside them, as the study script does."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent))
