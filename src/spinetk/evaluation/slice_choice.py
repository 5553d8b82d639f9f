"""Compare the selected slice of each series with the one that the annotation would choose."""

from __future__ import annotations

from collections.abc import Sequence

from spinetk.datasets.annotated import BODY, AnnotatedImage
from spinetk.evaluation.compare import as_slice
from spinetk.evaluation.rows import SliceResult
from spinetk.network.loaded import LoadedModel
from spinetk.search import detect
from spinetk.selection import select_slice
from spinetk.structures import SPINE_CLASSES


def compare_selection(
    images: Sequence[AnnotatedImage], loaded: LoadedModel, threshold: float
) -> list[SliceResult]:
    """Select a slice in each series of which every slice is in the data (and there are several).

    The reference is the slice with the most labelled bodies, ties by their area. A series whose
    reference slice lacks annotations is left out: another might show more.
    """
    by_series: dict[tuple[str, str], list[AnnotatedImage]] = {}
    for image in images:
        if BODY in image.labelled_categories:
            by_series.setdefault((image.dataset, image.series), []).append(image)
    results = []
    for (_, series), members in sorted(by_series.items()):
        members.sort(key=lambda i: i.slice_index)
        every = list(range(members[0].n_slices))
        if len(every) < 2 or [i.slice_index for i in members] != every:
            continue
        slices = [as_slice(image) for image in members]
        trace, _ = detect(slices, loaded, threshold, members[0].modality)
        labelled = {image.slice_index: _labelled(image) for image in members}
        best = max(members, key=lambda i: labelled[i.slice_index])
        if not best.exhaustive:
            continue
        selected = select_slice(trace)
        bodies, area = labelled[selected]
        results.append(
            SliceResult(
                series=series,
                dataset=best.dataset,
                patient=best.patient,
                n_slices=len(members),
                reference=best.slice_index,
                selected=selected,
                same_bodies=bodies == labelled[best.slice_index][0],
                area_share=area / max(1, labelled[best.slice_index][1]),
                as_good=sum(
                    n == labelled[best.slice_index][0] and a >= 0.99 * labelled[best.slice_index][1]
                    for n, a in labelled.values()
                ),
            )
        )
    return results


def _labelled(image: AnnotatedImage) -> tuple[int, int]:
    """Number and area of what is counted on a slice: bodies, or every instance of other classes."""
    spine = image.classes == SPINE_CLASSES
    bodies = [a for a in image.instances if a.category == BODY or not spine]
    return len(bodies), sum(int(a.mask.sum()) for a in bodies)
