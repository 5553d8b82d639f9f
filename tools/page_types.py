"""Write web/openapi.json, from which the page's types are made (`make page`)."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path
from typing import Any

from spinetk.server.app import create_app
from spinetk.server.settings import Settings

PLACE = Path(__file__).parents[1] / "web" / "openapi.json"


def description() -> dict[str, Any]:
    """What the server says of itself, without the version, which says nothing of the types."""
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(Settings(Path(folder) / "jobs"))
        content = app.openapi()
        app.state.spinetk.store.close()
    content["info"]["version"] = ""
    return content


def text() -> str:
    return json.dumps(description(), indent=1, sort_keys=True) + "\n"


if __name__ == "__main__":
    PLACE.write_text(text())
