from pathlib import Path

from spinetk.cohort.html import write_html


def test_names_are_shown_and_never_run_and_what_is_no_text_is_replaced(tmp_path: Path) -> None:
    values = {"counts": {}, "networks": {}, "total": 0, "outliers": [], "needed": 8}
    failed = [("<script>x</script>", "a \ud800 b")]
    write_html(tmp_path / "a.html", "page.html", failed=failed, sheet=[], drawings=[], **values)
    text = (tmp_path / "a.html").read_text()
    assert "<script>" not in text and "&lt;script&gt;" in text and "a ? b" in text
    assert text.startswith("<!doctype html>") and "<title>Cohort &ndash; SpineTK</title>" in text
