"""The daily file of heads: what every record says of itself today, chained to what was written before."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import date

from shared.domain.audit import AuditFile, Head, StoredFile, audit_name, head_of, may_follow, read_record, sha256_of
from shared.domain.errors import AlreadyExists, Superseded, UnknownRequest
from shared.services import Services

_log = logging.getLogger(__name__)


def write_heads(services: Services) -> str | None:
    """
    Write today's file of heads and give its name; None if none could be written, and the log says why.

    A second run on the same day extends the file, under its ETag: all that it names stays. Requests known as ended are
    not read again, so a run costs one read per request that was open or is new (two for one that has ended since).
    """
    today = services.now().date()
    names = services.ledger.audit_names()
    newest = names[-1] if names else None
    if newest is not None and newest > audit_name(today):
        _log.error("no heads are written: %s is of a later day than today", newest)
        return None
    if newest == audit_name(today):
        return _extend(services, today)
    return _begin(services, today, newest)


def _begin(services: Services, today: date, newest: str | None) -> str | None:
    before = None if newest is None else services.ledger.audit_file(newest)
    stored = None if newest is None or before is None else StoredFile.read(newest, before.content)
    if stored is not None and stored.audit is None:
        _log.error("%s cannot be read any more; all heads are read anew", stored.name)
    known = stored.audit.heads if stored is not None and stored.audit is not None else {}
    previous = None if stored is None else {"name": stored.name, "sha256": sha256_of(stored.content)}
    audit = AuditFile(day=today, previous=previous, heads=_heads(services, known))
    try:
        services.ledger.create_audit_file(audit.name, audit.to_bytes())
    except AlreadyExists:
        _log.warning("%s was written at the same instant by another run", audit.name)
    return audit.name


def _extend(services: Services, today: date) -> str | None:
    name = audit_name(today)
    blob = services.ledger.audit_file(name)
    stored = None if blob is None else StoredFile.read(name, blob.content)
    if blob is None or stored is None or stored.audit is None:
        _log.error("%s cannot be read any more, and is left as it is", name)
        return None
    audit = AuditFile(day=today, previous=stored.audit.previous, heads=_heads(services, stored.audit.heads))
    try:
        services.ledger.replace_audit_file(name, audit.to_bytes(), blob.etag)
    except Superseded:
        _log.warning("%s was written at the same instant by another run", name)
    return name


def _heads(services: Services, known: Mapping[str, Head]) -> dict[str, Head]:
    """Give all heads that are known, moved on where the record goes on from them, and those of new requests."""
    heads = dict(known)
    for entry in services.ledger.index():
        before = heads.get(entry.request_id)
        if before is None or not before.final:
            found = _head(services, entry.request_id, before)
            heads |= {} if found is None else {entry.request_id: found}
    return heads


def _head(services: Services, request_id: str, known: Head | None) -> Head | None:
    try:
        content = services.ledger.record_bytes(request_id)
    except UnknownRequest:
        _log.error("the index has an entry that can be of no request")
        return None
    record = None if content is None else read_record(content)
    if content is None or record is None or not may_follow(known, record):
        return None
    receipt = services.ledger.receipt_bytes(request_id) if record.status.is_final else None
    return head_of(record, content, receipt)
