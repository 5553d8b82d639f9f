"""Pages over several results: one look, each a file that needs no other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import jinja2

from spinetk.atomic import whole_file

_environment = jinja2.Environment(loader=jinja2.PackageLoader("spinetk.cohort"), autoescape=True)


def write_html(path: Path, template: str, **values: Any) -> None:
    """Write a page; what is no text in the records that it shows is replaced.

    Args:
        template: name of a file in `templates/`.
    """
    page = _environment.get_template(template).render(values)
    with whole_file(path) as partial:
        partial.write_text(page, encoding="utf-8", errors="replace")
