import re
from pathlib import Path

from spinetk.study import NOT_HOUNSFIELD, TURNED
from spinetk.warning import EARLIER, KINDS, Warning

ROOT = Path(__file__).parents[1]


def test_a_warning_comes_back_from_json() -> None:
    warning = Warning("left-out", "2 slices were left out")
    assert Warning.from_json(warning.to_json()) == warning and warning.severity == "check"
    old = Warning.from_json("said by an earlier version")
    assert old.code == EARLIER
    assert old.text == "said by an earlier version" and old.severity == "check"


def test_every_code_in_use_is_known_and_documented() -> None:
    source = "".join(p.read_text() for p in (ROOT / "src" / "spinetk").rglob("*.py"))
    used = set(re.findall(r'Warning\(\s*"([a-z0-9-]+)"', source))
    assert used | {NOT_HOUNSFIELD, TURNED} == set(KINDS) - {EARLIER}
    page = (ROOT / "docs" / "reference" / "output.md").read_text()
    assert [code for code in KINDS if f"`{code}`" not in page] == []
