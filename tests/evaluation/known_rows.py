import math

from spinetk.evaluation.rows import InstanceResult, Proposal

FOUND = InstanceResult(
    image="s/a", dataset="s", patient="p1", modality="MR", level="L4", middle=True,
    kind="vertebral_body", region="lumbar", box=(0.0, 0.0, 10.0, 10.0), iou=0.9, detected=True,
    cause=None, dice=0.95, surface_px=1.0, surface_mm=0.5, score=0.9, named="L4",
    quality=0.94, quality_low=0.9, flagged=False,
    reference_features=(0.0, 3.0, 50.0, 4.0), found_features=(0.1, 3.1, 51.0, 4.1),
    reference_sizes=(27.0, 26.0, 28.0, 34.0, 900.0, 2.0, 3.0, math.nan, 0.96, 0.93, 1.0, 0.0, 1.0,
                     math.nan, 90.0, 0.1, 2.9),
    found_sizes=(26.5, 26.0, 28.2, 34.1, 910.0, 2.5, 2.0, math.nan, 0.94, 0.92, 1.0, 0.0, 1.5,
                 math.nan, 91.0, 0.12, 3.0),
    in_mm=True, verdict="ok",
)  # fmt: skip


RIGHT = Proposal("s/a", "s", "MR", "vertebral_body", 0.9, (0.0, 0.0, 10.0, 10.0), True)
