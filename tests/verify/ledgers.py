"""A ledger in memory with requests that were really accepted, moved on and finished; and keys."""

from dataclasses import dataclass, field, replace
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from request_function.audit import write_heads
from shared.acceptance import accept
from shared.adapters.receipt_signer import PemReceiptKeys
from shared.bootstrap import Installation
from shared.domain.plan_hash import PlanHash
from shared.domain.receipt import Ending, residual
from shared.domain.subject_request import RequestStatus
from shared.domain.validation import validate_erasure
from shared.finishing import finish
from shared.ledger import RequestLedger, Versioned
from shared.packages import PackageStore
from shared.ports import BlobStore
from shared.ports_receipt import ReceiptKeys
from shared.services import Services
from tests.fakes import InMemoryBlobStore, InMemoryQueues, SettableClock

SETTINGS = {
    "AzureWebJobsStorage": "UseDevelopmentStorage=true",
    "CUSTOM_VISION_ENDPOINT": "http://127.0.0.1:9",
    "CUSTOM_VISION_TRAINING_KEY": "training-key",
    "LEDGER_HASH_KEY": "ledger-key",
}
DAY = 24 * 3600
IMAGE = "11111111-2222-4333-8444-555555555555"
ITERATION = "66666666-7777-4888-9999-aaaaaaaaaaaa"
BODY = {
    "scope": {"level": "items", "projects": "all", "images": {"ids": [IMAGE]}},
    "options": {"trained_iterations": "keep"},
}
STORES = {
    "images": {
        "found": 3,
        "deleted": 1,
        "already_absent": 1,
        "no_longer_matching": 1,
        "conflicting": 0,
        "failed": 0,
        "verified": True,
        "rounds": 1,
    }
}
NO_PLAN: dict[str, Any] = {
    "plan_hash": PlanHash().value(),
    "projects": [],
    "account": None,
    "selectors_without_match": 0,
}
"""A plan of nothing."""
LEARNED = residual("trained_model_learned_from_items", [ITERATION])
COMPLETED = Ending(status=RequestStatus.COMPLETED, stores=STORES, residuals=[LEARNED])


@dataclass(frozen=True)
class KeyPair:
    """A key as PEM: the private half, and the public one."""

    private: str
    public: str


def key_pair(algorithm: str = "EdDSA") -> KeyPair:
    """Make a key."""
    key = Ed25519PrivateKey.generate() if algorithm == "EdDSA" else generate_private_key(SECP256R1())
    return KeyPair(
        key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
    )


@dataclass
class Ledger:
    """A ledger's container, the clock, and the app on it."""

    keys: ReceiptKeys = field(default_factory=PemReceiptKeys)
    blobs: InMemoryBlobStore = field(default_factory=InMemoryBlobStore)
    clock: SettableClock = field(default_factory=SettableClock)

    def services(self, blobs: BlobStore | None = None, keys: ReceiptKeys | None = None) -> Services:
        """Give the app's services, on another view of the container or with other keys if wanted."""
        return replace(
            Installation(SETTINGS).services(),
            ledger=RequestLedger(blobs or self.blobs),
            packages=PackageStore(InMemoryBlobStore()),
            queues=InMemoryQueues(self.clock),
            clock=self.clock,
            receipt_keys=keys or self.keys,
        )

    def accepted(self, request_id: str) -> Versioned:
        """Accept an erasure."""
        request = validate_erasure({"subject_request_id": request_id, **BODY})
        accept(self.services(), request, origin="http")
        return self.services().ledger.read(request_id)

    def moved_on(self, request_id: str) -> Versioned:
        """Let a request take a step; a minute passes."""
        current = self.services().ledger.read(request_id)
        self.clock.advance(60)
        record = current.record.in_phase(self.clock.now(), "planning", status=RequestStatus.PLANNING)
        return self.services().ledger.write(current, record)

    def finished(self, request_id: str, ending: Ending = COMPLETED, **services: Any) -> None:
        """Accept, move on and finish an erasure."""
        self.accepted(request_id)
        current = self.moved_on(request_id)
        self.services().ledger.save_plan(request_id, NO_PLAN)
        planned = current.record.evolve(self.clock.now(), plan_hash=NO_PLAN["plan_hash"])
        finish(self.services(**services), self.services().ledger.write(current, planned), ending)

    def audit(self, days: float = 0) -> str | None:
        """Let the timer of the daily heads run, after some days; gives the file's name."""
        self.clock.advance(days * DAY)
        return write_heads(self.services())

    def names(self, prefix: str = "") -> list[str]:
        """List the container."""
        return [entry.name for entry in self.blobs.entries(prefix)]

    def read(self, name: str) -> bytes:
        """Read a blob that is there."""
        blob = self.blobs.read(name)
        assert blob is not None, name
        return blob.content


def request_id(number: int) -> str:
    """Give the id of a request."""
    return f"00000000-0000-4000-8000-{number:012d}"
