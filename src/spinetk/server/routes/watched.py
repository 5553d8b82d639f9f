"""What watches a server asks: whether it lives, and its figures for Prometheus."""

from __future__ import annotations

import shutil
from collections import Counter

from fastapi import APIRouter, Response
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Gauge, generate_latest
from pydantic import BaseModel

import spinetk
from spinetk.server.shared import Shared

router = APIRouter(tags=["server"])


class Health(BaseModel):
    """That the server answers and its list of studies can be read."""

    status: str
    version: str


@router.get("/health")
def health(shared: Shared) -> Health:
    """Answered without a token: it says nothing of any study."""
    shared.store.all()
    return Health(status="ok", version=spinetk.__version__)


@router.get("/metrics", response_class=Response, responses={200: {"content": {"text/plain": {}}}})
def metrics(shared: Shared) -> Response:
    """Figures in the text format of Prometheus: numbers of studies and results, and room."""
    registry = CollectorRegistry()
    jobs = shared.store.all()
    states = Gauge("spinetk_studies", "Studies by state", ["state"], registry=registry)
    for state, count in Counter(job.state for job in jobs).items():
        states.labels(state).set(count)
    verdicts = Gauge("spinetk_results", "Results by verdict", ["verdict"], registry=registry)
    found = Counter(str(row.get("verdict") or "none") for job in jobs for row in job.results)
    for verdict, count in found.items():
        verdicts.labels(verdict).set(count)
    free = Gauge("spinetk_disk_free_bytes", "Room where studies are kept", registry=registry)
    free.set(shutil.disk_usage(shared.store.folder).free)
    return Response(generate_latest(registry), media_type=CONTENT_TYPE_LATEST)
