"""The worklist over HTTP, of uploaded studies."""

from tests.server.conftest import Served


def test_an_uploaded_study_is_in_the_worklist_and_is_judged(
    server: Served, done: tuple[str, str]
) -> None:
    job, key = done
    row = next(r for r in server.ask("GET", "worklist") if r["job"] == job and r["key"] == key)
    assert row["study"] == "study" and row["bodies"] >= 9 and row["verdict"] in ("ok", "check")
    said = {"decision": "accept", "who": "Ann"}
    answer = server.ask("PUT", f"jobs/{job}/results/{key}/look", json=said)
    assert answer["decision"] == "accept" and answer["comment"] == "" and answer["when"]
    assert server.ask("GET", f"jobs/{job}/results/{key}")["look"] == answer
    row = next(r for r in server.ask("GET", "worklist") if r["job"] == job and r["key"] == key)
    assert row["look"] == answer


def test_what_is_no_judgement_is_refused(server: Served, done: tuple[str, str]) -> None:
    job, key = done
    for said in ({"decision": "maybe", "who": "Ann"}, {"decision": "accept", "who": ""}):
        server.ask("PUT", f"jobs/{job}/results/{key}/look", 422, json=said)
    server.ask("PUT", f"jobs/{job}/results/nothing/look", 404, json={"decision": "", "who": "A"})
    server.ask("GET", f"jobs/{job}/results/nothing/thumbnail.png", 404)
