"""Documents quote what was measured and name what exists."""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).parents[1]
sys.path.insert(0, str(ROOT / "tools"))

from quote import documents, quoted


def test_quoted_figures_are_those_of_the_committed_files() -> None:
    stale = [p.name for p in documents() if quoted(p.read_text()) != p.read_text()]
    assert not stale, f"run make figures: {stale}"


def test_links_between_documents_lead_somewhere() -> None:
    broken = []
    for path in documents():
        for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", path.read_text()):
            if "://" not in target and not (path.parent / target).exists():
                broken.append(f"{path.name}: {target}")
    assert not broken


def test_every_command_has_its_place_in_the_reference() -> None:
    from spinetk.cli import app

    text = (ROOT / "docs" / "reference" / "command-line.md").read_text()
    for command in app.registered_commands:
        assert f"spinetk {command.callback.__name__}" in text  # type: ignore[union-attr]
