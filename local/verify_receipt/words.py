"""What a receipt proves and what remains, in words. Pure: a receipt in, lines out."""

from collections.abc import Iterator, Mapping
from typing import Any

Json = Mapping[str, Any]


def in_words(receipt: Json) -> list[str]:
    """Tell a well-formed receipt."""
    return [*_what(receipt), *_stores(receipt), "", *_proof(receipt), "", *_residuals(receipt)]


def _what(receipt: Json) -> Iterator[str]:
    kind = "Erasure" if receipt["subject_request_type"] == "erasure" else f"Export ({receipt['subject_request_type']})"
    reason = "" if receipt["reason"] is None else f" ({receipt['reason']})"
    dry = ", a dry run" if receipt["dry_run"] else ""
    yield f"{kind} {receipt['subject_request_id']}{dry}: {receipt['request_status']}{reason}"
    yield f"Received {receipt['received_time']}, ended {receipt['completed_time']}, {receipt['regulation'].upper()}."
    looked = ", ".join(f"{number:,} {what}" for what, number in receipt["looked_at"].items())
    yield f"Looked at: {looked}."
    if receipt["selectors_without_match"]:
        yield f"{receipt['selectors_without_match']} of the selectors matched nothing."


def _stores(receipt: Json) -> Iterator[str]:
    for store, words in receipt["stores"].items():
        counts = ", ".join(
            f"{word} {number:,}"
            for word, number in words.items()
            if isinstance(number, int) and not isinstance(number, bool) and (number or word == "found")
        )
        verified = {True: "; verified", False: "; NOT verified", None: ""}[words.get("verified")]
        yield f"  {store}: {counts}{verified}"


def _proof(receipt: Json) -> Iterator[str]:
    """What this receipt can be held up for, no more."""
    if receipt["dry_run"]:
        yield "It proves what would have been erased at that time. Nothing was erased."
    elif receipt["subject_request_type"] != "erasure":
        yield "It proves what the package held when the export ended; the package's own manifest lists every file."
    elif proven := [store for store, words in receipt["stores"].items() if words["verified"]]:
        yield (
            f"It proves that the holder of the signing key says: what was planned ({', '.join(proven)}) was looked for "
            "again after it was erased, twice, in every place where it was, and nothing of it was found."
        )
    else:
        yield "It proves no erasure: no store is verified."
    yield "It does not prove what Custom Vision keeps beyond what its API shows."


def _residuals(receipt: Json) -> Iterator[str]:
    if not receipt["residuals"]:
        yield "It names nothing that remains."
        return
    yield "What remains:"
    for entry in receipt["residuals"]:
        number = f", {len(entry['ids'])} id(s)" if entry["ids"] else ""
        yield f"  {entry['code']}{number}: {entry['detail']}"
        yield f"      {entry['source']}"
