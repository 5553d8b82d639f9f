import ssl
from pathlib import Path

import pytest

from spinetk.dicom_net.encryption import client_tls, server_tls
from spinetk.errors import UsageError


def test_without_files_there_is_no_tls(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SPINETK_TLS_CA", "SPINETK_TLS_CERT"):
        monkeypatch.delenv(name, raising=False)
    assert client_tls("pacs") is None and server_tls() is None


def test_an_authority_makes_both_sides_show_certificates(
    certificates: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SPINETK_TLS_CA", str(certificates / "authority.pem"))
    client = client_tls("pacs")
    assert client is not None and client[1] == "pacs"
    assert client[0].verify_mode == ssl.CERT_REQUIRED and client[0].check_hostname
    assert server_tls() is None
    monkeypatch.setenv("SPINETK_TLS_CERT", str(certificates / "node.crt"))
    monkeypatch.setenv("SPINETK_TLS_KEY", str(certificates / "node.key"))
    server = server_tls()
    assert server is not None and server.verify_mode == ssl.CERT_REQUIRED


@pytest.mark.parametrize("name", ["SPINETK_TLS_CA", "SPINETK_TLS_CERT"])
def test_files_that_are_none_are_named(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(name, str(tmp_path / "gone.pem"))
    with pytest.raises(UsageError, match=f"{name} .*gone.pem"):
        client_tls("pacs")
