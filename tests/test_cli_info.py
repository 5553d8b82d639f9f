import json

from typer.testing import CliRunner

import spinetk
from spinetk.cli import app
from spinetk.network.registry import find_model


def test_the_installation_says_what_it_is() -> None:
    done = CliRunner().invoke(app, ["info", "--json"])
    assert done.exit_code == 0
    content = json.loads(done.stdout)
    assert content["spinetk"] == spinetk.__version__ and ".nii.gz" in content["reads"]
    networks = {network["name"]: network for network in content["networks"]}
    assert set(networks) == {"mr", "ct", "xr"}
    assert networks["mr"]["sha256"] == find_model("mr").sha256
    assert any(row["data_set"] == "mr_spider" for row in networks["mr"]["figures"])


def test_people_get_the_same_in_lines() -> None:
    done = CliRunner().invoke(app, ["info"])
    assert done.exit_code == 0 and f"SpineTK {spinetk.__version__}" in done.stdout
    assert "network mr" in done.stdout and "Dice 0.9" in done.stdout
