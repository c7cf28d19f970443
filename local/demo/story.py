"""The five steps of the demo, told while they happen."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.demo import package, proof, words
from local.demo.app import App, UnexpectedAnswerError, curl
from local.demo.console import Console
from local.demo.photographs import fill
from local.demo.scenes import SUBJECT, SUBJECT_KEY
from local.demo.snapshot import Snapshot, still_served, take_snapshot
from local.demo.surroundings import Surroundings
from local.pieces import ROOT

Json = dict[str, Any]
EXPORT: Json = {"scope": {"projects": "all"}, "options": {"package": "none"}}
ERASURE: Json = {
    "scope": {"level": "items", "projects": "all", "images": {"metadata": {SUBJECT_KEY: SUBJECT}}},
    "options": {"trained_iterations": "keep"},
}
DRY_RUN: Json = ERASURE | {"options": {**ERASURE["options"], "dry_run": True}}
COMPLETED = ("completed", None)


@dataclass(frozen=True)
class Story:
    """One run: the pieces, the app's client, the terminal."""

    around: Surroundings
    app: App
    console: Console

    def tell(self, images: int) -> bool:
        """Do everything; whether every check holds.

        Raises:
            UnexpectedAnswerError: the app did something else than it must.
            requests.RequestException: a piece did not answer.
        """
        before = self.put_pictures_in(images)
        self.show_health()
        export = self.export()
        self.dry_run(before)
        receipt = self.erase()
        findings = self.check(before, export, receipt)
        self.console.show(words.verdict(findings))
        return all(finding.holds for finding in findings)

    def put_pictures_in(self, images: int) -> Snapshot:
        """Fill the emulator and remember what it holds."""
        self.console.say(f"Filling Custom Vision (the emulator) with {images} photographs in two projects ...")
        began = time.monotonic()
        fill(self.around.emulator.url, self.around.emulator.key, images)
        before = take_snapshot(self.around.emulator)
        self.console.show(words.what_there_is(before))
        theirs = before.ids_of(SUBJECT_KEY, SUBJECT)
        self.console.say(
            f"{len(theirs)} of them are of {SUBJECT} ({len(theirs - before.workspace_ids())} are in trained iterations "
            f"only: gone from the workspace, yet still kept). That took {time.monotonic() - began:.0f} seconds."
        )
        return before

    def show_health(self) -> None:
        """Step 1."""
        self.console.heading("1. Is everything up?")
        self._command("/api/health")
        self.console.show(json.dumps(self.app.get("/api/health")))

    def export(self) -> Json:
        """Step 2; the receipt of the export."""
        self.console.heading("2. Access and portability: export everything")
        receipt = self._request("/api/exports", EXPORT)
        request_id = str(receipt["subject_request_id"])
        self.console.show(words.stores(receipt))
        folder = self.around.folder / "package"
        files = package.download(self.around.azurite.connection_string(), request_id, folder)
        megabytes = package.size_of(folder) / 1_000_000
        self.console.say(f"The package: {files} files, {megabytes:.1f} MB.")
        self.console.show(
            f"In Blob Storage   container {package.CONTAINER}, prefix {request_id}/\n"
            f"A copy on disk    {shown_path(folder)}/ (it stays; open index.html, or read manifest.json)"
        )
        return receipt

    def dry_run(self, before: Snapshot) -> None:
        """Step 3."""
        self.console.heading(f"3. Before erasing {SUBJECT}: what would happen?")
        receipt = self._request("/api/erasures", DRY_RUN)
        plan_path = f"/api/requests/{receipt['subject_request_id']}/plan"
        self._command(plan_path)
        plan = self.app.get(plan_path)
        self.console.show(words.plan(plan, before))
        self.console.say("(The stored plan has only ids: it forgets the names when its request ends.)")
        planned = {image_id for project in plan["projects"] for image_id in project["image_ids"]}
        if planned != before.ids_of(SUBJECT_KEY, SUBJECT):
            raise UnexpectedAnswerError(f"The plan does not name exactly the pictures of {SUBJECT}.")
        self.console.say("Nothing was deleted: this was a dry run.")

    def erase(self) -> Json:
        """Step 4; the receipt of the erasure."""
        self.console.heading(f"4. Erasure: every picture of {SUBJECT}, everywhere")
        receipt = self._request("/api/erasures", ERASURE)
        receipt_path = f"/api/requests/{receipt['subject_request_id']}/receipt"
        self._command(receipt_path)
        target = self.around.folder / "receipt.json"
        target.write_bytes(self.app.raw(receipt_path))
        self.console.show(words.stores(receipt))
        for sentence in words.proof_in_words(receipt):
            self.console.say(sentence)
        self.console.say(f"The receipt, kept after this run: {shown_path(target)}")
        return receipt

    def check(self, before: Snapshot, export: Json, receipt: Json) -> list[proof.Finding]:
        """Step 5: read everything again, past the app, and compare."""
        self.console.heading("5. Is it true? Everything read again, past the app, and compared with before")
        theirs = before.ids_of(SUBJECT_KEY, SUBJECT)
        after = take_snapshot(self.around.emulator)
        served = still_served(self.around.emulator, {one: before.links[one] for one in theirs})
        folder = self.around.folder / "package"
        return [
            proof.person_is_gone(before, after, SUBJECT_KEY, SUBJECT),
            proof.pictures_are_gone(theirs, served, SUBJECT),
            proof.others_are_untouched(before, after, SUBJECT_KEY, SUBJECT),
            proof.package_is_complete(before, package.pictures_in(folder), package.rows_in(folder)),
            proof.package_has_no_links(package.files_with_links(folder)),
            *self._own_package(theirs, export, receipt),
        ]

    def _own_package(self, theirs: set[str], export: Json, receipt: Json) -> list[proof.Finding]:
        """Check the package in Blob Storage, unless the receipt itself names it as kept."""
        request_id = export["subject_request_id"]
        kept = [entry["ids"] for entry in receipt["residuals"] if entry["code"] == "kept_export"]
        if any(request_id in ids or not ids for ids in kept):  # no ids: all of them
            return []
        names = package.names_in_storage(self.around.azurite.connection_string(), request_id)
        return [proof.package_is_cleaned(theirs, names, SUBJECT)]

    def _request(self, path: str, body: Json) -> Json:
        """Post a request before the person's eyes, follow it to its end; its receipt."""
        self._command(path, body)
        began = time.monotonic()
        accepted = self.app.post(path, body)
        request_id = accepted["subject_request_id"]
        self.console.say(f"202 Accepted, request {request_id}. How it goes, asked again and again:")
        self._command(f"/api/requests/{request_id}")
        status = self.app.follow(request_id, lambda seen: self.console.progress(words.progress(seen)))
        self.console.end_progress(words.ending(status, time.monotonic() - began))
        if (status["request_status"], status["reason"]) != COMPLETED:
            raise UnexpectedAnswerError(f"Request {request_id} ended {status['request_status']}: {status['reason']}.")
        return self.app.get(f"/api/requests/{request_id}/receipt")

    def _command(self, path: str, body: Json | None = None) -> None:
        self.console.show(f"$ {curl(self.around.host.url + path, body)}")


def shown_path(path: Path) -> str:
    """Return a path as a person in the project's folder would type it."""
    return str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else str(path)
