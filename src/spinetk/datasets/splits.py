"""Divide patients into folds, the same way on every machine."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from spinetk.datasets.annotated import AnnotatedImage


def patient_folds(images: Iterable[AnnotatedImage], k: int) -> list[frozenset[str]]:
    """Deal the patients of each data set to `k` folds, in the order of the SHA-256 of their id.

    Every data set is spread evenly, and dealing goes on from set to set where the last one ended,
    so that sets of one patient do not all come to the first fold. Patients without a reference
    annotation are in no fold: nothing could be measured on them.

    Returns:
        `k` sets of patient ids that share none.
    """
    sets: dict[str, set[str]] = {}
    for image in images:
        if image.reference:
            sets.setdefault(image.dataset, set()).add(image.patient)
    folds: list[set[str]] = [set() for _ in range(k)]
    dealt: set[str] = set()
    for name in sorted(sets):
        ranked = sorted(sets[name] - dealt, key=lambda p: hashlib.sha256(p.encode()).hexdigest())
        for patient in ranked:
            folds[len(dealt) % k].add(patient)
            dealt.add(patient)
    return [frozenset(fold) for fold in folds]
