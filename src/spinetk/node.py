"""A DICOM node: studies come in by C-STORE, are segmented, and their SEG and SR go on.

All that it knows is in its folder, so that it can be killed at any time: an image is acknowledged
when it is on disk under its final name, and a study leaves the folder `incoming` only when its
results have been taken by the destination (or are given up, with the reason beside them).
"""

from __future__ import annotations

import hashlib
import logging
import os
import shutil
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from spinetk.batch import Options, segment_all
from spinetk.dicom_network import Peer, parse_title, send_files
from spinetk.errors import SpineError, UnreadableInput, UsageError

STORED, OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0x0000, 0xA700, 0xC000
"""Statuses of C-STORE (PS3.4 table B.2-1)."""
SPARE_BYTES = 512 * 2**20
LOOK_SECONDS = 0.5
AGAIN_SECONDS = (5, 15, 60, 300)
"""Before a destination that does not answer is tried again; the last is kept to."""

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
        keep_hours: results and failed studies are deleted after it.
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
    """The listening node and the thread that works off its studies."""

    def __init__(self, settings: NodeSettings) -> None:
        self.settings = settings
        self._incoming = settings.folder / "incoming"
        self._results = settings.folder / "results"
        self._failed = settings.folder / "failed"
        for folder in (self._incoming, self._results, self._failed):
            folder.mkdir(parents=True, exist_ok=True)
        settings.folder.chmod(0o700)
        for cut_short in self._incoming.glob("*/*.part"):  # never acknowledged
            cut_short.unlink()
        self._ended = threading.Event()
        self._moving = threading.Lock()
        self._again: dict[str, tuple[int, float]] = {}
        self._thread = threading.Thread(target=self._work, name="studies", daemon=True)
        self._server: Any = None

    def start(self) -> None:
        """Listen, and take up what an earlier run left.

        Raises:
            UsageError: the port is taken, or is not ours to open.
        """
        entity = AE(ae_title=self.settings.title)
        entity.require_called_aet = True
        entity.require_calling_aet = sorted({title for title, _ in self.settings.peers})
        entity.add_supported_context(Verification)
        for context in AllStoragePresentationContexts:
            entity.add_supported_context(context.abstract_syntax, ALL_TRANSFER_SYNTAXES)
        handlers = [(evt.EVT_C_STORE, self._store), (evt.EVT_CONN_OPEN, self._opened)]
        try:
            self._server = entity.start_server(
                (self.settings.host, self.settings.port),
                block=False,
                evt_handlers=handlers,  # type: ignore[arg-type]
            )
        except OSError as error:
            where = f"{self.settings.host}:{self.settings.port}"
            raise UsageError(f"{where}: cannot listen there ({error.strerror})") from error
        self._thread.start()

    def stop(self) -> None:
        """Close the port and stop after the step under way."""
        if self._server is not None:
            self._server.shutdown()
        self._ended.set()
        self._thread.join()

    def _opened(self, event: evt.Event) -> None:
        """Close connections from hosts that are none of the peers'."""
        host = event.address[0]  # type: ignore[attr-defined]
        if host not in {allowed for _, allowed in self.settings.peers}:
            log.warning("refused: a connection from %s", host)
            event.assoc.abort()

    def _store(self, event: evt.Event) -> int:
        """C-STORE: to disk first, then acknowledged."""
        peer = (event.assoc.requestor.ae_title, event.assoc.requestor.address)
        if peer not in self.settings.peers:
            return CANNOT_UNDERSTAND
        try:
            if shutil.disk_usage(self._incoming).free < SPARE_BYTES:
                return OUT_OF_RESOURCES
            dataset = event.dataset
            study = _name(str(dataset.StudyInstanceUID))
            content = event.encoded_dataset()
            with self._moving:  # no image may go where a study is just being taken away
                folder = self._incoming / study
                folder.mkdir(exist_ok=True)
                target = folder / f"{_name(str(dataset.SOPInstanceUID))}.dcm"
                # a file of this name is complete: one that is cut short has another
                partial = target.with_suffix(".part")
                with partial.open("wb") as stream:
                    stream.write(content)
                    stream.flush()
                    os.fsync(stream.fileno())
                partial.replace(target)
        except OSError:
            return OUT_OF_RESOURCES
        except Exception:  # whatever a peer sends, the node goes on
            return CANNOT_UNDERSTAND
        return STORED

    def _work(self) -> None:
        """Segment and send the studies that are complete, one after the other."""
        while not self._ended.wait(LOOK_SECONDS):
            try:
                for study in self._complete():
                    self._segment_and_send(study)
                self._sweep()
            except Exception as error:  # a full disk, for one: look again later
                log.warning("unexpected %s", type(error).__name__)

    def _complete(self) -> list[Path]:
        """Studies in which nothing has moved for a while and that are not to wait."""
        now = time.time()
        return [
            folder
            for folder in sorted(self._incoming.iterdir())
            if now - _last_change(folder) >= self.settings.quiet_seconds
            and now >= self._again.get(folder.name, (0, 0.0))[1]
            and not self._ended.is_set()
        ]

    def _segment_and_send(self, study: Path) -> None:
        came = _last_change(study)
        out = self._results / study.name
        try:
            if not (out / "complete").exists() or (out / "complete").stat().st_mtime < came:
                shutil.rmtree(out, ignore_errors=True)
                outcome = segment_all([study], out, Options())
                for key, reason in outcome.failed:
                    log.warning("%s: %s", key, reason)
                (out / "complete").touch()
            files = sorted(out.glob("*/seg.dcm")) + sorted(out.glob("*/sr.dcm"))
            if self.settings.send_to is not None and files:
                send_files(self.settings.send_to, files, self.settings.title)
        except UnreadableInput as error:
            self._give_up(study, came, str(error).replace(str(study), "study"))
            return
        except SpineError as error:  # the destination: try again, for days if need be
            tries = self._again.get(study.name, (0, 0.0))[0]
            wait = AGAIN_SECONDS[min(tries, len(AGAIN_SECONDS) - 1)]
            self._again[study.name] = (tries + 1, time.time() + wait)
            log.warning("%s: again in %d s", error, wait)
            return
        except Exception as error:
            self._give_up(study, came, f"unexpected {type(error).__name__}")
            return
        self._again.pop(study.name, None)
        sent = len(files) if self.settings.send_to else 0
        log.info("study %s: segmented, %d files sent", study.name[:8], sent)
        with self._moving:
            if _last_change(study) == came:  # nothing has come in the meantime
                shutil.rmtree(study)

    def _give_up(self, study: Path, came: float, reason: str) -> None:
        target = self._failed / study.name
        with self._moving:
            if _last_change(study) != came:  # more has come: look at all of it again
                return
            shutil.rmtree(target, ignore_errors=True)
            study.replace(target)
        log.warning("study %s: %s", study.name[:8], reason)
        (target / "reason.txt").write_text(reason + "\n", encoding="utf-8")

    def _sweep(self) -> None:
        """Delete results and failed studies that have been kept long enough."""
        for folder in [*self._results.iterdir(), *self._failed.iterdir()]:
            waiting = (self._incoming / folder.name).exists()
            if not waiting and time.time() - _last_change(folder) > self.settings.keep_hours * 3600:
                shutil.rmtree(folder, ignore_errors=True)


def parse_allowed(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Parse peers as "TITLE@HOST"; a host name is looked up once.

    Raises:
        UsageError: not of this form, or the host is not known.
    """
    allowed = []
    for text in texts:
        title, at, host = text.rpartition("@")
        if not at or not host:
            raise UsageError(f"{text}: who may send is named as TITLE@HOST")
        try:
            found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
        except OSError as error:
            raise UsageError(f"{host}: the host is not known") from error
        allowed += [(parse_title(title), address) for address in sorted(found)]
    return tuple(allowed)


def _name(uid: str) -> str:
    """A file name for a UID, whatever stands in it."""
    return hashlib.sha256(uid.encode()).hexdigest()[:32]


def _last_change(folder: Path) -> float:
    """Seconds since 1970 of the last change of a folder or of a file in it."""
    times = [folder.stat().st_mtime]
    for path in folder.rglob("*"):
        try:
            times.append(path.stat().st_mtime)
        except FileNotFoundError:  # renamed while we looked
            continue
    return max(times)
