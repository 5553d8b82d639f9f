"""Copy measured tables into the documents: `make figures`.

A block `<!-- quote: PATH -->` ... `<!-- end quote -->` in README.md or docs/ is replaced by the content
of PATH (relative to the project), so that no figure in a document is typed by hand.
"""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
BLOCK = re.compile(r"(<!-- quote: (\S+) -->\n).*?(<!-- end quote -->)", re.DOTALL)


def quoted(text: str) -> str:
    """The text with every block filled anew."""
    return BLOCK.sub(
        lambda m: m[1] + (ROOT / m[2]).read_text().strip() + "\n" + m[3],
        text,
    )


def documents() -> list[Path]:
    return [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]


if __name__ == "__main__":
    for path in documents():
        text = path.read_text()
        if quoted(text) != text:
            path.write_text(quoted(text))
            print(f"{path.relative_to(ROOT)}: figures renewed")
