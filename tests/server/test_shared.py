import pytest
from fastapi import HTTPException

from spinetk.server.shared import _result_folder, review_in
from tests.server.routes.conftest import Asked, asked

__all__ = ["asked"]


def test_a_result_is_found_by_its_key_and_by_nothing_else(asked: Asked) -> None:
    shared = asked.client.app.state.spinetk  # type: ignore[attr-defined]
    job = asked.store.get(asked.job)
    assert job is not None
    folder = _result_folder(shared, job, asked.key)
    assert folder.name == asked.key
    for key in ("..", ".", "", "a/b", f"../results/{asked.key}", "study"):
        with pytest.raises(HTTPException):
            _result_folder(shared, job, key)
    review = review_in(shared, job, folder)
    assert review.key == asked.key and len(review.marked) == len(review.result.instances)
