"""Uploads that are too large, cut, or made to hurt."""

import gzip
import http.client
import io
import threading
import zipfile

import pytest
from django.core.files.uploadhandler import StopUpload
from django.test import RequestFactory

from teachkit.leaderboard.pages.shields import size_limit
from teachkit.leaderboard.people.models import Token
from teachkit.leaderboard.submissions.models import Submission
from teachkit.leaderboard.submissions.receiving import CappedUpload

pytestmark = pytest.mark.django_db


def test_a_gigabyte_is_refused_by_its_stated_length_before_it_is_read():
    request = RequestFactory().post("/challenges/toy/submit/")
    request.META["CONTENT_LENGTH"] = str(2**30)
    assert size_limit(lambda _: pytest.fail("it was let in"))(request).status_code == 413


@pytest.mark.parametrize(
    ("header", "value"), [("CONTENT_LENGTH", "-5"), ("HTTP_TRANSFER_ENCODING", "Chunked")]
)
def test_a_body_of_unknown_length_is_refused(header, value):
    request = RequestFactory().post("/challenges/toy/submit/")
    request.META[header] = value
    assert size_limit(lambda _: pytest.fail("it was let in"))(request).status_code in (411, 413)


def test_an_upload_that_is_longer_than_it_said_stops(settings):
    settings.UPLOAD_MOST_BYTES = 1000
    handler = CappedUpload()
    handler.new_file("file", "p.csv", "text/csv", 10)
    handler.receive_data_chunk(b"x" * 1000, 0)
    with pytest.raises(StopUpload):
        handler.receive_data_chunk(b"x", 1000)


def _zip_bomb() -> bytes:
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as archive:
        for index in range(4):
            archive.writestr(f"{index}.csv", b"0" * 2**25)
    return stream.getvalue()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param(gzip.compress(b"0" * 2**27), "64 MiB", id="gzip bomb"),
        pytest.param(_zip_bomb(), "64 MiB", id="zip bomb"),
        pytest.param(gzip.compress(b"dataset,id,p0\nbreast,0,1\n")[:-9], "cut off", id="cut gzip"),
        pytest.param(b"\xff\xfed\0a\0t\0a\0", "UTF-8", id="utf-16"),
        pytest.param(b"\0" * 4096, "UTF-8", id="zeros"),
        pytest.param(b"\x89PNG\r\n\x1a\n" + b"x" * 999, "", id="picture"),
    ],
)
def test_files_made_to_hurt_are_rejected_with_a_reason(
    challenge, member_of, hand_in, score_here, as_user, content, said
):
    owl = member_of("Owls")
    assert hand_in(owl, challenge, content).status_code == 302
    assert score_here() == 1
    entry = Submission.objects.get()
    assert entry.state == "rejected"
    assert said in str(entry.faults)
    assert as_user(owl).get(entry.get_absolute_url()).status_code == 200


def test_an_empty_file_is_refused_by_the_form(challenge, member_of, hand_in):
    assert hand_in(member_of("Owls"), challenge, b"").status_code == 400
    assert Submission.objects.count() == 0


@pytest.mark.parametrize(
    "name", ["../../etc/passwd", "..\\..\\x.csv", "a\0b.csv", "-rf.csv", ".hidden", "ü§.csv"]
)
def test_a_file_name_has_no_way_out_of_its_folder(name):
    from teachkit.leaderboard.submissions.receiving import _plain

    found = _plain(name)
    assert found == found.strip("/\\\0")
    assert "/" not in found
    assert "\\" not in found
    assert not found.startswith(".")


@pytest.mark.django_db(transaction=True)
def test_a_sender_that_hangs_up_in_the_middle_leaves_nothing(challenge, member_of, live_server, site):
    token = Token.issue(member_of("Owls"), "laptop")
    host, port = live_server.thread.host, live_server.thread.port
    connection = http.client.HTTPConnection(host, port, timeout=20)
    head = b'--x\r\nContent-Disposition: form-data; name="file"; filename="p.csv"\r\n\r\n'
    connection.putrequest("POST", "/api/challenges/toy/submissions/")
    connection.putheader("Authorization", f"Bearer {token}")
    connection.putheader("Content-Type", "multipart/form-data; boundary=x")
    connection.putheader("Content-Length", str(10**6))
    connection.endheaders(head + b"dataset,id,p0\n" * 1000)
    connection.close()
    done = threading.Event()
    for _ in range(10):
        done.wait(0.1)
    assert Submission.objects.count() == 0
    assert not (site / "uploads").exists() or not list((site / "uploads").iterdir())
