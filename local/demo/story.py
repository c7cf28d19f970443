"""The six steps of the demo, told while they happen."""

import json
import time
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import requests

from local.demo import evidence, package, proof, words
from local.demo.app import App, UnexpectedAnswerError, waits_for_approval
from local.demo.console import Console
from local.demo.evidence import shown_path
from local.demo.photographs import fill
from local.demo.requesting import Requesting
from local.demo.scenes import SUBJECT, SUBJECT_KEY
from local.demo.snapshot import Snapshot, still_served, take_snapshot
from local.demo.surroundings import Surroundings

Json = dict[str, Any]
EXPORT: Json = {"scope": {"projects": "all"}}
ERASURE: Json = {
    "requested_by": "front-desk",
    "scope": {"level": "items", "projects": "all", "images": {"metadata": {SUBJECT_KEY: SUBJECT}}},
    "options": {"trained_iterations": "keep", "require_approval": True},
}
APPROVER = "privacy-officer"
CLEANED = "package-afterwards"
"""Folder of the package as it is in Blob Storage since the erasure."""


@dataclass(frozen=True)
class Story:
    """One run: the pieces, the app's client, the terminal; and what has been found so far."""

    around: Surroundings
    app: App
    console: Console
    findings: list[proof.Finding] = field(default_factory=list)

    def tell(self, images: int) -> bool:
        """Do everything; whether every check holds.

        Raises:
            UnexpectedAnswerError: the app did something else than it must.
            requests.RequestException: a piece did not answer.
        """
        before = self.put_pictures_in(images)
        self.show_health()
        export_id = self.export()
        erasure_id, plan_hash = self.plan(before)
        receipt = self.erase(erasure_id, plan_hash)
        self.let_it_be_proven(export_id, erasure_id)
        self.check(before, export_id, receipt)
        self.console.show(words.verdict(self.findings))
        return all(finding.holds for finding in self.findings)

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
        self._requesting.command("/api/health")
        self.console.show(json.dumps(self.app.get("/api/health")))

    def export(self) -> str:
        """Step 2; the id of the export."""
        self.console.heading("2. Access and portability: export everything")
        request_id = self._requesting.begin("/api/exports", EXPORT)
        self.console.show(words.stores(self._requesting.to_the_end(request_id)))
        self._requesting.command(package.part_path(request_id, 1), None, "-L", "-o", "package-001.zip")
        folder = self._folder("package")
        zips = package.download(self.app, request_id, folder)
        self.console.show(words.package(zips, package.files_in(folder)))
        self._let_check(evidence.package_command(folder, "The package as it was downloaded"))
        self.console.show(
            f"In Blob Storage   container {package.CONTAINER}, prefix {request_id}/\n"
            f"A copy on disk    {shown_path(folder)}/\n"
            f"To look at it     open {(folder / 'index.html').resolve().as_uri()} in a browser"
        )
        return request_id

    def plan(self, before: Snapshot) -> tuple[str, str]:
        """Step 3; the id of the erasure that waits for its approval, and the hash of its plan."""
        self.console.heading(f"3. Erasure of {SUBJECT}: the plan, before anything is erased")
        request_id = self._requesting.begin("/api/erasures", ERASURE)
        self._requesting.until(request_id, waits_for_approval)
        path = f"/api/requests/{request_id}/plan"
        self._requesting.command(path)
        plan = self.app.get(path)
        self.console.show(words.plan(plan))
        exact = proof.plan_is_exact(plan, before.ids_of(SUBJECT_KEY, SUBJECT), SUBJECT)
        if not exact.holds:
            raise UnexpectedAnswerError(f"Not approved. The plan is not the one expected: {exact.problems[0]}.")
        self.console.say(f"{exact.claim} Until somebody approves it, nothing is erased.")
        return request_id, str(plan["plan_hash"])

    def erase(self, request_id: str, plan_hash: str) -> Json:
        """Step 4; the receipt of the erasure."""
        self.console.heading(f"4. Approval, then erasure: every picture of {SUBJECT}, everywhere")
        path, decision = f"/api/requests/{request_id}/approval", {"decision": "approve", "plan_hash": plan_hash}
        self._requesting.command(path, decision | {"approver": APPROVER})
        self.app.post(path, decision | {"approver": APPROVER}, expected=requests.codes.ok)
        receipt = self._requesting.to_the_end(request_id)
        self.console.show(words.stores(receipt))
        for sentence in words.proof_in_words(receipt):
            self.console.say(sentence)
        return receipt

    def let_it_be_proven(self, export_id: str, erasure_id: str) -> None:
        """Step 5: receipt and ledger, checked with what a stranger would have in hand."""
        self.console.heading("5. Can others check that? The signed receipt, and the audit of the ledger")
        path, as_jws = f"/api/requests/{erasure_id}/receipt", ("-H", "Accept: application/jose")
        self._requesting.command(path, None, *as_jws, "-o", "receipt.jws")
        self._requesting.command("/api/keys", None, "-o", "keys.json")
        receipt, keys = evidence.keep_receipt(self.app, erasure_id, self.around.folder)
        self._let_check(evidence.receipt_command(receipt, keys))
        self._requesting.command(evidence.AUDIT_FUNCTION, {})
        self.app.post(evidence.AUDIT_FUNCTION, {})
        heads = evidence.wait_for_heads(self._storage, {export_id, erasure_id})
        self.console.say(f"The file of heads, else written once a day: container {evidence.LEDGER}, {heads}")
        self._let_check(evidence.audit_command(self._storage))

    def check(self, before: Snapshot, export_id: str, receipt: Json) -> None:
        """Step 6: read everything again, past the app, and compare."""
        self.console.heading("6. Is it true? Everything read again, past the app, and compared with before")
        theirs = before.ids_of(SUBJECT_KEY, SUBJECT)
        after = take_snapshot(self.around.emulator)
        served = still_served(self.around.emulator, {one: before.links[one] for one in theirs})
        folder = self._folder("package")
        self.findings.extend(
            [
                proof.person_is_gone(before, after, SUBJECT_KEY, SUBJECT),
                proof.pictures_are_gone(theirs, served, SUBJECT),
                proof.others_are_untouched(before, after, SUBJECT_KEY, SUBJECT),
                proof.package_is_complete(before, package.pictures_in(folder), package.rows_in(folder)),
                proof.package_has_no_links(package.files_with_links(folder)),
            ]
        )
        if not proof.is_kept(export_id, receipt):
            self._check_cleaned_package(before, export_id)

    def _check_cleaned_package(self, before: Snapshot, export_id: str) -> None:
        """Fetch the package again: the erasure has taken the person out of it, and nobody else."""
        folder, theirs = self._folder(CLEANED), before.ids_of(SUBJECT_KEY, SUBJECT)
        self.console.say(f"The erasure has made the package anew. Fetched again: {shown_path(folder)}/")
        package.download(self.app, export_id, folder)
        unpacked = {path.relative_to(folder).as_posix() for path in package.files_in(folder)}
        names = sorted(unpacked.union(package.names_in_storage(self._storage, export_id)))
        rest, pictures, rows = before.without(theirs), package.pictures_in(folder), package.rows_in(folder)
        self.findings.append(proof.package_is_cleaned(theirs, names, package.files_naming(SUBJECT, folder), SUBJECT))
        self.findings.append(proof.package_is_complete(rest, pictures, rows, "package as it is now"))
        self._let_check(evidence.package_command(folder, "The package as it is now"))

    def _let_check(self, command: evidence.Command) -> None:
        """Run one of the project's checking commands before the person's eyes, and keep what it found."""
        self.console.show(f"$ {command.typed}")
        verdict, finding = evidence.outcome(command)
        self.console.say(verdict)
        self.findings.append(finding)

    @cached_property
    def _requesting(self) -> Requesting:
        return Requesting(self.app, self.console, self.around.host.url)

    @property
    def _storage(self) -> str:
        return self.around.azurite.connection_string()

    def _folder(self, name: str) -> Path:
        return self.around.folder / name
