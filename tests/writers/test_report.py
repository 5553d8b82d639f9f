import re
from pathlib import Path

from spinetk.measures.table import measured
from spinetk.results.record import read_record
from spinetk.study import Segmentation, SliceCount
from spinetk.writers.report import selection_chart, write_report


def test_the_page_is_complete_in_itself_and_escapes_what_it_shows(
    written: Path, phantom_result: Segmentation, tmp_path: Path
) -> None:
    record = read_record(written).to_json()
    record |= {
        "key": "<script>alert(1)</script>",
        "warnings": [{"code": "left-out", "severity": "note", "text": "<b>2</b> left out"}],
    }
    rows, angles = measured(phantom_result)
    write_report(tmp_path / "r.html", phantom_result, rows, angles, record)
    page = (tmp_path / "r.html").read_text()
    assert "<script>alert" not in page and "&lt;b&gt;2&lt;/b&gt; left out" in page
    assert not re.search(r'(src|href)="(?!data:|#)', page)
    for instance in phantom_result.instances:
        assert str(instance.level) in page


def test_the_chart_marks_the_chosen_slice() -> None:
    trace = [SliceCount(k, bodies, 0, 100.0 * bodies) for k, bodies in enumerate((1, 5, 7, 7, 2))]
    bars = selection_chart(trace, 2)["bars"]
    assert [bar["chosen"] for bar in bars] == [False, False, True, False, False]
