import json
from dataclasses import asdict

import pytest

from spinetk.server.job import Job, Task, fields_of, job_from


def test_a_job_is_read_as_it_is_written() -> None:
    job = Job("a", "study", results=({"key": "k"},), tasks=(Task("k", 3),))
    assert job_from(json.dumps(asdict(job))) == job
    assert Job(**fields_of(job)) == job


@pytest.mark.parametrize("text", ["{}", "[]", "null", "{", '{"results": [], "tasks": [3]}'])
def test_a_row_of_no_job_is_told(text: str) -> None:
    with pytest.raises((ValueError, TypeError, KeyError)):
        job_from(text)
