"""A DICOM node: studies come in by C-STORE, are segmented, and their SEG and SR go on.

    receiving -> storing -> segmented in a process of its own -> sent on

A study stays in the node's folder until its results have been taken by the destination (or are
given up, with the reason beside them) and `keep_hours` are over.
"""

from __future__ import annotations

import json
import logging
import shutil
import threading
import time
from dataclasses import dataclass
from pathlib import Path

from spinetk.atomic import write_text
from spinetk.batch import segment_all
from spinetk.batch_options import Options
from spinetk.debugging import unexpected
from spinetk.dicom_net.peers import Peer
from spinetk.dicom_net.receiving import Listener
from spinetk.dicom_net.send import Unreachable, send_files
from spinetk.dicom_net.storing import State, StudyFolder, read_json
from spinetk.errors import SpineError
from spinetk.results.folders import results_in
from spinetk.results.record import read_record
from spinetk.temporary import sweep_temporary
from spinetk.workers import in_workers

MOST_TRIES = 3
"""Of a study whose process dies."""
LOOK_SECONDS = 0.5
AGAIN_SECONDS = (5, 15, 60, 300, 900, 3600)
"""Before a destination that does not answer, or a process that died, is tried again; the last one
again and again."""
MOST_SENDS = 30
"""Tries of sending, about a day of them; then the results stay here, unsent, until the node starts
anew."""

log = logging.getLogger("spinetk.node")


@dataclass(frozen=True)
class NodeSettings:
    """How the node is run.

    Attributes:
        folder: of incoming studies and results.
        title: our AE title; associations that call another are refused.
        peers: who may send, by AE title and host (IP address).
        send_to: where SEG and SR go; None keeps them in the folder.
        quiet_seconds: a study is complete when nothing has come for so long.
        keep_hours: images of studies that are done with are deleted after it, and their results
            where these were sent.
    """

    folder: Path
    title: str
    host: str
    port: int
    peers: tuple[tuple[str, str], ...]
    send_to: Peer | None = None
    quiet_seconds: float = 10.0
    keep_hours: float = 24.0


class Node:
    """The listener, and the thread that works off its studies."""

    def __init__(self, settings: NodeSettings) -> None:
        self.settings = settings
        self._folder = StudyFolder(settings.folder)
        self._listener = Listener(settings.title, settings.peers, self._folder)
        self._ended = threading.Event()
        self._again: dict[str, tuple[int, float]] = {}
        self._thread = threading.Thread(target=self._work, name="studies", daemon=True)

    def start(self) -> None:
        """Listen, and take up what an earlier run left.

        Raises:
            UsageError: the port is taken, or is not ours to open.
        """
        sweep_temporary()
        self._listener.start(self.settings.host, self.settings.port)
        self._folder.take_up_unsent()
        self._thread.start()

    def stop(self) -> None:
        """Close the port and stop after the step under way."""
        self._ended.set()
        self._listener.stop()
        if self._thread.is_alive():
            self._thread.join()
        self._folder.close()

    def _work(self) -> None:
        """Segment and send the studies that are complete, one after the other."""
        while not self._ended.wait(LOOK_SECONDS):
            try:
                studies = self._folder.studies()
            except OSError as error:
                log.warning("%s: %s", self._folder.incoming, error.strerror)
                continue
            for study in studies:
                if self._ended.is_set():
                    return
                try:
                    if self._is_due(study):
                        self._see_to(study)
                    self._sweep(study)
                except Exception as error:  # a full disk, for one; the other studies go on
                    self._wait(study, unexpected(error))

    def _sweep(self, study: Path) -> None:
        """Delete what is over; without a destination, results are what there is of a study."""
        sent = self.settings.send_to is not None
        if self._folder.sweep(study, self.settings.keep_hours * 3600, results=sent):
            what = "its images and results are" if sent else "its images are"
            hours = self.settings.keep_hours
            log.info("study %s: %s deleted after %g hours", study.name[:8], what, hours)

    def _is_due(self, study: Path) -> bool:
        """Whether nothing has come for a while, and something is still to be done."""
        came, state = self._folder.arrivals(study), self._folder.state(study)
        now = time.time()
        quiet = came[0] > 0 and now - came[1] >= self.settings.quiet_seconds
        to_do = state.came != came or state.name == "waiting"
        return quiet and to_do and now >= self._again.get(study.name, (0, 0.0))[1]

    def _see_to(self, study: Path) -> None:
        """Segment a study, unless that is done, and send its results."""
        came, before = self._folder.arrivals(study), self._folder.state(study)
        tries = before.tries if before.came == came else 0
        out = self._folder.results(study)
        done = out / "segmented.json"
        if read_json(done) != list(came):
            if tries >= MOST_TRIES:
                self._end(study, State(came, "failed", tries), "its process ended every time")
                return
            self._folder.keep(study, State(came, "waiting", tries + 1))
            shutil.rmtree(out, ignore_errors=True)
            # in a process of its own: a file that ends it does not end the node
            [reasons] = in_workers(_segment, [(study, out)], 1, lambda _: None)
            if reasons is None:
                self._wait(study, "its process ended: killed, or out of memory")
                return
            out.mkdir(exist_ok=True)
            if reasons:
                write_text(out / "reason.txt", "\n".join(reasons) + "\n")
            write_text(done, json.dumps(came))
        files = sorted(out.glob("*/seg.dcm")) + sorted(out.glob("*/sr.dcm"))
        if not files:
            reason = out / "reason.txt"
            why = reason.read_text().splitlines()[0] if reason.exists() else "no DICOM results"
            self._end(study, State(came, "failed", tries), why)
            return
        if self.settings.send_to is not None:
            try:
                send_files(self.settings.send_to, files, self.settings.title)
            except Unreachable as error:
                if self._again.get(study.name, (0, 0.0))[0] + 1 >= MOST_SENDS:
                    why = f"{error}: given up after {MOST_SENDS} tries"
                    self._end(study, State(came, "unsent", tries), why)
                else:
                    self._wait(study, str(error))
                return
            except SpineError as error:  # turned away: trying again would not help
                self._end(study, State(came, "unsent", tries), str(error))
                return
        where = f"sent to {self.settings.send_to}" if self.settings.send_to else f"kept in {out}"
        told = "; ".join((f"{len(files)} files {where}", *_judged(out)))
        self._end(study, State(came, "done", tries), told)

    def _wait(self, study: Path, why: str) -> None:
        tries = self._again.get(study.name, (0, 0.0))[0]
        wait = AGAIN_SECONDS[min(tries, len(AGAIN_SECONDS) - 1)]
        self._again[study.name] = (tries + 1, time.time() + wait)
        log.warning("study %s: %s; again in %d s", study.name[:8], why, wait)

    def _end(self, study: Path, state: State, why: str) -> None:
        """Write down what became of a study; images that came in the meantime have it seen to
        again."""
        self._again.pop(study.name, None)
        self._folder.keep(study, state, why)
        log.info("study %s: %s, %s", study.name[:8], state.name, why)


def _judged(out: Path) -> list[str]:
    """How many results are to be looked at, and why; no file's name is in it."""
    doubtful = [record for _, record in results_in(out) if record.verdict in ("check", "reject")]
    reasons = sorted({reason for record in doubtful for reason in record.reasons})
    return [f"{len(doubtful)} to be looked at ({', '.join(reasons)})"] if doubtful else []


def _segment(task: tuple[Path, Path]) -> list[str]:
    """Segment a study in a process of its own; returns what failed or was left out."""
    study, out = task
    try:
        outcome = segment_all([study], out, Options())
    except SpineError as error:
        return [error.about(study)]
    reasons = [f"{key}: {reason}" for key, reason in outcome.failed]
    for record in map(read_record, (out / str(row["key"]) for row in outcome.done)):
        missing = [w.text for w in record.warnings if w.code == "not-written"]
        reasons += [f"{record.key}: {text}" for text in missing]
    return reasons
