from pathlib import Path

from spinetk.errors import SpineError, UnreadableInput, Unsuitable


def test_a_place_is_said_once() -> None:
    error = UnreadableInput("cannot be read as a picture", Path("a.png"))
    assert str(error) == "a.png: cannot be read as a picture"
    assert error.about("a.png") == "cannot be read as a picture"
    assert error.about("series") == str(error)
    assert str(SpineError("nothing is there")) == "nothing is there"


def test_errors_survive_the_way_from_a_worker() -> None:
    import pickle

    error = pickle.loads(pickle.dumps(Unsuitable("has 4 dimensions", "a.nii")))
    assert isinstance(error, Unsuitable) and str(error) == "a.nii: has 4 dimensions"
