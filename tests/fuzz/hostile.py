"""Inputs that break parsers, fill memory, forge what the host says of a message, or want to leave their folder."""

import base64
import json
from collections.abc import Iterator
from typing import Any

from tests.unit.domain.bodies import ACCOUNT, ID

MARK = "anna-of-the-hostile-input"
"""Stands in every text of a hostile input: it may come back from nowhere."""
LARGEST_MESSAGE = 64 * 1024

TRICKS = [
    "..",
    "../../etc/passwd",
    "..%2f..%2fetc%2fpasswd",
    "%2e%2e%2f%2e%2e",
    "..\\..\\windows",
    "....//....//",
    "/etc/passwd",
    "_index",
    f"{ID}/../{ID}",
    f"{ID}/record.json",
    f"{ID}%00",
    f"{ID}\x00",
    f"{ID}\n",
    f" {ID}",
    f"{{{ID}}}",
    f"urn:uuid:{ID}",
    ID.replace("-", ""),
    "０f8fad5b-d9cb-469f-a165-70867728950e",
    "a" * 5000,
    "",
]

JSON_TEXTS: dict[str, bytes] = {
    "empty": b"",
    "blank": b" \n",
    "null": b"null",
    "rubbish": MARK.encode(),
    "no utf-8": b"\xff\xfe" + MARK.encode(),
    "utf-16": json.dumps({"scope": {"projects": MARK}}).encode("utf-16"),
    "cut short": b'{"scope": {"projects": "' + MARK.encode(),
    "deep list": b"[" * 30_000,
    "deep object": b'{"scope":' * 6_000,
    "deep and closed": b'{"scope":' * 3_000 + b"1" + b"}" * 3_000,
    "NaN": b'{"scope": {"projects": NaN}}',
    "infinity": b'{"scope": {"projects": -Infinity}}',
    "huge integer": b'{"scope": {"projects": ' + b"9" * 60_000 + b"}}",
    "huge float": b'{"scope": {"projects": 1e99999}}',
    "tiny float": b'{"scope": {"projects": 1e-999999999999}}',
    "twice": b'{"scope": {"projects": "all"}, "scope": {"projects": "all"}}',
    "twice by escape": b'{"scope": {"projects": "all"}, "\\u0073cope": {"projects": "all"}}',
    "unpaired surrogate": b'{"scope": {"projects": ["\\ud800"]}}',
    "unpaired surrogate as a name": b'{"\\udfff": 1, "scope": {"projects": "all"}}',
    "zero byte": b'{"scope": {"projects": ["\\u0000"], "images": {"ids": ["\\u0000"]}}}',
    "long name": json.dumps({MARK: 1, MARK * 2000: 1}).encode(),
    "proto": b'{"__proto__": {"scope": 1}, "constructor": 1, "scope": {"projects": []}}',
}


def forging() -> Iterator[tuple[str, dict[str, Any]]]:
    """Give bodies with members that the host takes for its own words about a message."""
    for name, value in (
        ("id", ID),
        ("Id", 5),
        ("dequeueCount", 1),
        ("dequeueCount", MARK),
        ("DequeueCount", -1),
        ("popReceipt", MARK),
        ("insertionTime", "yesterday"),
        ("expirationTime", {"a": [1]}),
        ("nextVisibleTime", 1e300),
        ("queueTrigger", MARK),
        ("msg", MARK),
        ("sys", {"methodName": MARK}),
    ):
        yield f"{name}={str(value)[:9]}", {name: value, "scope": {"projects": "all"}}


def bodies_with_tricks() -> Iterator[dict[str, Any]]:
    """Give bodies with a trick in the place of each kind of id."""
    for trick in TRICKS:
        yield {"subject_request_id": trick, "scope": {"projects": "all"}}
        yield {"scope": {"projects": "all", "images": {"ids": [trick]}}}
        yield {"scope": {"projects": "all", "predictions": {"ids": [trick]}}}
        yield {"requested_by": trick, "scope": {"projects": ["../.."]}, "options": {"package": trick}}
        items = {"level": "items", "projects": "all", "images": {"ids": [ID]}}
        yield {"scope": items, "options": {"trained_iterations": "keep", "keep_exports": [trick]}}
        account = {"level": "account", "projects": "all", "account": trick or ACCOUNT + "/x"}
        yield {"scope": account, "options": {"confirm": {"account": "a"}}}


def large() -> Iterator[tuple[str, int, bytes]]:
    """Give bodies of up to 1 MiB, by name, with the answer's code."""
    most, more = [f"{n}" for n in range(50_000)], [f"{n}" for n in range(50_001)]
    yield "50,000 names", 202, json.dumps({"scope": {"projects": most}}).encode()
    yield "50,001 names", 400, json.dumps({"scope": {"projects": more}}).encode()
    yield "50,000 wrong ids", 400, json.dumps({"scope": {"projects": "all", "images": {"ids": most}}}).encode()
    yield "50,000 empty names", 400, json.dumps({"scope": {"projects": [""] * 50_000}}).encode()
    yield "50,000 unknown fields", 400, json.dumps({f"{n}": n for n in range(50_000)}).encode()
    yield "50,000 metadata", 202, _metadata({f"{n}": "" for n in range(50_000)})
    yield "one long value", 202, _metadata({"key": "x" * 1_000_000})
    yield "one long text", 400, json.dumps({"scope": {"projects": ["x" * 1_000_000]}}).encode()
    yield "one long name", 400, json.dumps({"x" * 1_000_000: 1}).encode()
    yield "a long run of numbers", 400, b"[" + b"1," * 500_000 + b"1]"
    yield "1 MiB of blanks", 400, b" " * 1024 * 1024
    yield "more than 1 MiB", 413, b" " * (1024 * 1024 + 1)


def _metadata(pairs: dict[str, str]) -> bytes:
    return json.dumps({"scope": {"projects": ["nothing"], "images": {"metadata": pairs}}}).encode()


def messages() -> dict[str, bytes]:
    """Give messages for the public queues, none of which is a request."""
    found = {name: text for name, text in JSON_TEXTS.items() if text.decode(errors="ignore").encode() == text and text}
    found |= {f"forged {name}": json.dumps(body).encode() for name, body in forging()}
    found["base64 of rubbish"] = base64.b64encode(b"\xff\x00" + MARK.encode())
    found["base64 of base64"] = base64.b64encode(base64.b64encode(b'{"scope": {"projects": "all"}}'))
    found["base64 of deep JSON"] = base64.b64encode(b"[" * 30_000)
    found["as long as can be"] = b'"' + b"x" * (LARGEST_MESSAGE - 2) + b'"'
    found["wakes nobody"] = json.dumps({"subject_request_id": "ffffffff-0000-4000-8000-00000000000f"}).encode()
    found["wakes and more"] = json.dumps({"subject_request_id": ID, "attempt": 1, "unit_id": MARK}).encode()
    return found
