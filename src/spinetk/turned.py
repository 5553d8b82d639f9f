"""How a picture lies, where no header says it: told by what the network finds in it.

Films are scanned lying on their side or on their head, pictures are saved mirrored. A column of
bodies is found upright or upside down and hardly ever across; bodies grow from the neck down, and
S1 is the lowest and lies behind L5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from spinetk.column import column_members, in_column
from spinetk.errors import Unsuitable
from spinetk.network.loaded import LoadedModel, prepared
from spinetk.orientation import upright
from spinetk.structures import BODY_KIND, DISC_KIND, SACRAL_CLASS
from spinetk.study import TURNED, UNSURE_SCORE, Instance, Modality, Series, Slice, Vector
from spinetk.warning import Warning

ANTERIOR, POSTERIOR = (0.0, -1.0, 0.0), (0.0, 1.0, 0.0)
HEAD, FEET = (0.0, 0.0, 1.0), (0.0, 0.0, -1.0)
TURNS: dict[int, tuple[Vector, Vector]] = {
    0: (POSTERIOR, FEET), 90: (HEAD, POSTERIOR), 180: (ANTERIOR, HEAD), 270: (FEET, ANTERIOR)
}  # fmt: skip
"""Where columns and rows of a picture run that was turned clockwise by so many degrees."""
FEWEST, SURE = 5, 8
"""Bodies in a column that tells up from down, and in one that is not looked for across."""
FAR_BETTER = 1.4
"""Of 120 pictures of nine sets, upright and across, the evidence upright was 1.1 (necks with two
bodies) to 6 times that across."""
GROWTH, SHRINKS = 0.01, {9: 0.04, 10: 0.01}
"""By how much, at least, bodies of a film grow from one to the next; and by how much they must
shrink, by how many there are, to be looked at upside down. Bodies of long films grow by 2 % or more
(50 films of four sets); of windows of nine bodies in the outlines of two sets none shrinks by 0.04,
of shorter ones some do."""
SURE_SACRUM = 0.9
"""Upside down no S1 has such a score."""
UPSIDE_DOWN = -0.35
"""Of 152 upright slices of seven sets, the vote (`_vote`) is lower for one; of the same slices
upside down, for 130."""
BEHIND = (("S1", "L5", 0.1), ("L1", "L3", 0.15))
"""Bodies of which the first lies behind the second: the middle of S1 0.12 to 0.79 widths of L5
behind that of L5 (498 slices of three sets), that of L1 0 to 1.1 widths behind that of L3 (1,298
slices of nine sets). So many widths in front of it, the picture is mirrored."""
SECOND_COLUMN, SECOND_SHARE = 5, 0.6
"""Bodies of a second column: so many, and so many of those of the first."""
APART_WIDTHS = 3.0
"""How far apart two columns are at least, in widths of a body."""


@dataclass(frozen=True)
class _Look:
    """What was found in one of the turns.

    Attributes:
        evidence: sum of the scores of the column's bodies, and half that of its discs.
        bodies: float [N, 4], xyxy of the column from above.
        sacrum: best score of an S1, 0 without one.
        rest: float [M, 4], bodies beside the column that the network is sure of.
    """

    evidence: float
    bodies: NDArray[np.floating]
    sacrum: float
    rest: NDArray[np.floating]

    @property
    def growth(self) -> float:
        """By which share bodies grow from one to the next; those at the ends may be cut."""
        inner = self.bodies[1:-1]
        if len(inner) < 2:
            return 0.0
        sizes = np.sqrt(np.prod(inner[:, 2:] - inner[:, :2], axis=1))
        return float(np.polyfit(np.arange(len(sizes)), np.log(sizes), 1)[0])

    @property
    def second(self) -> NDArray[np.floating]:
        """float [K, 4]: the column that bodies beside the first one make, too."""
        return self.rest[in_column(self.rest, np.ones(len(self.rest)))]


def as_it_lies(series: Series, loaded: LoadedModel, threshold: float) -> Series:
    """The series, with the directions of a single picture whose header says none, where the
    network's evidence is clear that it lies across or upside down.

    Raises:
        Unsuitable: the picture shows two spines side by side.
    """
    if len(series.slices) != 1 or BODY_KIND not in loaded.model.classes:
        return series
    picture = series.slices[0]
    if picture.directions is not None:
        return series
    looks = {0: _look(picture, loaded, series.modality, threshold, 0)}
    turn = 0
    if len(looks[0].bodies) < SURE:
        looks |= {t: _look(picture, loaded, series.modality, threshold, t) for t in (90, 270)}
        across = max((90, 270), key=lambda t: looks[t].evidence)
        if looks[across].evidence > FAR_BETTER * looks[0].evidence:
            turn = across
    over = (turn + 180) % 360
    if _may_stand_on_its_head(looks[turn], series.modality):
        if over not in looks:
            looks[over] = _look(picture, loaded, series.modality, threshold, over)
        if _stands_on_its_head(looks[turn], looks[over], series.modality):
            turn = over
    _refuse_two_columns(looks[turn], series.key)
    if (other := _left_out(looks[turn])) is not None:
        series = replace(series, warnings=(*series.warnings, Warning("other-column", other)))
    if turn == 0:
        return series
    found = "the picture lies turned by so many degrees clockwise, by what was found in it"
    text = f"turned: {turn} ({found}): check the overlay"
    lying = replace(picture, facing=TURNS[turn])
    return replace(series, slices=(lying,), warnings=(*series.warnings, Warning(TURNED, text)))


def as_it_faces(series: Series, found: Sequence[Instance]) -> Series:
    """The series, with front and back of a single MR or CT picture whose header says no directions
    exchanged, where the bodies' places say that it is mirrored.

    Args:
        series: as `as_it_lies` gives it.
        found: named instances on its slice, upright.
    """
    picture = series.slices[0]
    told = picture.directions is not None and TURNED not in {w.code for w in series.warnings}
    if len(series.slices) != 1 or told or series.modality == "XR":
        return series
    boxes = {i.level: i.box for i in found if i.kind == BODY_KIND}
    for rear, front, least in BEHIND:
        if rear in boxes and front in boxes:
            behind, before = boxes[rear], boxes[front]
            middles = (behind[0] + behind[2] - before[0] - before[2]) / 2
            if middles >= -least * (before[2] - before[0]):
                return series
            break
    else:
        return series
    along_row, along_column = picture.directions or TURNS[0]
    facing = (_back_to_front(along_row), _back_to_front(along_column))
    text = f"turned: mirrored ({rear} lies in front of {front}): front and back are exchanged"
    lying = replace(picture, facing=facing)
    return replace(series, slices=(lying,), warnings=(*series.warnings, Warning(TURNED, text)))


def _back_to_front(direction: Vector) -> Vector:
    """The direction with front and back exchanged."""
    return direction[0], -direction[1] + 0.0, direction[2]


def _look(
    picture: Slice, loaded: LoadedModel, modality: Modality | None, threshold: float, turn: int
) -> _Look:
    view = upright(replace(picture, facing=TURNS[turn]))
    boxes = loaded.detector.find_boxes(prepared(view, loaded, modality))
    kept = boxes.scores >= threshold
    names = np.array(["", *loaded.model.classes])[boxes.labels[kept]]
    body = np.isin(names, (BODY_KIND, SACRAL_CLASS))
    places, scores = boxes.boxes[kept][body], boxes.scores[kept][body]
    sacral = names[body] == SACRAL_CLASS
    disc = names == DISC_KIND
    members, beside = column_members(places, scores, sacral, boxes.boxes[kept][disc], view.spacing)
    column = places[members]
    return _Look(
        float(scores[members].sum() + boxes.scores[kept][disc][beside].sum() / 2),
        column[np.argsort(column[:, 1] + column[:, 3])],
        float(scores[sacral].max(initial=0.0)),
        places[~members & (scores >= UNSURE_SCORE)],
    )


def _may_stand_on_its_head(look: _Look, modality: Modality | None) -> bool:
    if modality == "XR":
        known = [least for count, least in SHRINKS.items() if count <= len(look.bodies)]
        return look.growth < -min(known, default=float("inf"))
    return len(look.bodies) >= FEWEST and look.sacrum < SURE_SACRUM


def _stands_on_its_head(look: _Look, turned: _Look, modality: Modality | None) -> bool:
    if modality == "XR":
        similar = turned.evidence > look.evidence / FAR_BETTER
        return similar and len(turned.bodies) >= min(SHRINKS) and turned.growth > GROWTH
    return len(turned.bodies) >= FEWEST and _vote(look, turned) < UPSIDE_DOWN


def _vote(look: _Look, turned: _Look) -> float:
    """How much more upright a picture looks than turned by 180 degrees: by its S1, the growth of
    its bodies and its evidence, each weighted to count about the same."""
    grows = 8 * (look.growth - turned.growth)
    return look.sacrum - turned.sacrum + grows + 2 * (look.evidence / turned.evidence - 1)


def _left_out(look: _Look) -> str | None:
    """What is said of bodies above or below the column that stand in none with it: another picture
    on the same one, or a column with a gap."""
    second = look.second
    if len(second) < SECOND_COLUMN:
        return None
    where = "below" if second[:, 1].min() > look.bodies[:, 1].min() else "above"
    return (
        f"{len(second)} bodies {where} the column stand in none with it and are left out: cut the "
        "picture in two if it shows two spines"
    )


def _refuse_two_columns(look: _Look, key: str) -> None:
    """Refuse a picture of two films, of which one alone would be outlined.

    Raises:
        Unsuitable: it shows two columns.
    """
    second = look.second
    if len(second) < SECOND_COLUMN:
        return
    middles = [np.median((c[:, 0] + c[:, 2]) / 2) for c in (look.bodies, second)]
    width = float(np.median(look.bodies[:, 2] - look.bodies[:, 0]))
    apart = abs(float(middles[0] - middles[1])) > APART_WIDTHS * width
    tops, ends = zip(*((c[:, 1].min(), c[:, 3].max()) for c in (look.bodies, second)), strict=True)
    shared = min(ends) - max(tops)  # one below the other are the parts of one column
    beside = shared > min(e - t for t, e in zip(tops, ends, strict=True)) / 2
    many = len(second) >= SECOND_SHARE * len(look.bodies)
    if apart and beside and many:
        counts = f"{len(look.bodies)} and {len(second)} bodies"
        raise Unsuitable(f"shows two spines side by side ({counts}): cut it into two", key)
