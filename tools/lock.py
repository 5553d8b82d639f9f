"""Write constraints.txt: the versions that the suite last passed with. Run after `make test CONSTRAINTS=`.

`make` installs with them, so that a clone of today is the same next year; `make test CONSTRAINTS=`
(`.ci/newest`) takes the newest that pyproject.toml allows, to learn early what breaks.
"""

import subprocess
import sys
from pathlib import Path

PATH = Path(__file__).parents[1] / "constraints.txt"
HEAD = "# written by tools/lock.py: versions that the suite passed with\n"


def frozen() -> str:
    """What is installed in this environment, without SpineTK itself."""
    command = [sys.executable, "-m", "pip", "freeze", "--exclude-editable"]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    return HEAD + "".join(
        f"{line}\n" for line in done.stdout.splitlines() if "==" in line and " @ " not in line
    )


if __name__ == "__main__":
    PATH.write_text(frozen())
    print(f"{PATH.name}: {PATH.read_text().count('==')} versions")
