import pytest

from spinetk.debugging import VARIABLE, unexpected


def test_words_of_an_unforeseen_error_are_kept_back_unless_asked_for(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    error = KeyError("Doe^Jane")
    for value in (None, "", "0"):
        monkeypatch.delenv(VARIABLE, raising=False)
        if value is not None:
            monkeypatch.setenv(VARIABLE, value)
        assert unexpected(error) == "unexpected KeyError"
        assert capsys.readouterr().err == ""
    monkeypatch.setenv(VARIABLE, "1")
    try:
        raise error
    except KeyError as caught:
        unexpected(caught)
    shown = capsys.readouterr().err
    assert "Doe^Jane" in shown and "test_debugging.py" in shown
