from pathlib import Path

import pytest
from pydicom import dcmread
from pynetdicom import AE
from pynetdicom.sop_class import Verification  # type: ignore[attr-defined]

from spinetk.dicom_net.receiving import Listener
from spinetk.dicom_net.storing import StudyFolder
from spinetk.errors import UsageError
from tests.dicom_net.test_send import free_port


def test_images_of_allowed_peers_are_on_disk_when_they_are_acknowledged(
    phantom_folder: Path, tmp_path: Path
) -> None:
    folder, port = StudyFolder(tmp_path / "node"), free_port()
    listener = Listener("SPINETK", [("SCANNER", "127.0.0.1")], folder)
    listener.start("127.0.0.1", port)
    try:
        path = min((phantom_folder / "dicom").iterdir())
        dataset = dcmread(path)
        for title, accepted in (("SCANNER", True), ("STRANGER", False)):
            entity = AE(ae_title=title)
            entity.add_requested_context(dataset.SOPClassUID, dataset.file_meta.TransferSyntaxUID)
            entity.add_requested_context(Verification)
            association = entity.associate("127.0.0.1", port, ae_title="SPINETK")
            assert association.is_established == accepted
            if accepted:
                assert association.send_c_echo().Status == 0
                assert association.send_c_store(dataset).Status == 0
                [study] = folder.studies()
                assert folder.arrivals(study)[0] == 1
                association.release()
        again = Listener("SPINETK", [("SCANNER", "127.0.0.1")], folder)
        with pytest.raises(UsageError, match="cannot listen there"):
            again.start("127.0.0.1", port)
    finally:
        listener.stop()
