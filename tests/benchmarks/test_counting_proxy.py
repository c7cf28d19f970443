"""The proxy sees every call once, whatever way its bytes come in, and leaves the call as it is."""

import http.client
from itertools import batched

import pytest

from benchmarks.blob_endpoint.process import running_endpoint
from benchmarks.call_rate import most_in_a_second
from benchmarks.counting_proxy import CallReader, Seen, counting_proxy
from benchmarks.idle import kind_of

BODY = b"GET /not-a-call HTTP/1.1\r\n\r\n"
TWO_CALLS = b"PUT /a?x=1 HTTP/1.1\r\nContent-Length: %d\r\n\r\n%sGET /b HTTP/1.1\r\nHost: h\r\n\r\n" % (len(BODY), BODY)


@pytest.mark.parametrize("size", [1, 7, 64, 4096])
def test_calls_are_found_however_their_bytes_are_cut(size: int) -> None:
    reader = CallReader()
    found = [call for part in batched(TWO_CALLS, size, strict=False) for call in reader.read(bytes(part))]
    assert found == [("PUT", "/a?x=1"), ("GET", "/b")]


def test_a_call_without_the_length_of_its_body_is_refused() -> None:
    with pytest.raises(ValueError, match="length"):
        list(CallReader().read(b"PUT /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n"))


def test_what_passes_is_noted_and_answered() -> None:
    with running_endpoint() as endpoint, counting_proxy(endpoint.port) as proxy:
        connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=20)
        for _ in range(2):
            connection.request("GET", "/account/container/name", headers={"Content-Length": "0"})
            with connection.getresponse() as answer:
                assert (answer.status, b"ContainerNotFound" in answer.read()) == (404, True)
        connection.close()
        assert [(one.method, one.target) for one in proxy.seen()] == [("GET", "/account/container/name")] * 2
        proxy.clear()
        assert proxy.seen() == []


def test_the_most_in_a_second_is_found_across_whole_seconds() -> None:
    assert most_in_a_second([0.0, 0.8, 0.9, 1.1, 1.2, 2.5]) == 4
    assert most_in_a_second([]) == 0


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ("/account/export-work/messages?numofmessages=4", "GET export-work/messages"),
        ("/account/azure-webjobs-hosts/locks/host/a.Listener?comp=lease", "GET azure-webjobs-hosts"),
    ],
)
def test_a_call_to_storage_is_named_by_what_it_is_about(target: str, kind: str) -> None:
    assert kind_of(Seen(0.0, "GET", target)) == kind
