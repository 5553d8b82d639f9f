"""How many cores this process may use: by its affinity and by the quota of its container."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")


def cores() -> int:
    """Cores that this process may use, at least 1: `docker --cpus=2` on a machine of 64 gives 2."""
    if hasattr(os, "sched_getaffinity"):  # Linux
        there = len(os.sched_getaffinity(0))
    else:
        there = os.cpu_count() or 1
    quota = min(quotas(), default=math.inf)
    return max(1, min(there, math.ceil(quota) if math.isfinite(quota) else there))


def quotas(groups: Path = CGROUPS, own: Path = OWN_GROUPS) -> Iterator[float]:
    """The limits in cores of the control groups that this process is in, version 1 and 2; none
    where there are none.

    Source: Linux, admin-guide/cgroup-v2 (cpu.max), scheduler/sched-bwc (cpu.cfs_quota_us).
    """
    for folder in _folders(groups, own):
        try:
            if (folder / "cpu.max").is_file():
                limit, period = (folder / "cpu.max").read_text().split()
            else:
                limit = (folder / "cpu.cfs_quota_us").read_text().strip()
                period = (folder / "cpu.cfs_period_us").read_text().strip()
            if limit != "max" and int(limit) > 0 and int(period) > 0:
                yield int(limit) / int(period)
        except (OSError, ValueError):  # not a group with a quota, or not Linux
            continue


def _folders(groups: Path, own: Path) -> Iterator[Path]:
    """This process's groups and those above them; in a container its own group is the root."""
    try:
        lines = own.read_text().splitlines()
    except OSError:
        lines = []
    for line in (*lines, "0::/", "1:cpu:/"):
        _, controllers, path = [*line.split(":", 2), "", ""][:3]
        if controllers and "cpu" not in controllers.split(","):
            continue
        for root in (groups / "cpu", groups / "cpu,cpuacct") if controllers else (groups,):
            place = root / path.strip("/")
            yield from (p for p in (place, *place.parents) if p.is_relative_to(root))
