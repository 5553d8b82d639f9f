"""Divide data by patient, the same way on every machine: one part held out, or k folds."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence

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


def validation_patients(images: Iterable[AnnotatedImage], fraction: float = 0.2) -> frozenset[str]:
    """Choose the patients that training never sees, the same ones on every machine.

    In each data set the patients are put in the order of the SHA-256 of their id and the first
    `fraction` of them is taken (at least one, and none of a set of one), so adding a data set
    moves no patient of another. Sets that share patients, as two kinds of pictures of the same
    people, count as one. Labels made by a network choose nobody.
    """
    sets: dict[str, set[str]] = {}
    for image in images:
        if not image.pseudo:
            sets.setdefault(image.dataset, set()).add(image.patient)
    chosen: set[str] = set()
    for patients in _joined(sets.values()):
        ranked = sorted(patients, key=lambda name: hashlib.sha256(name.encode()).hexdigest())
        if len(ranked) > 1:
            chosen.update(ranked[: max(1, round(fraction * len(ranked)))])
    return frozenset(chosen)


def _joined(sets: Iterable[set[str]]) -> list[set[str]]:
    """Unite sets that have a member in common."""
    groups: list[set[str]] = []
    for members in sets:
        apart = [group for group in groups if not group & members]
        groups = [*apart, members.union(*(group for group in groups if group & members))]
    return groups


def patient_hash(patient: str) -> str:
    """What a network's card keeps of a patient's id: 16 hex digits of its SHA-256."""
    return hashlib.sha256(patient.encode()).hexdigest()[:16]


def split_by_patient(
    images: Sequence[AnnotatedImage], held_out: frozenset[str]
) -> tuple[list[AnnotatedImage], list[AnnotatedImage]]:
    """Divide images into (others, held out) by patient."""
    others = [image for image in images if image.patient not in held_out]
    return others, [image for image in images if image.patient in held_out]
