"""Links on a real socket, and on Azurite as the service's storage."""

import hashlib
import logging
import traceback
from base64 import b64encode
from collections.abc import Iterator

import pytest

from shared.adapters.call_budget import UnlimitedBudget
from shared.adapters.custom_vision import CustomVisionClient
from shared.adapters.http_exchange import HEAD, Timeouts, make_session
from shared.adapters.picture_source import HttpPictureSource
from shared.domain.errors import (
    GdprError,
    OutcomeUnknown,
    ServiceUnavailable,
    SourceRefusal,
    Throttled,
    TransientError,
)
from shared.ports import PictureSource, SourceFacts
from tests.contract.conftest import PicturesOnAzurite
from tests.fakes import SettableClock
from tests.unit.adapters.scripted_server import HANG_UP, RESET, SILENCE, Reply, ScriptedServer, scripted_server

BYTES = b"\xff\xd8\xff" + bytes(range(256)) * 4_000
MD5 = hashlib.md5(BYTES).digest()
MD5_TEXT = b64encode(MD5).decode()
SAS = "?sv=2017-04-17&sr=b&sig=secret-signature&se=2026-11-25&sp=r"


@pytest.fixture
def server() -> Iterator[ScriptedServer]:
    with scripted_server() as running:
        yield running


@pytest.fixture
def source() -> Iterator[PictureSource]:
    with make_session(4) as session:
        yield HttpPictureSource(session, Timeouts(connect=2, read=0.3))


def link(server: ScriptedServer) -> str:
    return f"{server.url}/i-project/i-image{SAS}"


def partial(body: bytes = BYTES[:HEAD], **headers: str) -> Reply:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Reply(206, body, {"Content-Range": f"bytes 0-{HEAD - 1}/{len(BYTES)}", "ETag": '"0x1"', **named})


def test_one_ranged_read_shows_the_facts(server: ScriptedServer, source: PictureSource) -> None:
    server.script(partial(x_ms_blob_content_md5=MD5_TEXT))
    assert source.probe(link(server)) == SourceFacts(BYTES[:HEAD], len(BYTES), '"0x1"', MD5)
    (asked,) = server.asked
    assert (asked.method, asked.headers["range"]) == ("GET", "bytes=0-511")


def test_nothing_of_ours_goes_to_storage(server: ScriptedServer, source: PictureSource) -> None:
    server.script(partial())
    source.probe(link(server))
    assert set(server.asked[0].headers) <= {"host", "user-agent", "accept", "accept-encoding", "connection", "range"}


def test_what_a_netrc_file_holds_does_not_go_to_storage_either(
    server: ScriptedServer,
    source: PictureSource,
    tmp_path_factory: pytest.TempPathFactory,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    netrc = tmp_path_factory.mktemp("home") / "netrc"
    netrc.write_text("machine 127.0.0.1 login x password y\n")
    monkeypatch.setenv("NETRC", str(netrc))
    server.script(partial())
    source.probe(link(server))
    assert "authorization" not in server.asked[0].headers


def test_the_md5_of_a_part_is_not_taken_for_that_of_the_whole(server: ScriptedServer, source: PictureSource) -> None:
    server.script(partial(Content_MD5=MD5_TEXT))
    assert source.probe(link(server)).md5 is None


@pytest.mark.parametrize("text", ["", "no base64!", b64encode(b"short").decode(), MD5.hex()])
def test_an_md5_of_another_form_counts_as_none(server: ScriptedServer, source: PictureSource, text: str) -> None:
    server.script(partial(x_ms_blob_content_md5=text))
    assert source.probe(link(server)).md5 is None


def test_a_server_without_ranges_is_read_for_the_first_bytes_only(
    server: ScriptedServer, source: PictureSource
) -> None:
    # The announced rest never comes: whoever waited for it would fail.
    server.script(Reply(200, BYTES[:4096], {"Content-MD5": MD5_TEXT, "ETag": '"0x2"'}, announced=len(BYTES)))
    assert source.probe(link(server)) == SourceFacts(BYTES[:HEAD], len(BYTES), '"0x2"', MD5)


@pytest.mark.parametrize("size", [1, 511, 512, 513])
def test_small_pictures_are_seen_whole(server: ScriptedServer, source: PictureSource, size: int) -> None:
    server.script(Reply(206, BYTES[:size][:HEAD], {"Content-Range": f"bytes 0-{min(size, HEAD) - 1}/{size}"}))
    assert source.probe(link(server)) == SourceFacts(BYTES[:size][:HEAD], size, None, None)


@pytest.mark.parametrize(
    "reply",
    [
        Reply(416, b"<Error/>", {"Content-Range": "bytes */0", "ETag": '"0"'}),
        Reply(416, b"<Error/>", {"ETag": '"0"'}),
        Reply(412, b"<Error/>", {"Content-Range": "bytes */0", "ETag": '"0"'}),
        Reply(200, b"", {"ETag": '"0"'}),
    ],
)
def test_an_empty_blob_has_no_range_and_size_zero(server: ScriptedServer, source: PictureSource, reply: Reply) -> None:
    server.script(reply)
    assert source.probe(link(server)) == SourceFacts(b"", 0, '"0"', None)


REFUSALS = [
    (400, "refused"),
    (401, "refused"),
    (403, "link_expired"),
    (404, "source_absent"),
    (409, "refused"),
    (410, "source_absent"),
    (412, "source_changed"),
    (301, "refused"),
    (302, "refused"),
    (204, "refused"),
]


@pytest.mark.parametrize(("status", "reason"), REFUSALS)
def test_a_final_no_is_named(server: ScriptedServer, source: PictureSource, status: int, reason: str) -> None:
    server.script(Reply(status, b"", {"Location": server.url}))
    with pytest.raises(SourceRefusal) as probed:
        source.probe(link(server))
    with pytest.raises(SourceRefusal) as streamed, source.stream(link(server)):
        pass
    for raised in (probed, streamed):
        assert (raised.value.reason, raised.value.status) == (reason, status)
    assert len(server.asked) == 2


@pytest.mark.parametrize(
    ("reply", "expected"),
    [
        (Reply(429, headers={"Retry-After": "9"}), Throttled),
        (Reply(408), ServiceUnavailable),
        (Reply(500), ServiceUnavailable),
        (Reply(503, headers={"Retry-After": "9"}), ServiceUnavailable),
        (RESET, OutcomeUnknown),
        (HANG_UP, OutcomeUnknown),
        (SILENCE, OutcomeUnknown),
    ],
)
def test_what_may_pass_is_transient(
    server: ScriptedServer, source: PictureSource, reply: Reply, expected: type[TransientError]
) -> None:
    server.script(reply)
    with pytest.raises(expected) as raised:
        source.probe(link(server))
    assert raised.value.retry_after == (9.0 if reply.headers else None)
    with pytest.raises(expected), source.stream(link(server)):
        pass


@pytest.mark.parametrize(
    "reply",
    [
        Reply(206, BYTES[:100], {"Content-Range": f"bytes 0-511/{len(BYTES)}"}, announced=512, then="close"),
        Reply(206, BYTES[:100], {"Content-Range": f"bytes 0-511/{len(BYTES)}"}),
    ],
)
def test_a_first_read_that_ends_early_is_truncated(server: ScriptedServer, source: PictureSource, reply: Reply) -> None:
    server.script(reply)
    with pytest.raises(SourceRefusal, match="truncated"):
        source.probe(link(server))


@pytest.mark.parametrize(
    "reply",
    [
        Reply(206, BYTES[:HEAD]),
        Reply(206, BYTES[:HEAD], {"Content-Range": "bytes 0-511/*"}),
        Reply(200, b"3\r\nabc\r\n0\r\n\r\n", {"Transfer-Encoding": "chunked"}, announced=-1),
    ],
)
def test_a_source_that_does_not_say_its_size_is_refused(
    server: ScriptedServer, source: PictureSource, reply: Reply
) -> None:
    server.script(reply)
    with pytest.raises(SourceRefusal, match="refused"):
        source.probe(link(server))


@pytest.mark.parametrize(
    "bad",
    [
        "",
        "/i-project/i-image",
        "//host.example/x",
        "file:///etc/passwd",
        "ftp://127.0.0.1/x",
        "http://store.blob.core.windows.net/x",
        "https://",
        "http://[broken",
        "https://host.example:port/",
        "data:,x",
    ],
)
def test_links_that_are_not_absolute_and_safe_are_refused(source: PictureSource, bad: str) -> None:
    with pytest.raises(SourceRefusal, match="refused"):
        source.probe(bad)
    with pytest.raises(SourceRefusal, match="refused"), source.stream(bad):
        pass


# Streams


@pytest.mark.parametrize("expected_size", [None, len(BYTES)])
def test_a_stream_gives_the_bytes_in_chunks(
    server: ScriptedServer, source: PictureSource, expected_size: int | None
) -> None:
    server.script(Reply(200, BYTES))
    with source.stream(link(server), expected_size=expected_size) as chunks:
        received = list(chunks)
    assert b"".join(received) == BYTES
    assert max(len(chunk) for chunk in received) <= 256 * 1024
    assert "range" not in server.asked[0].headers


@pytest.mark.parametrize(
    "reply",
    [
        Reply(200, BYTES[:1000], announced=len(BYTES), then="close"),
        Reply(200, BYTES[:1000], announced=-1, then="close"),
    ],
)
def test_a_stream_that_ends_early_is_truncated(server: ScriptedServer, source: PictureSource, reply: Reply) -> None:
    server.script(reply)
    with source.stream(link(server), expected_size=len(BYTES)) as chunks, pytest.raises(SourceRefusal) as raised:
        list(chunks)
    assert raised.value.reason == "truncated"


def test_a_stream_that_stalls_may_pass(server: ScriptedServer, source: PictureSource) -> None:
    server.script(Reply(200, BYTES[:1000], announced=len(BYTES)))
    with source.stream(link(server)) as chunks, pytest.raises(OutcomeUnknown):
        list(chunks)


def test_a_stream_whose_missing_end_nobody_would_notice_is_refused(
    server: ScriptedServer, source: PictureSource
) -> None:
    server.script(Reply(200, BYTES[:1000], announced=-1, then="close"))
    with pytest.raises(SourceRefusal, match="refused"), source.stream(link(server)):
        pass


def test_a_chunked_stream_shows_its_end(server: ScriptedServer, source: PictureSource) -> None:
    chunked = {"Transfer-Encoding": "chunked"}
    server.script(Reply(200, b"3\r\nabc\r\n0\r\n\r\n", chunked, announced=-1))
    with source.stream(link(server)) as chunks:
        assert b"".join(chunks) == b"abc"
    server.script(Reply(200, b"3\r\nabc\r\n", chunked, announced=-1, then="close"))
    with source.stream(link(server)) as chunks, pytest.raises(GdprError):
        list(chunks)


def test_another_length_than_expected_is_another_picture(server: ScriptedServer, source: PictureSource) -> None:
    server.script(Reply(200, BYTES))
    with pytest.raises(SourceRefusal, match="source_changed"), source.stream(link(server), expected_size=5):
        pass
    server.script(Reply(200, BYTES, announced=-1, then="close"))
    with source.stream(link(server), expected_size=5) as chunks, pytest.raises(SourceRefusal, match="source_changed"):
        list(chunks)


def test_leaving_a_stream_early_gives_the_connection_up(server: ScriptedServer, source: PictureSource) -> None:
    server.script(Reply(200, BYTES, announced=10 * len(BYTES)))
    with source.stream(link(server)) as chunks:
        next(chunks)
    server.script(Reply(200, b"second"))
    with source.stream(link(server)) as chunks:
        assert b"".join(chunks) == b"second"


@pytest.mark.parametrize(
    "fault",
    [
        RESET,
        HANG_UP,
        Reply(403, b"secret-body"),
        Reply(503, b"secret-body"),
        Reply(302, headers={"Location": "https://elsewhere.example/?sig=secret-signature"}),
        Reply(200, b"x", {"bad header\x01": "x"}, announced=500, then="close"),
    ],
)
def test_neither_logs_nor_errors_show_a_link(
    server: ScriptedServer, source: PictureSource, caplog: pytest.LogCaptureFixture, fault: Reply
) -> None:
    caplog.set_level(logging.DEBUG)
    server.script(fault)
    with pytest.raises(GdprError) as probed:
        source.probe(link(server))
    with pytest.raises(GdprError) as streamed, source.stream(link(server)) as chunks:
        list(chunks)
    told = caplog.text
    for raised in (probed.value, streamed.value):
        told += "".join(traceback.format_exception(raised)) + repr(vars(raised))
    assert "secret" not in told
    assert "sig=" not in told
    assert "127.0.0.1" not in told


@pytest.mark.parametrize("place", ["https://.example.com/x", "https://*.example.com/x", "https://me:pw@example.com/x"])
def test_a_link_that_no_request_can_carry_is_refused(source: PictureSource, place: str) -> None:
    with pytest.raises(SourceRefusal, match="refused"):
        source.probe(place)


def test_a_link_is_asked_for_as_it_is(server: ScriptedServer, source: PictureSource) -> None:
    server.script(partial())
    source.probe(f"{server.url}/a%20b/c%2Fd?sig=a%2Bb%3D&sp=r#end")
    assert server.asked[0].target == "/a%20b/c%2Fd?sig=a%2Bb%3D&sp=r"


def test_the_training_key_of_the_same_session_stays_away(server: ScriptedServer) -> None:
    with make_session(1) as session:
        client = CustomVisionClient(
            server.url, key="the-key", credential=None, session=session, budget=UnlimitedBudget(), clock=SettableClock()
        )
        server.script(Reply(200, b"[]"), partial())
        client.get_projects()
        HttpPictureSource(session).probe(link(server))
    assert [asked.headers.get("training-key") for asked in server.asked] == ["the-key", None]


# The service's storage


@pytest.mark.azurite
@pytest.mark.parametrize("content", [b"", b"x", BYTES[:512], BYTES], ids=len)
def test_a_blob_behind_a_sas_is_probed_and_read(
    azurite_pictures: PicturesOnAzurite, source: PictureSource, content: bytes
) -> None:
    picture = azurite_pictures.publish(content)
    facts = source.probe(picture.link)
    assert (facts.head, facts.size) == (content[:HEAD], len(content))
    if content:
        assert (facts.etag, facts.md5) == (picture.etag, hashlib.md5(content).digest())
    with source.stream(picture.link, expected_size=len(content)) as chunks:
        assert b"".join(chunks) == content


@pytest.mark.azurite
def test_storage_says_when_a_link_has_expired_and_when_the_blob_is_gone(
    azurite_pictures: PicturesOnAzurite, source: PictureSource
) -> None:
    picture = azurite_pictures.publish(BYTES)
    for bad, reason in (
        (azurite_pictures.expired_link(picture), "link_expired"),
        (azurite_pictures.absent_link(), "source_absent"),
    ):
        with pytest.raises(SourceRefusal, match=reason):
            source.probe(bad)
        with pytest.raises(SourceRefusal, match=reason), source.stream(bad):
            pass
