"""A DICOM node: studies come in by C-STORE, are segmented, and their SEG and SR go on.

All that it knows is in its folder, so that it can be killed at any time: an image is acknowledged
when it is on disk under its final name, and a study stays there until its results have been taken
by the destination (or are given up, with the reason beside them) and `keep_hours` are over.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import logging
import shutil
import socket
import threading
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from pynetdicom import AE, ALL_TRANSFER_SYNTAXES, AllStoragePresentationContexts, evt
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]
from pynetdicom.transport import ThreadedAssociationServer

from spinetk.atomic import remove_unfinished, whole_file, write_text
from spinetk.batch import Options, segment_all
from spinetk.debugging import unexpected
from spinetk.dicom_net.send import Peer, Unreachable, parse_title, send_files
from spinetk.errors import SpineError, UsageError
from spinetk.results.record import read_record
from spinetk.workers import in_workers

DONE, NOT_AUTHORIZED, OUT_OF_RESOURCES, CANNOT_UNDERSTAND = 0x0000, 0x0124, 0xA700, 0xC000
"""Statuses of C-ECHO and C-STORE (PS3.7 annex C, PS3.4 table B.2-1)."""
MOST_TRIES = 3
"""Of a study whose process dies."""
SPARE_BYTES = 512 * 2**20
LOOK_SECONDS = 0.5
AGAIN_SECONDS = (5, 15, 60, 300)
"""Before a destination that does not answer, or a process that died, is tried again."""

log = logging.getLogger("spinetk.dicom_net.node")


@dataclass(frozen=True)
class NodeSettings:
    """How the node is run.

    Attributes:
        folder: of incoming studies and results.
        title: our AE title; associations that call another are refused.
        peers: who may send, by AE title and host (IP address).
        send_to: where SEG and SR go; None keeps them in the folder.
        quiet_seconds: a study is complete when nothing has come for so long.
        keep_hours: studies that are done with are deleted, with their results, after it.
    """

    folder: Path
    title: str
    host: str
    port: int
    peers: tuple[tuple[str, str], ...]
    send_to: Peer | None = None
    quiet_seconds: float = 10.0
    keep_hours: float = 24.0


@dataclass(frozen=True)
class State:
    """How far a study is.

    Attributes:
        came: number of its images and time of the last one, when it was looked at.
        name: "waiting" (to be segmented, or sent), "done" (sent, or kept here without destination)
            or "failed".
        tries: of segmenting these images; a process that dies counts.
    """

    came: tuple[int, float] = (0, 0.0)
    name: str = "waiting"
    tries: int = 0


class Node:
    """The listening node and the thread that works off its studies."""

    def __init__(self, settings: NodeSettings) -> None:
        self.settings = settings
        self._incoming = settings.folder / "incoming"
        self._results = settings.folder / "results"
        self._states = settings.folder / "states"
        if not settings.folder.exists():
            settings.folder.mkdir(parents=True, mode=0o700)
        for folder in (self._incoming, self._results, self._states):
            folder.mkdir(exist_ok=True)
        for study in self._incoming.iterdir():
            remove_unfinished(study)  # never acknowledged
        self._ended = threading.Event()
        self._moving = threading.Lock()
        self._again: dict[str, tuple[int, float]] = {}
        self._thread = threading.Thread(target=self._work, name="studies", daemon=True)
        self._server: ThreadedAssociationServer | None = None

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
        try:
            self._server = entity.make_server(
                (self.settings.host, self.settings.port),
                evt_handlers=[
                    (evt.EVT_C_STORE, self._store),
                    (evt.EVT_C_ECHO, self._echo),
                    (evt.EVT_REJECTED, _refused),
                ],
                server_class=_server_for({host for _, host in self.settings.peers}),
            )
        except OSError as error:
            where = f"{self.settings.host}:{self.settings.port}"
            raise UsageError(f"cannot listen there ({error.strerror})", where) from error
        threading.Thread(target=self._server.serve_forever, name="listener", daemon=True).start()
        self._thread.start()

    def stop(self) -> None:
        """Close the port and stop after the step under way."""
        self._ended.set()
        if self._server is not None:
            # pynetdicom 3.0 also takes the server off a list that `make_server` does not put it on
            with contextlib.suppress(ValueError):
                self._server.shutdown()
        self._thread.join()

    def _is_allowed(self, event: evt.Event) -> bool:
        """Whether the title belongs to the host that uses it."""
        requestor = event.assoc.requestor
        return (requestor.ae_title, requestor.address) in self.settings.peers

    def _echo(self, event: evt.Event) -> int:
        return DONE if self._is_allowed(event) else NOT_AUTHORIZED

    def _store(self, event: evt.Event) -> int:
        """C-STORE: to disk first, then acknowledged."""
        if not self._is_allowed(event):
            return NOT_AUTHORIZED
        try:
            if shutil.disk_usage(self._incoming).free < SPARE_BYTES:
                return OUT_OF_RESOURCES
            dataset = event.dataset
            study = _name(str(dataset.StudyInstanceUID))
            content = event.encoded_dataset()
            with self._moving:  # no image may go where a study is just being deleted
                folder = self._incoming / study
                folder.mkdir(exist_ok=True)
                target = folder / f"{_name(str(dataset.SOPInstanceUID))}.dcm"
                if target.exists() and target.read_bytes() == content:
                    return DONE  # sent again: nothing is new
                with whole_file(target, synced=True) as unfinished:
                    unfinished.write_bytes(content)
        except OSError:
            return OUT_OF_RESOURCES
        except Exception:  # whatever a peer sends, the node goes on
            return CANNOT_UNDERSTAND
        return DONE

    def _work(self) -> None:
        """Segment and send the studies that are complete, one after the other."""
        while not self._ended.wait(LOOK_SECONDS):
            try:
                studies = sorted(self._incoming.iterdir())
            except OSError as error:
                log.warning("%s: %s", self._incoming, error.strerror)
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

    def _is_due(self, study: Path) -> bool:
        """Whether nothing has come for a while, and something is still to be done."""
        came, state = _images(study), self._state(study)
        now = time.time()
        quiet = came[0] > 0 and now - came[1] >= self.settings.quiet_seconds
        to_do = state.came != came or state.name == "waiting"
        return quiet and to_do and now >= self._again.get(study.name, (0, 0.0))[1]

    def _see_to(self, study: Path) -> None:
        """Segment a study, unless that is done, and send its results."""
        came, before = _images(study), self._state(study)
        tries = before.tries if before.came == came else 0
        out = self._results / study.name
        done = out / "segmented.json"
        if _read(done) != list(came):
            if tries >= MOST_TRIES:
                self._end(study, State(came, "failed", tries), "its process ended every time")
                return
            self._keep(study, State(came, "waiting", tries + 1))
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
            told = reason.read_text().splitlines()[0] if reason.exists() else "no DICOM results"
            self._end(study, State(came, "failed", tries), told)
            return
        if self.settings.send_to is not None:
            try:
                send_files(self.settings.send_to, files, self.settings.title)
            except Unreachable as error:
                self._wait(study, str(error))
                return
            except SpineError as error:
                self._end(study, State(came, "failed", tries), str(error))
                return
        where = f"sent to {self.settings.send_to}" if self.settings.send_to else f"kept in {out}"
        self._end(study, State(came, "done", tries), f"{len(files)} files {where}")

    def _wait(self, study: Path, why: str) -> None:
        tries = self._again.get(study.name, (0, 0.0))[0]
        wait = AGAIN_SECONDS[min(tries, len(AGAIN_SECONDS) - 1)]
        self._again[study.name] = (tries + 1, time.time() + wait)
        log.warning("study %s: %s; again in %d s", study.name[:8], why, wait)

    def _end(self, study: Path, state: State, told: str) -> None:
        """Write down what became of a study; images that came in the meantime have it seen to
        again."""
        self._again.pop(study.name, None)
        self._keep(study, state)
        if state.name == "failed":
            (self._results / study.name).mkdir(exist_ok=True)
            write_text(self._results / study.name / "reason.txt", told + "\n")
        log.info("study %s: %s, %s", study.name[:8], state.name, told)

    def _state(self, study: Path) -> State:
        content = _read(self._states / f"{study.name}.json")
        if content is None:
            return State()
        return State(tuple(content["came"]), content["name"], content["tries"])

    def _keep(self, study: Path, state: State) -> None:
        write_text(self._states / f"{study.name}.json", json.dumps(asdict(state)))

    def _sweep(self, study: Path) -> None:
        """Delete a study that is done with, and its results, when its time is over."""
        with self._moving:
            came, state = _images(study), self._state(study)
            over = state.came == came and state.name != "waiting"
            if over and time.time() - came[1] > self.settings.keep_hours * 3600:
                shutil.rmtree(study)
                shutil.rmtree(self._results / study.name, ignore_errors=True)
                (self._states / f"{study.name}.json").unlink(missing_ok=True)


def _segment(task: tuple[Path, Path]) -> list[str]:
    """Segment a study in a process of its own; returns what failed or was left out."""
    study, out = task
    try:
        outcome = segment_all([study], out, Options())
    except SpineError as error:
        return [error.reason]
    reasons = [f"{key}: {reason}" for key, reason in outcome.failed]
    for record in map(read_record, (out / str(row["key"]) for row in outcome.done)):
        missing = [w.text for w in record.warnings if w.code == "not-written"]
        reasons += [f"{record.key}: {text}" for text in missing]
    return reasons


def _refused(event: evt.Event) -> None:
    asked = event.assoc.requestor
    title = asked.primitive.called_ae_title if asked.primitive else ""
    log.warning("refused: %s at %s, which called %s", asked.ae_title, asked.address, title)


def _server_for(hosts: set[str]) -> type[ThreadedAssociationServer]:
    """A server that closes connections from other hosts before a word is said."""

    class PeersOnly(ThreadedAssociationServer):
        def verify_request(self, request: object, client_address: tuple[str, int]) -> bool:
            if client_address[0] in hosts:
                return True
            log.warning("refused: a connection from %s", client_address[0])
            return False

    return PeersOnly


def parse_allowed(texts: Sequence[str]) -> tuple[tuple[str, str], ...]:
    """Parse peers as "TITLE@HOST"; a host name is looked up once.

    Raises:
        UsageError: not of this form, or the host is not known.
    """
    allowed = []
    for text in texts:
        title, at, host = text.rpartition("@")
        if not at or not host:
            raise UsageError("who may send is named as TITLE@HOST", text)
        try:
            found = {str(entry[4][0]) for entry in socket.getaddrinfo(host, None)}
        except OSError as error:
            raise UsageError("the host is not known", host) from error
        allowed += [(parse_title(title), address) for address in sorted(found)]
    return tuple(allowed)


def _read(path: Path) -> Any:
    """What a JSON file says; None where it is not there, or was damaged by a fall of the system."""
    try:
        return json.loads(path.read_text())
    except (FileNotFoundError, ValueError):
        return None


def _name(uid: str) -> str:
    """A file name for a UID, whatever stands in it."""
    return hashlib.sha256(uid.encode()).hexdigest()[:32]


def _images(study: Path) -> tuple[int, float]:
    """Number of a study's images, and when the last one came (seconds since 1970)."""
    times = []
    for path in study.glob("*.dcm"):
        try:
            times.append(path.stat().st_mtime)
        except FileNotFoundError:  # just being replaced
            continue
    return len(times), max(times, default=0.0)
