import pytest

from spinetk.dicom_net.peers import Peer, parse_allowed, parse_peer, parse_title
from spinetk.errors import UsageError


def test_peers_as_people_write_them() -> None:
    assert parse_peer("PACS@127.0.0.1:104") == Peer("PACS", "127.0.0.1", 104)
    assert parse_peer("A B@[::1]:11112") == Peer("A B", "::1", 11112)
    assert str(parse_peer("PACS@host:104")) == "PACS@host:104"
    for text in ("PACS", "PACS@host", "@host:1", "PACS@host:0", "PACS@host:65536", "P\\X@h:1"):
        with pytest.raises(UsageError):
            parse_peer(text)


def test_titles_are_those_of_dicom() -> None:
    assert parse_title(" PACS ") == "PACS"
    for text in ("", "   ", "x" * 17, "a\\b", "ä"):
        with pytest.raises(UsageError, match="AE title has 1 to 16 characters"):
            parse_title(text)


def test_who_may_send_is_told_by_title_and_address() -> None:
    assert ("PACS", "127.0.0.1") in parse_allowed(["PACS@127.0.0.1"])
    with pytest.raises(UsageError, match="TITLE@HOST"):
        parse_allowed(["PACS"])
    with pytest.raises(UsageError, match="the host is not known"):
        parse_allowed(["PACS@no.such.host.invalid"])
