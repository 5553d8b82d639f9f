from pathlib import Path

import pytest

from spinetk.datasets.annotated import read_dataset
from spinetk.errors import UsageError
from spinetk.results.record import read_record
from spinetk.server.downloads import corrections
from spinetk.server.review import open_review
from spinetk.server.saving import save_version
from spinetk.study import Segmentation


def test_the_latest_version_of_each_result_becomes_a_data_set(
    own_result: Path, phantom_result: Segmentation, tmp_path: Path
) -> None:
    review = open_review(own_result, read_record(own_result), phantom_result.series)
    save_version(own_result.parent, review, review.marked, "x", "")
    save_version(own_result.parent, review, review.marked[:3], "x", "")
    (tmp_path / "work").mkdir()
    folder = corrections([own_result.parent], tmp_path / "work", exhaustive=True)
    [image] = read_dataset(folder).images
    assert len(image.instances) == 3 and image.exhaustive
    masks = {tuple(m.mask.nonzero()[0][:1]) for m in review.marked[:3]}
    assert {tuple(a.mask.nonzero()[0][:1]) for a in image.instances} == masks


def test_without_a_correction_there_is_no_data_set(tmp_path: Path) -> None:
    (tmp_path / "results").mkdir()
    with pytest.raises(UsageError, match="nothing was corrected yet"):
        corrections([tmp_path / "results"], tmp_path, exhaustive=False)
