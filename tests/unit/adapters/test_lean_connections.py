"""Connections that leave the answer's parsing to httptools: whatever a server sends, on real sockets and in pieces."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import RemoteDisconnected
from itertools import pairwise
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st
from urllib3 import HTTPConnectionPool, Retry, Timeout
from urllib3.exceptions import HTTPError, IncompleteRead, ProtocolError

from shared.adapters.lean_connections import LARGEST_HEAD, AnswerReader, LeanAdapter, LeanAnswer, head_of
from tests.unit.adapters.scripted_server import HANG_UP, RESET, SILENCE, Reply, ScriptedServer

PLAIN = b'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: "0x1"\r\n\r\nhello'
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-Late: 1\r\n\r\n"
INTERIM = b"HTTP/1.1 100 Continue\r\nX-Early: 1\r\n\r\n"


class Wire(Reply):
    """An answer given byte for byte as its body."""

    def wire(self) -> bytes:
        return self.body


@dataclass
class Pieces:
    """A socket whose other end has sent these pieces and then closed."""

    pieces: list[bytes]
    taken: int = field(default=0)

    def recv(self, size: int) -> bytes:
        piece = self.pieces.pop(0) if self.pieces else b""
        assert len(piece) <= size
        self.taken += len(piece)
        return piece


def read(*pieces: bytes, most_bytes: int | None = None) -> tuple[LeanAnswer, bool]:
    return AnswerReader().answer(cast("socket.socket", Pieces(list(pieces))), most_bytes)


@contextmanager
def pool_of(url: str, most_bytes: int | None = None) -> Iterator[HTTPConnectionPool]:
    adapter = LeanAdapter(hosts=1, pool_size=2, most_bytes=most_bytes)
    yield adapter.pool(url, True, {})
    adapter.close()


@pytest.fixture
def pool(server: ScriptedServer) -> Iterator[HTTPConnectionPool]:
    with pool_of(server.url) as made:
        yield made


def get(pool: HTTPConnectionPool, retries: Retry | bool = False) -> LeanAnswer:
    waits = Timeout(connect=2, read=0.3)
    return cast("LeanAnswer", pool.urlopen("GET", "/a", headers={"host": "h"}, retries=retries, timeout=waits))


# Requests


def test_a_request_arrives_as_it_was_meant(server: ScriptedServer, pool: HTTPConnectionPool) -> None:
    body = bytes(range(256)) * 1024
    for content in (b"", b"short", body):
        headers = {"host": "here", "x-ms-a": "é", "content-length": str(len(content))}
        pool.urlopen("PUT", "/a%20b?c=d&e", body=content, headers=headers)
    first, second, third = server.asked
    assert (first.method, first.target, first.headers["host"]) == ("PUT", "/a%20b?c=d&e", "here")
    assert (first.headers["x-ms-a"], second.body, third.body) == ("é", b"short", body)


@pytest.mark.parametrize("bad", ["a\r\nx-ms-b: 1", "a\nb", "a\rb", "a\0b", "a\r\n b"])
def test_nothing_can_be_smuggled_into_a_request(bad: str) -> None:
    for method, target, headers in (("GET", "/", {"x": bad}), ("GET", f"/{bad}", {}), ("GET", "/", {bad: "x"})):
        with pytest.raises(ValueError, match="line break"):
            head_of(method, target, headers)
    with pytest.raises(ValueError, match="line break"):
        head_of("GET", "/a HTTP/1.1", {})


# Answers


@given(st.lists(st.integers(0, len(INTERIM + CHUNKED)), max_size=8), st.sampled_from([PLAIN, CHUNKED, INTERIM + PLAIN]))
def test_an_answer_is_the_same_in_whatever_pieces_it_comes(cuts: list[int], wire: bytes) -> None:
    places = [0, *sorted(cuts), len(wire)]
    pieces = [wire[a:b] for a, b in pairwise(places) if wire[a:b]]
    answer, is_kept = read(*pieces)
    assert (answer.status, answer.data, is_kept) == (200, b"hello", True)
    assert not {"x-late", "x-early"} & set(answer.headers)


def test_headers_are_asked_for_in_any_case_and_a_repeated_one_has_all_its_values() -> None:
    answer, _ = read(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX-A: 1 \r\nx-a:2\r\n\r\n")
    assert (answer.headers["X-A"], answer.headers.get("x-B")) == ("1, 2", None)
    assert dict(answer.headers) == {"content-length": "0", "x-a": "1, 2"}


def test_a_body_without_a_length_ends_with_its_connection() -> None:
    answer, is_kept = read(b"HTTP/1.1 200 OK\r\n\r\nhel", b"lo")
    assert (answer.data, is_kept) == (b"hello", False)


@pytest.mark.parametrize("status", [204, 304])
def test_an_answer_that_has_no_body_waits_for_none(status: int) -> None:
    answer, is_kept = read(f"HTTP/1.1 {status} X\r\n\r\n".encode())
    assert (answer.status, answer.data, is_kept) == (status, b"", True)


@pytest.mark.parametrize("wire", [PLAIN[:-1], CHUNKED[:-20]])
def test_an_answer_that_ends_early_is_an_error_where_all_of_it_is_wanted(wire: bytes) -> None:
    with pytest.raises(IncompleteRead):
        read(wire)
    assert read(wire, most_bytes=9)[1] is False


@pytest.mark.parametrize(("wire", "kind"), [(b"", RemoteDisconnected), (PLAIN[:20], ProtocolError)])
def test_no_answer_and_half_a_head_are_errors(wire: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind):
        read(wire)
    with pytest.raises(kind):
        read(wire, most_bytes=9)


def test_of_a_large_body_no_more_is_read_than_is_wanted() -> None:
    socket_ = Pieces([b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n", b"x" * 1000, b"y" * 1000, b"z" * 1000])
    answer, is_kept = AnswerReader().answer(cast("socket.socket", socket_), 1500)
    assert (answer.data, is_kept, len(socket_.pieces)) == (b"x" * 1000 + b"y" * 1000, False, 1)


def test_the_body_of_a_refusal_is_not_waited_for_where_only_a_beginning_is_wanted() -> None:
    socket_ = Pieces([b"HTTP/1.1 503 X\r\nContent-Length: 5000\r\n\r\nxx", b"x" * 1000])
    answer, is_kept = AnswerReader().answer(cast("socket.socket", socket_), 512)
    assert (answer.status, is_kept, len(socket_.pieces)) == (503, False, 1)


@pytest.mark.parametrize(
    "wire",
    [
        b"hello, who is there?\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00",
        b"HTTP/1.1 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999999999999999\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno colon\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: a\rb\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nx: a\0b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nbad name\x01: x\r\n\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
    ],
)
def test_what_is_not_http_is_an_error_without_a_word_of_it(wire: bytes) -> None:
    with pytest.raises(ProtocolError) as raised:
        read(wire)
    assert raised.value.__cause__ is None
    assert str(raised.value) == "the answer is not HTTP"


@pytest.mark.parametrize("line", [b"X: 1\r\n", b"\r\nHTTP/1.1 100 Continue\r\n"], ids=["headers", "interim answers"])
def test_a_head_without_end_is_given_up(line: bytes) -> None:
    socket_ = Pieces([b"HTTP/1.1 100 Continue\r\n", *[line * 100] * 10_000])
    with pytest.raises(ProtocolError, match="no end"):
        AnswerReader().answer(cast("socket.socket", socket_), None)
    assert socket_.taken <= LARGEST_HEAD + 4096


@given(st.lists(st.binary(min_size=1, max_size=40), max_size=5))
def test_whatever_comes_it_is_an_answer_or_an_error_of_urllib3(pieces: list[bytes]) -> None:
    with suppress(HTTPError, RemoteDisconnected):
        assert 100 <= read(b"HTTP/1.1 ", *pieces)[0].status <= 999


# Connections


def test_a_connection_is_used_again(server: ScriptedServer, pool: HTTPConnectionPool) -> None:
    server.script(Wire(body=PLAIN))
    assert [get(pool).data for _ in range(3)] == [b"hello"] * 3
    assert pool.num_connections == 1
    assert len(server.connections) == 1


@pytest.mark.parametrize(
    "wire",
    [
        PLAIN.replace(b"ETag", b"Connection: close\r\nETag"),
        PLAIN.replace(b"HTTP/1.1", b"HTTP/1.0"),
        PLAIN + PLAIN,
        b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello\r\nHTTP/1.1 200 OK\r\n",
    ],
)
def test_a_connection_is_not_used_again_after_its_end_or_after_an_answer_too_many(
    server: ScriptedServer, pool: HTTPConnectionPool, wire: bytes
) -> None:
    server.script(Wire(body=wire), Wire(body=PLAIN.replace(b"hello", b"again")))
    assert [get(pool).data, get(pool).data] == [b"hello", b"again"]
    assert len(server.connections) == 2


def test_a_connection_that_the_server_has_closed_meanwhile_is_replaced(
    server: ScriptedServer, pool: HTTPConnectionPool
) -> None:
    server.script(Wire(body=PLAIN, then="close"), Wire(body=PLAIN))
    assert get(pool).data == b"hello"
    server.wait_until_closed()
    assert get(pool).data == b"hello"
    assert len(server.asked) == 2


@pytest.mark.parametrize("fault", [RESET, HANG_UP, SILENCE, Wire(body=b"?"), Wire(body=PLAIN[:-1], then="close")])
def test_what_breaks_is_sent_again_as_often_as_was_asked_and_then_an_error(
    server: ScriptedServer, pool: HTTPConnectionPool, fault: Reply
) -> None:
    server.script(fault, fault, Wire(body=PLAIN))
    assert get(pool, retries=Retry(2, allowed_methods=None)).data == b"hello"
    server.script(fault)
    with pytest.raises(HTTPError):
        get(pool, retries=Retry(1, allowed_methods=None))
    assert len(server.asked) == 2


def test_a_status_can_be_sent_again_and_the_answer_knows(server: ScriptedServer, pool: HTTPConnectionPool) -> None:
    server.script(Reply(503, b"busy"), Wire(body=PLAIN))
    answer = get(pool, retries=Retry(2, allowed_methods=None, status_forcelist=[503]))
    assert (answer.data, len(answer.retries.history)) == (b"hello", 1)


def test_redirects_are_not_followed(server: ScriptedServer, pool: HTTPConnectionPool) -> None:
    server.script(Reply(302, headers={"Location": "/elsewhere"}))
    assert get(pool).status == 302
    assert len(server.asked) == 1


def test_threads_share_a_pool_and_each_gets_its_own_answer(server: ScriptedServer, pool: HTTPConnectionPool) -> None:
    server.answer = lambda asked: Reply(200, asked.target.encode())
    wrong: list[str] = []

    def ask(number: int) -> None:
        for turn in range(20):
            target = f"/{number}-{turn}"
            answer = pool.urlopen("GET", target, headers={"host": "h"})
            if cast("LeanAnswer", answer).data != target.encode():
                wrong.append(target)

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (wrong, len(server.asked)) == ([], 120)
