"""A project whose every text tries to become markup; what gets through sets `window.planted`."""

from __future__ import annotations

from typing import Any

from tests.unit.derived.built import (
    FACTS,
    NEW_ITERATION,
    OLD_ITERATION,
    REQUEST_ID,
    Builder,
    id_of,
    image_row,
    picture_bytes,
    region,
    tag_row,
)

SCRIPT = "<script>window.planted = 1</script>"
HANDLER = "\"><img src=x onerror='window.planted = 2'>"
ENDS = "</title></style></svg></figcaption><svg onload=window.planted=3>"
QUOTES = "' onfocus='window.planted=4' autofocus='"
OVERRIDE = "\u202eright to left"

CAT, EVIL, NEGATIVE = tag_row("cat"), tag_row(SCRIPT), tag_row(ENDS, "Negative")

_WORDS = {"found": 3, "written": 2, "vanished": 0, "failed": 1, "not_available": 0, "service_count": 3}
STORES = {store: dict(_WORDS) for store in ("projects", "images", HANDLER)}
GAPS: list[dict[str, str | None]] = [
    {"store": "images", "id": id_of("image", 7), "code": "copy_refused", "detail": SCRIPT},
    {"store": HANDLER, "id": None, "code": ENDS, "detail": QUOTES},
    {"store": "account", "id": None, "code": "not_asked", "detail": "the request did not ask for it"},
]


def fill(builder: Builder) -> None:
    """Write a project with images, iterations, predictions, a model, and the account."""
    details = {"name": f"Pets {HANDLER}", "description": ENDS, "status": SCRIPT, "created": HANDLER}
    builder.document("project.json", {"id": builder.project_id, "settings": {"classificationType": QUOTES}} | details)
    builder.document("tags.json", [CAT, EVIL, NEGATIVE])
    rows = [_image(number) for number in range(12)]
    builder.rows("images", rows[:10])
    builder.bytes_of([row for row in rows if row["id"] != id_of("image", 7)])
    _iterations(builder, rows)
    _predictions(builder)
    builder.packages.write_json(REQUEST_ID, "account.json", [{"name": SCRIPT, HANDLER: [QUOTES, {"a": 1}]}], **FACTS)
    builder.packages.write_plain(REQUEST_ID, "manifest.json", b"{}")


def _image(number: int) -> dict[str, Any]:
    tag = (CAT, EVIL, NEGATIVE)[number % 3]
    more: dict[str, Any] = {"metadata": {QUOTES: HANDLER, "direction": OVERRIDE}}
    if number % 2:
        more["regions"] = [region(tag, 0.25, 0.2, 0.5, 0.6), region(CAT, -0.1, 0.5, 0.4, 0.9)]
    return image_row(number, *([tag] if number else []), **more)


def _iterations(builder: Builder, rows: list[dict[str, Any]]) -> None:
    old = {"id": OLD_ITERATION, "name": "one", "status": "Completed", "created": "2026-01-01T00:00:00.000Z"}
    new = {"id": NEW_ITERATION, "name": SCRIPT, "publishName": HANDLER, "created": "2026-02-01T00:00:00.000Z"}
    builder.document("iterations.json", [old, new])
    measured = {"precision": 0.9, "recall": None, "averagePrecision": 1e-7}
    for iteration in (old, new):
        folder = f"iterations/{iteration['id']}"
        builder.document(f"{folder}/iteration.json", iteration)
        builder.document(f"{folder}/tags.json", [CAT])
        builder.document(f"{folder}/performance.json", measured | {"perTagPerformance": [measured | {"name": ENDS}]})
        builder.rows(f"{folder}/images", rows[5:])
    builder.document(f"iterations/{NEW_ITERATION}/exports.json", [{"platform": SCRIPT, "flavor": None}])
    builder.file(f"iterations/{NEW_ITERATION}/models/001-onnx.zip", b"PK")


def _predictions(builder: Builder) -> None:
    box = {"left": 0.5, "top": 0.5, "width": 0.25, "height": 0.25}
    results = [
        {"probability": 0.9 - at / 10, "tagId": CAT["id"], "tagName": (EVIL, CAT)[at % 2]["name"], "boundingBox": box}
        for at in range(8)
    ]
    rows: list[dict[str, Any]] = [
        {"id": id_of("prediction", 1), "iteration": NEW_ITERATION, "created": "2026-03-01T00:00:00.000Z"},
        {"id": id_of("prediction", 2), "iteration": QUOTES, "created": SCRIPT, "predictions": results},
        {"id": id_of("prediction", 3), "predictions": results},
    ]
    builder.rows("predictions", rows)
    builder.file(f"predictions/files/{rows[0]['id']}.jpg", picture_bytes("JPEG"))
    builder.file(f"predictions/files/{rows[1]['id']}.gif", picture_bytes("GIF"))
    builder.file(f"predictions/files/{rows[2]['id']}.tiff", picture_bytes("TIFF"))
