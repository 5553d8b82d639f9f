import os
import signal

from spinetk.workers import in_workers


def square(number: int) -> int:
    if number == 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return number**2


def test_results_come_in_order_and_a_dead_process_loses_only_what_it_had() -> None:
    lost: list[int] = []

    def noted(number: int) -> int:
        lost.append(number)
        return -1

    results = list(in_workers(square, range(8), 2, noted))
    assert len(results) == 8 and 3 in lost and results[3] == -1
    assert all(result == number**2 for number, result in enumerate(results) if number not in lost)
    assert results[7] == 49  # what comes after goes on in new processes
