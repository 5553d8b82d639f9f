"""`python -m attacks.measured ...` is `spinetk ...`, and says at the end how many bytes it held."""

import atexit
import re
import resource
import sys
from pathlib import Path


def most() -> int:
    """The most bytes that this process, or one that it started, has held."""
    own = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    started = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return 1024 * max(int(own[1]) if own else 0, started)


if __name__ == "__main__":
    from spinetk.cli import main

    atexit.register(lambda: print("most", most(), file=sys.stderr))
    main()
