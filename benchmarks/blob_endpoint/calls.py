"""One call of the Blob REST API: what it is, and what it answers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from itertools import islice
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from benchmarks.blob_endpoint.store import Blob, BlobStore, Container, Refused

NO_BODY = b""
_PAGE = 5000
_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
_DELETED = re.compile(rb"^DELETE (\S+) HTTP/1\.1", re.MULTILINE)
_BLOCK = re.compile(rb"<(?:Latest|Uncommitted|Committed)>([^<]+)<")


@dataclass(frozen=True, slots=True)
class Call:
    """A call as it came: lower-case header names; `container` and `blob` are empty where the path ends before."""

    method: str
    account: str
    container: str
    blob: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, method: str, target: str, headers: Mapping[str, str], body: bytes) -> Call:
        """Take the target apart."""
        parts = urlsplit(target)
        account, container, blob = (*unquote(parts.path).lstrip("/").split("/", 2), "", "")[:3]
        query = {name: values[0] for name, values in parse_qs(parts.query, keep_blank_values=True).items()}
        return cls(method, account, container, blob, query, headers, body)

    @property
    def operation(self) -> str:
        """Name the operation of the REST API; Unknown where the endpoint does not have it."""
        key = (self.method, self.query.get("restype", ""), self.query.get("comp", ""))
        if key == ("PUT", "", ""):
            return "CopyBlobFromURL" if "x-ms-copy-source" in self.headers else "PutBlob"
        return _OPERATIONS.get(key, "Unknown")


_OPERATIONS = {
    ("GET", "", ""): "GetBlob",
    ("HEAD", "", ""): "GetBlobProperties",
    ("DELETE", "", ""): "DeleteBlob",
    ("PUT", "", "appendblock"): "AppendBlock",
    ("PUT", "", "block"): "PutBlock",
    ("PUT", "", "blocklist"): "PutBlockList",
    ("PUT", "container", ""): "CreateContainer",
    ("GET", "container", ""): "GetContainerProperties",
    ("HEAD", "container", ""): "GetContainerProperties",
    ("GET", "container", "list"): "ListBlobs",
    ("POST", "container", "batch"): "BlobBatch",
    ("GET", "", "list"): "ListContainers",
}


@dataclass(frozen=True, slots=True)
class Answer:
    """Status, headers and body of an answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | bytearray | memoryview = NO_BODY


def answer_to(store: BlobStore, call: Call) -> Answer:
    """Do what a call asks for; a refusal is an answer too."""
    try:
        return _done(store, call)
    except Refused as refused:
        return refused_answer(refused)


def refused_answer(refused: Refused) -> Answer:
    """Write a refusal as Azure Storage does."""
    code = refused.code
    body = f'<?xml version="1.0" encoding="utf-8"?><Error><Code>{code}</Code><Message>{code}</Message></Error>'
    return Answer(refused.status, {"x-ms-error-code": code, "Content-Type": "application/xml"}, body.encode())


def _done(store: BlobStore, call: Call) -> Answer:
    match call.operation:
        case "CreateContainer":
            store.make_container(call.account, call.container)
            return Answer(201)
        case "ListContainers":
            return _xml("<EnumerationResults><Containers /><NextMarker /></EnumerationResults>")
        case "Unknown":
            raise Refused(400, "InvalidQueryParameterValue")
    return _done_in(store, store.container(call.account, call.container), call)


def _done_in(store: BlobStore, container: Container, call: Call) -> Answer:
    match call.operation:
        case "ListBlobs":
            return _listing(container, call)
        case "BlobBatch":
            return _batch(store, call)
        case "GetContainerProperties":
            return Answer(200, {"ETag": '"0x1"', "Last-Modified": formatdate(usegmt=True)})
        case "GetBlob" | "GetBlobProperties":
            return _read(store.blob(call.account, call.container, call.blob), call)
        case "DeleteBlob":
            if not container.remove(call.blob):
                raise Refused(404, "BlobNotFound")
            return Answer(202)
    return _written(store, container, call)


def _written(store: BlobStore, container: Container, call: Call) -> Answer:
    match call.operation:
        case "CopyBlobFromURL":
            source = Call.of("GET", _path_of(call.headers["x-ms-copy-source"]), {}, NO_BODY)
            blob = _source(store, source)
            copied = store.copy(container, call.blob, blob, call.headers)
            return Answer(202, {**_state(copied), "x-ms-copy-id": copied.etag, "x-ms-copy-status": "success"})
        case "AppendBlock":
            blob = store.append(container, call.blob, call.body)
            return Answer(201, {**_state(blob), "x-ms-blob-committed-block-count": str(blob.appends)})
        case "PutBlock":
            container.blocks[call.blob, call.query["blockid"]] = call.body
            return Answer(201)
        case "PutBlockList":
            ids = [found.decode() for found in _BLOCK.findall(call.body)]
            whole = b"".join(container.blocks.pop((call.blob, block)) for block in ids)
            return Answer(201, _state(store.write(container, call.blob, whole, call.headers)))
    return Answer(201, _state(store.write(container, call.blob, call.body, call.headers)))


def _source(store: BlobStore, source: Call) -> Blob:
    try:
        return store.blob(source.account, source.container, source.blob)
    except Refused:
        raise Refused(404, "CannotVerifyCopySource") from None


def _path_of(link: str) -> str:
    return urlsplit(link).path


def _state(blob: Blob) -> dict[str, str]:
    return {"ETag": blob.etag, "Last-Modified": formatdate(usegmt=True)}


def _read(blob: Blob, call: Call) -> Answer:
    wanted = call.headers.get("if-match")
    if wanted and wanted.strip('"') != blob.etag.strip('"'):
        raise Refused(412, "ConditionNotMet")
    headers = {**_state(blob), "Content-Type": blob.content_type, "x-ms-blob-type": blob.kind, "Accept-Ranges": "bytes"}
    headers |= {f"x-ms-meta-{name}": value for name, value in blob.metadata.items()}
    asked = _RANGE.fullmatch(call.headers.get("x-ms-range") or call.headers.get("range") or "")
    if asked is None:
        headers |= {"Content-MD5": blob.content_md5} if blob.content_md5 else {}
        return Answer(200, headers, bytes(blob.content))
    return _part(blob, int(asked[1]), asked[2], headers)


def _part(blob: Blob, start: int, last: str, headers: dict[str, str]) -> Answer:
    size = len(blob.content)
    if start >= size:
        raise Refused(416, "InvalidRange")
    end = min(int(last) + 1 if last else size, size)
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    headers |= {"x-ms-blob-content-md5": blob.content_md5} if blob.content_md5 else {}
    return Answer(206, headers, bytes(memoryview(blob.content)[start:end]))


def _listing(container: Container, call: Call) -> Answer:
    size = int(call.query.get("maxresults") or _PAGE)
    prefix, marker = call.query.get("prefix", ""), call.query.get("marker", "")
    found = list(islice(container.listed(prefix, marker), size + 1))
    following = found[size][0] if len(found) > size else ""
    rows = "".join(_row(name, blob, "metadata" in call.query.get("include", "")) for name, blob in found[:size])
    more = f"<NextMarker>{escape(following)}</NextMarker>"
    return _xml(f"<EnumerationResults><Blobs>{rows}</Blobs>{more}</EnumerationResults>")


def _row(name: str, blob: Blob, with_metadata: bool) -> str:
    metadata = "".join(f"<{key}>{escape(value)}</{key}>" for key, value in blob.metadata.items())
    digest = f"<Content-MD5>{blob.content_md5}</Content-MD5>" if blob.content_md5 else ""
    return (
        f"<Blob><Name>{escape(name)}</Name><Properties><Last-Modified>{formatdate(usegmt=True)}</Last-Modified>"
        f"<Etag>{blob.etag.strip(chr(34))}</Etag><Content-Length>{len(blob.content)}</Content-Length>"
        f"<Content-Type>{escape(blob.content_type)}</Content-Type>{digest}<BlobType>{blob.kind}</BlobType></Properties>"
        f"{f'<Metadata>{metadata}</Metadata>' if with_metadata else ''}</Blob>"
    )


def _xml(body: str) -> Answer:
    return Answer(200, {"Content-Type": "application/xml"}, f'<?xml version="1.0" encoding="utf-8"?>{body}'.encode())


def _batch(store: BlobStore, call: Call) -> Answer:
    """Answer a Blob Batch of deletions, one part each, in order."""
    parts = []
    for number, target in enumerate(_DELETED.findall(call.body)):
        one = answer_to(store, Call.of("DELETE", target.decode(), {}, NO_BODY))
        code = one.headers.get("x-ms-error-code", "")
        lines = ["--answers", "Content-Type: application/http", f"Content-ID: {number}", "", f"HTTP/1.1 {one.status} -"]
        lines += [f"x-ms-error-code: {code}"] if code else []
        parts.append("\r\n".join([*lines, "Content-Length: 0", "", ""]) + "\r\n")
    body = "".join(parts) + "--answers--\r\n"
    return Answer(202, {"Content-Type": "multipart/mixed; boundary=answers"}, body.encode())
