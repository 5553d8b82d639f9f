"""Segment one series of a run and write what it gives; one that fails takes no other with it."""

from __future__ import annotations

import hashlib
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

from spinetk.batch_options import Options, Outcome, Progress, options_of
from spinetk.debugging import unexpected
from spinetk.errors import NothingFound, SpineError
from spinetk.hounsfield import with_units_checked
from spinetk.measures.table import Row
from spinetk.more_tables import more_tables
from spinetk.network.loaded import LoadedModel, load_model, model_for
from spinetk.orientation import VIEWS
from spinetk.pipeline import segment
from spinetk.readers import FoundSeries
from spinetk.readers.pixel_store import StoredSlices
from spinetk.results.folders import summary_row
from spinetk.results.keys import slice_key, volume_key
from spinetk.results.record import is_whole
from spinetk.results.write import write_result
from spinetk.solids import OutlinedSlice
from spinetk.study import NO_SPACING, SPACING_MISSING, Segmentation, Series
from spinetk.warning import Warning
from spinetk.writers.volume_outputs import write_volume

FULL_BYTES = 2**20


def segment_found(
    found: FoundSeries,
    out: Path,
    options: Options,
    models: dict[str, LoadedModel],
    on_progress: Progress = lambda text, done, total: None,
    threads: int | None = None,
) -> Outcome:
    """Read, segment and write one series.

    Args:
        models: those that are loaded by now, by name; this one is added.
    """
    outcome = Outcome()
    options = options_of(options, found.place)
    with _failure_noted(found.key, outcome):
        series, refused = found.load()
        outcome.refuse(refused)
        if series is None:
            return outcome
        outcome.read = 1
        asked = _as_asked(series, options)
        if options.model is None:
            name, asked = model_for(asked, options.modality)
        else:
            name, asked = options.model, replace(asked, modality=options.modality or asked.modality)
        asked = with_units_checked(asked)
        if name not in models:
            models[name] = load_model(name, threads, options.device)
        known = models[name].model.input_sides
        if asked.modality is not None and asked.modality not in known:
            text = f"the network {name} was not made for {asked.modality} (but {', '.join(known)})"
            warning = Warning("other-modality-network", text)
            asked = replace(asked, warnings=(*asked.warnings, warning))
        _segment_parts(asked, models[name], out, options, outcome, on_progress)
        for row in outcome.done:
            row["source"] = str(found.place)
    return outcome


def _as_asked(series: Series, options: Options) -> Series:
    """The series with what the user says of it: a spacing where it has none, and a warning where
    the modality is another than the file's."""
    series = replace(series, warnings=(*series.warnings, *options.told))
    if options.modality and series.modality not in (None, options.modality):
        text = f"taken for {options.modality}; the file says {series.modality}"
        warning = Warning("modality-changed", text)
        series = replace(series, warnings=(*series.warnings, warning))
    if options.view is not None and series.slices[0].directions is None:
        facing = VIEWS[options.view]
        slices = tuple(replace(item, facing=facing) for item in series.slices)
        series = replace(series, slices=slices)
    if options.spacing is None:
        return series
    if series.spacing_source is not None:
        text = f"the spacing given is not used: the file says it ({series.spacing_source})"
        warning = Warning("spacing-not-used", text)
        return replace(series, warnings=(*series.warnings, warning))
    return replace(
        series,
        slices=series.slices.with_spacing(options.spacing)
        if isinstance(series.slices, StoredSlices)
        else tuple(replace(item, spacing=options.spacing) for item in series.slices),
        spacing_source="given",
        warnings=tuple(w for w in series.warnings if w not in (NO_SPACING, SPACING_MISSING)),
    )


def _segment_parts(
    series: Series,
    loaded: LoadedModel,
    out: Path,
    options: Options,
    outcome: Outcome,
    on_progress: Progress,
) -> None:
    """Segment a series or, where all are asked for, each slice; those that show nothing are passed
    over.

    Raises:
        NothingFound: nothing was found on any slice.
    """
    nothing: NothingFound | None = None
    outlined: list[OutlinedSlice] = []
    for item, choice in _parts(series, options):
        if options.keep and is_whole(out / item.key):
            outcome.kept.append(item.key)
            continue
        # what comes there meanwhile is another run's
        new = not options.overwrite and not (out / item.key).exists()
        with _failure_noted(item.key, outcome):
            try:
                result = _segmented(item, choice, loaded, options, on_progress)
                tables = more_tables(result, loaded, options, on_progress)
                if options.reference and "reference.csv" not in tables:
                    text = "reference.csv was not written: the group has none of these measures"
                    outcome.told.append((item.key, text))
                if options.around is not None and "slices.csv" not in tables:
                    text = "slices.csv was not written: no other slice shows the same structures"
                    outcome.told.append((item.key, text))
                outcome.done.append(_written(result, loaded, out, options, tables, new=new))
                if options.slices == "all":
                    outlined.append(OutlinedSlice.of(result))
            except NothingFound as error:
                nothing = error
    if nothing is not None and not outcome.done and not outcome.kept:
        raise nothing
    key = volume_key(series.key)
    if options.slices == "all" and outcome.kept and not (out / key).exists():
        # the slices that were there are not outlined anew, and a part is no volume
        text = "not made where slices were kept: run all of them anew with --overwrite"
        outcome.told.append((key, text))
    if len(outlined) > 1 and not outcome.kept:
        with _failure_noted(key, outcome):
            asked = _asked(loaded, options)
            formats = options.formats
            missing = write_volume(out / key, series, outlined, loaded.model, formats, asked)
            outcome.told += [(key, warning.text) for warning in missing]


@contextmanager
def _failure_noted(key: str, outcome: Outcome) -> Iterator[None]:
    """Note an error as this series' failure and go on: one series never stops the others."""
    try:
        yield
    except SpineError as error:
        outcome.failed.append((key, error.about(key)))
    except OSError as error:
        outcome.failed.append((key, _of_the_system(error)))
    except Exception as error:  # its words may quote the header
        outcome.failed.append((key, unexpected(error)))


def _of_the_system(error: OSError) -> str:
    """What went wrong; a full disk is said to be which."""
    temporary = Path(tempfile.gettempdir())
    if shutil.disk_usage(temporary).free < FULL_BYTES:
        return f"no space left in the temporary folder {temporary}; TMPDIR names another"
    return error.strerror or f"cannot be written: is the disk full? ({type(error).__name__})"


def _parts(series: Series, options: Options) -> list[tuple[Series, Literal["auto"] | int]]:
    """The series as it is, or where all slices are asked for each under a key of its own."""
    if options.slices == "per-body":
        return [(series, "auto")]
    if options.slices != "all":
        return [(series, options.slices)]
    return [
        (replace(series, key=slice_key(series.key, index)), index)
        for index in range(len(series.slices))
    ]


def _segmented(
    series: Series,
    choice: Literal["auto"] | int,
    loaded: LoadedModel,
    options: Options,
    on_progress: Progress,
) -> Segmentation:
    """Segment one series, or one slice of it."""
    return segment(
        series,
        loaded,
        slice_choice=choice,
        score=options.score,
        anchor=options.anchor,
        on_slice=lambda done, total: on_progress(series.key, done, total),
    )


def _asked(loaded: LoadedModel, options: Options) -> dict[str, Any]:
    """The options of a result, as its record keeps them."""
    return {
        "modality": options.modality or "auto",
        "slice": options.slices,
        "slices_around": options.around,
        "pyradiomics_sha256": _hash(options.pyradiomics),
        "reference_sha256": _hash(options.reference),
        "format": list(options.formats),
        "score": loaded.model.score_threshold if options.score is None else options.score,
        "view": options.view,
        "spacing_mm": list(options.spacing) if options.spacing else None,
        "anchor": "=".join(map(str, options.anchor)) if options.anchor else None,
    }


def _hash(path: Path | None) -> str | None:
    return hashlib.sha256(path.read_bytes()).hexdigest() if path else None


def _written(
    result: Segmentation,
    loaded: LoadedModel,
    out: Path,
    options: Options,
    tables: dict[str, list[Row]],
    *,
    new: bool,
) -> dict[str, Any]:
    """Write a result; returns its row of the summary."""
    asked = _asked(loaded, options)
    formats = options.formats
    return summary_row(write_result(out, result, loaded.model, asked, formats, tables, new=new))
