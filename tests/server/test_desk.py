import gc
import threading
import uuid
from pathlib import Path

import pytest

from spinetk.errors import UsageError
from spinetk.readers import find
from spinetk.server.desk import KEPT_OPEN, Desk


def test_a_lock_is_one_for_each_job_and_forgotten_when_nobody_holds_it() -> None:
    desk = Desk()
    with desk.of("a"):
        assert desk.of("a") is desk.of("a") and desk.of("a") is not desk.of("b")
        waited = threading.Event()

        def other() -> None:
            with desk.of("a"):
                waited.set()

        thread = threading.Thread(target=other)
        thread.start()
        assert not waited.wait(0.1)
    thread.join(5)
    assert waited.is_set()
    for _ in range(1000):  # any id that is asked for
        desk.of(uuid.uuid4().hex)
    gc.collect()
    assert len(desk._jobs) == 0


def test_series_are_kept_open_and_the_oldest_is_let_go(phantom_folder: Path) -> None:
    desk, study = Desk(), phantom_folder / "dicom"
    [found] = find([study]).series
    first = desk.series(study, found.key)
    assert desk.series(study, found.key) is first
    for number in range(KEPT_OPEN):
        desk._open[Path(str(number)), "x"] = first
    desk.series(study, found.key)
    assert len(desk._open) == KEPT_OPEN
    desk.clear()
    assert desk.series(study, found.key) is not first
    with pytest.raises(UsageError, match="the series of other is not there"):
        desk.series(study, "other")
