"""A list of studies, as spreadsheets write them."""

from pathlib import Path

import pytest

from spinetk.batch import segment_all
from spinetk.batch_options import Options, options_of
from spinetk.cli_studies import read_studies
from spinetk.errors import UsageError
from spinetk.network.loaded import LoadedModel
from spinetk.phantom import PhantomConfig, make_phantom, write_phantom


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for number in (1, 2):
        config = PhantomConfig(slices=1, samples=1, seed=number)
        write_phantom(make_phantom(config), tmp_path / f"p{number}")
        (tmp_path / f"p{number}" / "truth.nii.gz").unlink()
    return tmp_path


def listed(folder: Path, text: str) -> Path:
    path = folder / "list.csv"
    path.write_text(text, encoding="utf-8-sig")
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_cells_change_the_options_of_their_study(folder: Path, separator: str) -> None:
    lines = ["key,path,anchor,spacing", "P 1,p1,L5=2,0.5 0.4", ",p2,,"]
    text = "\n".join(line.replace(",", separator) for line in lines) + "\n"
    one, other = read_studies(listed(folder, text))
    assert (one.path, one.key) == (folder / "p1", "P 1") and other.key is None
    options = Options(anchor=("L4", 2), studies=(one, other))
    own = options_of(options, folder / "p1" / "dicom")
    assert own.anchor == ("L5", 2) and own.spacing == (0.5, 0.4)
    assert options_of(options, folder / "p2" / "dicom").anchor == ("L4", 2)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("name\na\n", "needs the column path"),
        ("path,level\np1,L5\n", "needs the column path"),
        ("path\n", "names no study"),
        ("path\np9\n", "line 2: there is no p9"),
        ("path,anchor\np1,L5=2\np2,L9\n", "line 3: give a level"),
        ("path,slice\np1,all\n", "line 2: slice"),
        ("path,key\np1,a\np2,a\n", "key a twice"),
        ("path,key\n,a\n", "line 2: has no path"),
        ("path,slice\np1,0\np1,1\n", "line 3: names p1 a second time"),
    ],
)
def test_what_is_wrong_is_named_with_its_line(folder: Path, text: str, told: str) -> None:
    with pytest.raises(UsageError, match=told) as error:
        read_studies(listed(folder, text))
    assert "\n" not in str(error.value)


def test_each_study_is_segmented_as_it_is_asked(
    folder: Path, mr_model: LoadedModel, tmp_path: Path
) -> None:
    studies = read_studies(listed(folder, "path,key,anchor\np1,one,L4=2\np2,two,\n"))
    options = Options(formats=("csv",), studies=studies)
    out = tmp_path / "out"
    segment_all([s.path for s in studies], out, options, models={"mr": mr_model})
    texts = [(out / key / "instances.csv").read_text() for key in ("one", "two")]
    levels = [[line.split(",")[2] for line in text.splitlines()[1:3]] for text in texts]
    assert levels[0] == ["L5", "L4"] and levels[1] == ["S1", "L5"]
