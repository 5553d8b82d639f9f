"""The folder of a node: incoming studies, their results, and how far each study is.

All that a node knows is here, so that it can be killed at any time: an image is on disk under its
final name before it is acknowledged.
"""

from __future__ import annotations

import contextlib
import filecmp
import hashlib
import json
import os
import shutil
import threading
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from spinetk.atomic import (
    lock_folder,
    remove_unfinished,
    see_room,
    sync_names,
    write_text,
)
from spinetk.errors import UsageError

OWNER_ONLY = 0o700
Arrivals = tuple[int, float]
"""Number of a study's images, and when the last one came (seconds since 1970)."""


@dataclass(frozen=True)
class State:
    """How far a study is.

    Attributes:
        came: its images when it was looked at.
        name: "waiting" (to be segmented, or sent), "done" (sent, or kept here without destination),
            "failed" or "unsent" (segmented, but the destination never answered).
        tries: of segmenting these images; a process that dies counts.
    """

    came: Arrivals = (0, 0.0)
    name: str = "waiting"
    tries: int = 0


class StudyFolder:
    """Studies on disk. Every method may be called from any thread.

    Args:
        folder: made, for its owner only, where it is not there; of one that is, the studies are.

    Raises:
        UsageError: another node has it.
    """

    def __init__(self, folder: Path) -> None:
        self.incoming, self._results, self._states, self.arriving = (
            folder / name for name in ("incoming", "results", "states", "arriving")
        )
        if not folder.exists():
            folder.mkdir(parents=True, mode=OWNER_ONLY)
        try:
            self._own = lock_folder(folder)
        except OSError as error:
            raise UsageError("another node uses this folder", folder) from error
        for part in (self.incoming, self._results, self._states, self.arriving):
            part.mkdir(exist_ok=True)
            part.chmod(OWNER_ONLY)  # studies are private, whatever the folder that was there is
        for study in self.incoming.iterdir():
            remove_unfinished(study)  # of earlier versions; never acknowledged
        self._moving = threading.Lock()

    def close(self) -> None:
        """Let another node have the folder."""
        self._own.close()

    def see_room(self) -> None:
        """See that the disk takes more.

        Raises:
            OSError: it does not.
        """
        see_room(self.incoming)

    def put(self, study_uid: str, image_uid: str, image: Path) -> None:
        """Put an image to its study; it has its place on the disk when this returns.

        Args:
            image: a whole DICOM file in `arriving`, written to the disk; it is renamed.

        Raises:
            OSError: the disk does not take it.
        """
        with self._moving:  # no image may go where a study is just being deleted
            folder = self.incoming / _name(study_uid)
            folder.mkdir(exist_ok=True)
            number = 1
            # another image under the same UID replaces none that was acknowledged
            while (target := folder / f"{_name(image_uid)}-{number}.dcm").exists():
                if filecmp.cmp(target, image, shallow=False):
                    image.unlink()
                    return  # sent again: nothing is new
                number += 1
            image.replace(target)
            os.utime(target)  # the time when it came whole
            sync_names(folder)

    def studies(self) -> list[Path]:
        """The folders of all studies.

        Raises:
            OSError: they cannot be listed.
        """
        return sorted(self.incoming.iterdir())

    def results(self, study: Path) -> Path:
        """Where the results of a study go."""
        return self._results / study.name

    def arrivals(self, study: Path) -> Arrivals:
        """What has come of a study so far."""
        times = []
        for path in study.glob("*.dcm"):
            with contextlib.suppress(FileNotFoundError):  # just being replaced
                times.append(path.stat().st_mtime)
        return len(times), max(times, default=0.0)

    def state(self, study: Path) -> State:
        """How far a study is; as if it were new where that was damaged by a fall of the system."""
        content = read_json(self._states / f"{study.name}.json")
        try:
            count, came = content["came"]
            return State((int(count), float(came)), str(content["name"]), int(content["tries"]))
        except (TypeError, ValueError, KeyError):
            return State()

    def keep(self, study: Path, state: State, reason: str = "") -> None:
        """Write down how far a study is, and why it failed."""
        write_text(self._states / f"{study.name}.json", json.dumps(asdict(state)))
        if state.name in ("failed", "unsent"):
            self.results(study).mkdir(exist_ok=True)
            write_text(self.results(study) / "reason.txt", reason + "\n")

    def take_up_unsent(self) -> None:
        """Have studies sent again whose results could not be."""
        for study in self.studies():
            state = self.state(study)
            if state.name == "unsent":
                self.keep(study, replace(state, name="waiting"))

    def sweep(self, study: Path, keep_seconds: float, *, results: bool) -> bool:
        """Delete a study that is done with when its time is over; returns whether it did.

        Args:
            results: delete its results, too, which were sent; those that were not stay.
        """
        with self._moving:
            came, state = self.arrivals(study), self.state(study)
            over = state.came == came and state.name in ("done", "failed")
            if not over or time.time() - came[1] <= keep_seconds:
                return False
            shutil.rmtree(study)
            if results:
                shutil.rmtree(self.results(study), ignore_errors=True)
            (self._states / f"{study.name}.json").unlink(missing_ok=True)
            return True


def read_json(path: Path) -> Any:
    """What a JSON file says; None where it is not there or is damaged."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _name(uid: str) -> str:
    """A file name for a UID, whatever stands in it."""
    return hashlib.sha256(uid.encode()).hexdigest()[:32]
