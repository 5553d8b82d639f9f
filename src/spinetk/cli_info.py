"""`spinetk info`: what this installation is and can do."""

from __future__ import annotations

import json
import platform
from typing import Annotated, Any

import typer

import spinetk
from spinetk.cli_common import tell


def info(
    as_json: Annotated[bool, typer.Option("--json", help="As JSON, for programs.")] = False,
) -> None:
    """Say what this installation is: version, networks with their figures, formats, limits."""
    content = about()
    if as_json:
        tell(json.dumps(content, indent=1))
        return
    tell(f"SpineTK {content['spinetk']}, Python {content['python']}, {content['cores']} cores")
    for network in content["networks"]:
        tell(f"network {network['name']}: {network['date']}, {network['made_for']}")
        for row in network["figures"]:
            tell(
                f"  {row['data_set']}, {row['kind'].replace('_', ' ')}: Dice {row['dice']:.3f}, "
                f"{row['detected_percent']:.1f} % of {row['instances']} detected"
            )
    tell(f"reads {', '.join(content['reads'])}")
    tell(f"largest image in memory: {content['largest_bytes'] / 2**30:.1f} GB")


def about() -> dict[str, Any]:
    """The same as data."""
    from spinetk.cores import cores
    from spinetk.network.registry import FOR_MODALITY, find_model
    from spinetk.readers.bounds import largest_bytes
    from spinetk.readers.raster import RASTER_SUFFIXES
    from spinetk.readers.volume_files import VOLUME_SUFFIXES

    networks = []
    for modality, name in FOR_MODALITY.items():
        model = find_model(name)
        rows = model.card.get("figures", {}).get("data_sets", [])
        keep = ("data_set", "kind", "patients", "instances", "detected_percent", "dice")
        networks.append(
            {
                "name": name,
                "made_for": modality,
                "date": model.card.get("date"),
                "sha256": model.sha256,
                "classes": list(model.classes),
                "figures": [
                    {k: row[k] for k in keep} for row in rows if row.get("slices") == "all"
                ],
            }
        )
    return {
        "spinetk": spinetk.__version__,
        "python": platform.python_version(),
        "cores": cores(),
        "networks": networks,
        "reads": ["DICOM", *VOLUME_SUFFIXES, *RASTER_SUFFIXES],
        "largest_bytes": largest_bytes(),
    }
