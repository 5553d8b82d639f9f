"""Tell SpineTK's own results from anything else on disk."""

from __future__ import annotations

from pathlib import Path


def is_result(folder: Path) -> bool:
    """Whether a folder is a result that SpineTK wrote (it holds its run.json)."""
    try:
        return '"spinetk":' in (folder / "run.json").read_text(encoding="utf-8")[:200]
    except (OSError, UnicodeDecodeError):
        return False
