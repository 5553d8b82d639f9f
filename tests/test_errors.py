from pathlib import Path

from spinetk.errors import SpineError, UnreadableInput, Unsuitable, readable


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


def test_no_name_controls_a_terminal_or_makes_a_second_line() -> None:
    for text in ("a\nb", "a\x1b[31mb", "a\x00b", "a\u2028b", "a\u202egnp.b", "a\x7fb", "a\x9bb"):
        told = str(SpineError("is damaged", text))
        assert told.isprintable() and told.startswith("a\N{REPLACEMENT CHARACTER}"), repr(told)
    for text in ("Müller.png", "脊椎 1.dcm", "a b-c_d.nii.gz", "עמוד.png"):
        assert readable(text) == text
