import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from spinetk.training.stopping import SIGNALS, asked_to_stop
from tests.make_dataset import make_dataset
from tests.services import running, until


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_is_heard_and_a_second_one_ends(number: int) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), asked_to_stop() as stop:
        assert not stop.is_set()
        os.kill(os.getpid(), number)
        assert stop.wait(1)
        os.kill(os.getpid(), number)
        time.sleep(1)
    assert signal.getsignal(number) is before


def test_in_another_thread_signals_stay_as_they_are() -> None:
    before = signal.getsignal(signal.SIGINT)
    seen = []

    def work() -> None:
        with asked_to_stop() as stop:
            seen.append((stop.is_set(), signal.getsignal(signal.SIGINT) is before))

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [(False, True)]


@pytest.mark.parametrize("number", SIGNALS)
def test_a_training_in_a_scripts_background_ends_with_its_checkpoint(
    number: int, tmp_path: Path
) -> None:
    """As `spinetk train ... &` in a script, which has it ignore SIGINT."""
    pytest.importorskip("torch", reason="needs the train extra")
    data = make_dataset(tmp_path / "toy", patients=3)
    (tmp_path / "c.toml").write_text("iterations = 400\nbatch_size = 1\ninput_size = 128\n")
    command = [
        sys.executable, "-m", "spinetk.cli", "train", str(data), "-o", str(tmp_path / "run"),
        "--config", str(tmp_path / "c.toml"),
    ]  # fmt: skip
    losses = tmp_path / "run" / "losses.csv"
    ignoring = {"preexec_fn": lambda: signal.signal(signal.SIGINT, signal.SIG_IGN)}
    with running(command, stderr=subprocess.PIPE, **ignoring) as process:
        until(lambda: losses.is_file() and len(losses.read_text().splitlines()) >= 8, 120)
        process.send_signal(number)
        _, said = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "s a step: about" in said and "stopped after step" in said
    assert (tmp_path / "run" / "checkpoint.pt").is_file()
    done = int(said.partition("stopped after step ")[2].partition(";")[0])
    assert len(losses.read_text().splitlines()) == done + 1
