"""What must be true of packages: each is what its manifest says and what the service held; nobody erased is in one."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from pathlib import Path

from delete_function.export_first import child_id
from local.verify_package.places import NoPackage, download_at
from local.verify_package.report import Report
from local.verify_package.verification import verify
from tests.chaos.remains import Json, Remains, lay_down
from tests.erasure.truth import Facts

WITH_A_PACKAGE = ("completed", "partially_completed")
DONE = ("completed", True)


def unsound(remains: Remains, folder: Path) -> Iterator[str]:
    """Every package passes the check that its owner would make, as files and as zips; no other is there."""
    for request_id in sorted(remains.package_ids):
        request, files = remains.ended.requests.get(request_id), remains.package(request_id)
        if request is None or request["subject_request_type"] == "erasure":
            yield f"{len(files)} blobs of {request_id}, which is no export"
        elif request["request_status"] == "failed":
            continue  # what was written until then; it goes with retention
        elif request["request_status"] not in WITH_A_PACKAGE:
            yield f"{len(files)} blobs of {request_id}, which is {request['request_status']}"
        else:
            yield from _verified(request_id, files, folder)


def _verified(request_id: str, files: Mapping[str, bytes], folder: Path) -> Iterator[str]:
    zips = {path: data for path, data in files.items() if path.endswith(".zip")}
    plain = {path: data for path, data in files.items() if path not in zips}
    for kind, some in (("files", plain), ("zips", zips)):
        told: list[str] = []
        if not some:
            continue
        try:
            report = Report(say=lambda line: told.append(str(line)))  # noqa: B023 - used at once
            verify(download_at(lay_down(some, folder / request_id / kind)), report)
        except NoPackage as error:
            told = [f"WRONG  {error}"]
        yield from (f"package {request_id} as {kind}: {line}" for line in told if line.startswith("WRONG"))


def untrue(remains: Remains) -> Iterator[str]:
    """Pictures are the service's bytes; a completed export has every image that was there all along."""
    before, after = remains.log.before, remains.after
    digests = _digests(before)
    for request_id in sorted(remains.package_ids):
        files = remains.package(request_id)
        pictures = {p.rsplit("/", 1)[1].split(".")[0]: d for p, d in files.items() if "/images/files/" in p}
        for image, data in pictures.items():
            if image in digests and hashlib.sha256(data).hexdigest() != digests[image]:
                yield f"package {request_id}: image {image} is not what the service held"
            if image not in digests and image not in remains.log.added:
                yield f"package {request_id}: image {image} was never in the service"
        request = remains.ended.requests.get(request_id, {})
        manifest = json.loads(files.get("manifest.json", b"null"))
        if manifest and not _is_narrowed(remains, request_id):
            yield from _missing(remains, request, manifest, set(pictures), before, after)


def _missing(
    remains: Remains, request: Json, manifest: Json, held: set[str], before: Facts, after: Facts
) -> Iterator[str]:
    request_id = request["subject_request_id"]
    projects = {project["id"] for project in (remains.json(request_id, "plan.json") or {"projects": []})["projects"]}
    stable = {key[-1] for key in before.keys() & after.keys() if key[0] == "image" and key[1] in projects}
    named = {gap["id"] for gap in manifest["gaps"]}
    if request["request_status"] == "completed" and not stable <= held:
        yield f"package {request_id} is completed and lacks {len(stable - held)} images, e.g. {min(stable - held)}"
    if not projects & named and not stable <= held | named:
        yield f"package {request_id} lacks images that no gap names: {len(stable - held - named)}"


def unchanged(remains: Remains) -> Iterator[str]:
    """A scheduled export that made no package names one that was whole when it ended, and has nothing of its own."""
    for request_id, request in remains.ended.requests.items():
        before = request["unchanged_since"]
        if before is None:
            continue
        if request_id in remains.package_ids:
            yield f"{request_id} has files of its own, and says that nothing changed"
        if (remains.ended.requests.get(before, {}).get("request_status"), before in remains.package_ids) != DONE:
            yield f"{request_id} says that nothing changed since {before}, which has no whole package"


def with_erased(remains: Remains) -> Iterator[str]:
    """What a completed erasure has erased is in no package any more, but in the one that it was to make first."""
    packages = {one: remains.package(one) for one in remains.package_ids}
    for request_id, posted in remains.log.posted.items():
        request = remains.ended.requests.get(request_id, {})
        if posted.expected is None or posted.ask.is_dry or request.get("request_status") != "completed":
            continue
        erased = posted.expected.images | posted.expected.predictions
        for package, files in packages.items():
            if package == child_id(request_id) or package in _kept_for_others(remains, erased):
                continue
            held = [path for path, data in files.items() if _holds(path, data, erased)]
            if held:
                yield f"package {package} holds what {request_id} erased: {held[:3]}"


def _kept_for_others(remains: Remains, erased: set[str]) -> set[str]:
    """The packages that another erasure of the same items made first: kept, and named by its receipt."""
    twins = [one for one, p in remains.log.posted.items() if p.expected and p.expected.images & erased]
    return {child_id(one) for one in twins}


def _holds(path: str, data: bytes, ids: set[str]) -> bool:
    return not path.endswith(".zip") and any(one in path or one.encode() in data for one in ids)


def _is_narrowed(remains: Remains, request_id: str) -> bool:
    record = remains.json(request_id, "record.json") or {}
    return bool(record.get("notes", {}).get("narrowed"))


def _digests(facts: Facts) -> dict[str, str]:
    """The digest of each image's bytes by id."""
    images = {key[-1]: fact for key, fact in facts.items() if key[0] == "image"}
    return {
        image_id: hashlib.sha256(facts["blob", *image.original]).hexdigest()
        for image_id, image in images.items()
        if ("blob", *image.original) in facts
    }
