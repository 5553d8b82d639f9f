import shutil
import subprocess
from pathlib import Path

import pytest


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An authority (`authority.pem`) and a certificate of it for 127.0.0.1 (`node.pem`)."""
    if shutil.which("openssl") is None:
        pytest.skip("needs openssl: apt-get install openssl")
    folder = tmp_path_factory.mktemp("tls")

    def openssl(*arguments: str) -> None:
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    (folder / "names").write_text("subjectAltName=IP:127.0.0.1\n")
    new = ("req", "-newkey", "rsa:2048", "-nodes")
    openssl(*new, "-x509", "-subj", "/CN=authority", "-keyout", "a.key", "-out", "authority.pem")
    openssl(*new, "-subj", "/CN=node", "-keyout", "node.key", "-out", "node.csr")
    openssl("x509", "-req", "-in", "node.csr", "-CA", "authority.pem", "-CAkey", "a.key",
            "-CAcreateserial", "-extfile", "names", "-out", "node.crt")  # fmt: skip
    both = (folder / "node.crt").read_text() + (folder / "node.key").read_text()
    (folder / "node.pem").write_text(both)
    return folder
