"""Tables beside the measurements, where they are asked for: PyRadiomics' features, the place among
a reference group, what other slices of the series show."""

from __future__ import annotations

import contextlib
from dataclasses import asdict
from functools import lru_cache

import pydicom

from spinetk.batch_options import Options, Progress
from spinetk.cohort.long_table import values_of_rows
from spinetk.cohort.reference import groups_of, read_reference, standings
from spinetk.errors import NothingFound
from spinetk.measures.full_radiomics import extractor, full_radiomics
from spinetk.measures.table import Row, measurements
from spinetk.measures.through_slices import on_best_slices, over_slices
from spinetk.network.loaded import LoadedModel
from spinetk.pipeline import segment
from spinetk.solids import OutlinedSlice
from spinetk.study import Frame, Segmentation

# a process does many series of one run
_reference = lru_cache(maxsize=1)(read_reference)
_extractor = lru_cache(maxsize=1)(extractor)


def more_tables(
    result: Segmentation, loaded: LoadedModel, options: Options, on_progress: Progress
) -> dict[str, list[Row]]:
    """The tables that were asked for, by the file's name."""
    tables: dict[str, list[Row]] = {}
    if options.reference:
        of_result = (result.series.key, "", result.series.modality or "")
        values = values_of_rows(measurements(result), of_result)
        groups = groups_of(*_sex_and_age(result))
        found = standings(values, _reference(options.reference), groups)
        tables |= {"reference.csv": [asdict(item) for item in found]} if found else {}
    if options.pyradiomics:
        tables["pyradiomics.csv"] = full_radiomics(result, _extractor(options.pyradiomics))
    shown = [count.index for count in result.trace if count.bodies]
    if options.slices == "per-body":
        # all between: thin series are searched coarsely, structures are followed slice by slice
        indices = list(range(min(shown), max(shown) + 1)) if shown else []
        name, measure = "per_body.csv", on_best_slices
    elif options.around is not None:
        every = range(len(result.series.slices))
        near = sorted(every, key=lambda index: abs(index - result.slice_index))
        indices, name, measure = sorted(near[: options.around]), "slices.csv", over_slices
    else:
        return tables
    outlined = []
    for done, index in enumerate(sorted({*indices, result.slice_index})):
        on_progress(f"{result.series.key}, slices", done, len(indices))
        with contextlib.suppress(NothingFound):
            other = result
            if index != result.slice_index:
                other = segment(result.series, loaded, slice_choice=index, score=options.score)
            outlined.append(OutlinedSlice.of(other))
    rows = measure(result, outlined)
    return tables | ({name: rows} if rows else {})


def _sex_and_age(result: Segmentation) -> tuple[str, str]:
    """What the header of the source says; only the group that follows from it is written."""
    if not isinstance(result.slice.origin, Frame):
        return "", ""
    tags = ["PatientSex", "PatientAge"]
    header = pydicom.dcmread(
        result.slice.path, stop_before_pixels=True, specific_tags=tags, force=True
    )
    return str(header.get(tags[0]) or ""), str(header.get(tags[1]) or "")
