"""The licences of everything that the base install brings, or an extra beside it:

python tools/licences.py [serve ...]

Prints a Markdown table, by what each installed package says of itself.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from importlib.metadata import Distribution, distribution

from packaging.requirements import Requirement


def base_install(name: str = "spinetk", extras: Sequence[str] = ()) -> dict[str, Distribution]:
    """The packages that a package needs, and those that they need, by name.

    Args:
        extras: of the package, that are wanted, too.
    """
    waiting, found = [(name, extra) for extra in ("", *extras)], {}
    while waiting:
        key = waiting.pop()
        if key in found:
            continue
        found[key] = distribution(key[0])
        for text in found[key].requires or []:
            needed = Requirement(text)
            if needed.marker is None or needed.marker.evaluate({"extra": key[1]}):
                own = re.sub(r"[-_.]+", "-", needed.name).lower()
                waiting += [(own, extra) for extra in ("", *needed.extras)]
    return {own: package for (own, _), package in sorted(found.items())}


def licence_of(package: Distribution) -> str:
    """What a package says of its licence: as an expression, in the classifiers, or in words."""
    about = package.metadata
    classified = [
        text.rpartition(" :: ")[2]
        for text in about.get_all("Classifier") or []
        if text.startswith("License")
    ]
    said = about.get("License-Expression") or ", ".join(classified) or about.get("License") or ""
    return said.splitlines()[0] if said else "not said"


if __name__ == "__main__":
    print("| package | version | licence |\n|---|---|---|")
    for own, package in base_install(extras=sys.argv[1:]).items():
        print(f"| {own} | {package.version} | {licence_of(package)} |")
