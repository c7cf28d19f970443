"""
A request of a data subject: its words, and what has been asked.

Words follow the OpenDSR 2.0 specification where it has one. Values here never hold more than what a caller sent;
what may be kept for good is decided in `shared.domain.record`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal


class RequestType(StrEnum):
    """What the data subject asked for."""

    ACCESS = "access"  # Art. 15
    PORTABILITY = "portability"  # Art. 20
    ERASURE = "erasure"  # Art. 17

    @property
    def is_export(self) -> bool:
        """Whether it is fulfilled by an export."""
        return self is not RequestType.ERASURE


class RequestStatus(StrEnum):
    """Where a request stands."""

    PENDING = "pending"  # recorded, nothing done yet
    PLANNING = "planning"  # reading what there is
    EXPORTING = "exporting"  # writing a package (of an erasure: its export first)
    AWAITING_APPROVAL = "awaiting_approval"  # a person must look at the plan
    IN_PROGRESS = "in_progress"  # erasing
    VERIFYING = "verifying"  # reading again
    CANCELLING = "cancelling"  # removing what was written
    COMPLETED = "completed"  # all that was asked for, and proven
    PARTIALLY_COMPLETED = "partially_completed"  # something is missing, and it is named
    FAILED = "failed"  # nothing useful was done, and the reason is named
    CANCELLED = "cancelled"  # the caller took it back
    REJECTED = "rejected"  # the approver said no, or nobody said anything

    @property
    def is_final(self) -> bool:
        """Whether the status can never change again."""
        return self in FINAL


FINAL = frozenset(
    {
        RequestStatus.COMPLETED,
        RequestStatus.PARTIALLY_COMPLETED,
        RequestStatus.FAILED,
        RequestStatus.CANCELLED,
        RequestStatus.REJECTED,
    }
)

type Level = Literal["items", "projects", "account"]


@dataclass(frozen=True, kw_only=True)
class ImageSelector:
    """
    Which images are one person's: the union of ids, tags (exact name or id) and metadata (all pairs).

    At least one of the three is given; ids are in lower case.

    `before`: what is left of the selector of an earlier request, whose images are tried again. It selects those of its
    `ids` that carry one of its tags, or its metadata, all of which are keyed digests (`shared.domain.digested`); `key`
    is what they were made with. `made_with`: of a selector that is such digests, the mark of their key.
    """

    ids: frozenset[str] = frozenset()
    tags: frozenset[str] = frozenset()
    metadata: Mapping[str, str] = field(default_factory=dict)
    before: ImageSelector | None = None
    key: str = field(default="", repr=False)
    made_with: str | None = None

    @property
    def known_ids(self) -> frozenset[str]:
        """All ids that are given, whether they select by themselves or not."""
        return self.ids if self.before is None else self.ids | self.before.ids

    @property
    def needs_listing(self) -> bool:
        """Whether every image must be looked at; ids alone are read directly."""
        return bool(self.tags or self.metadata)

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> ImageSelector:
        """Read the valid `scope.images`."""
        return cls(
            ids=frozenset(str(item).lower() for item in value.get("ids", ())),
            tags=frozenset(value.get("tags", ())),
            metadata=dict(value.get("metadata", {})),
            before=cls.from_json(value["before"]) if "before" in value else None,
            made_with=value.get("key"),
        )


@dataclass(frozen=True, kw_only=True)
class SubjectRequest:
    """
    A valid request with all defaults filled in.

    `scope` and `options` are the normal form (lists sorted, ids in lower case) that repetitions are compared by.
    `request_id` is None where the caller gave none.
    """

    request_id: str | None
    type: RequestType
    regulation: str
    submitted_time: str | None
    requested_by: str | None
    scope: Mapping[str, Any]
    options: Mapping[str, Any]

    @property
    def level(self) -> Level | None:
        """The level of an erasure; None for an export."""
        return self.scope.get("level")

    @property
    def images(self) -> ImageSelector | None:
        """The image selector, None if everything is meant."""
        return ImageSelector.from_json(self.scope["images"]) if "images" in self.scope else None

    @property
    def projects(self) -> Literal["all"] | tuple[str, ...]:
        """The projects asked for: ids in lower case, or exact names."""
        value = self.scope["projects"]
        return "all" if value == "all" else tuple(value)

    @property
    def narrowed(self) -> bool:
        """Whether an export holds one person's items only."""
        return "images" in self.scope or isinstance(self.scope.get("predictions"), Mapping)

    @property
    def wants_predictions(self) -> bool:
        """Whether stored predictions are asked for: all of them, or some by id."""
        return bool(self.scope.get("predictions"))

    @property
    def prediction_ids(self) -> frozenset[str] | None:
        """The predictions asked for by id; None if they are not narrowed."""
        predictions = self.scope.get("predictions")
        return frozenset(predictions["ids"]) if isinstance(predictions, Mapping) else None

    def comparable(self) -> dict[str, Any]:
        """Give what two requests with one id must share to be the same request."""
        return {
            "subject_request_type": self.type.value,
            "regulation": self.regulation,
            "submitted_time": self.submitted_time,
            "requested_by": self.requested_by,
            "scope": self.scope,
            "options": self.options,
        }

    def to_json(self) -> dict[str, Any]:
        """Write the whole request; it holds personal values and belongs into the selector blob only."""
        return {"subject_request_id": self.request_id, **self.comparable()}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> SubjectRequest:
        """Read what `to_json` wrote."""
        return cls(
            request_id=value["subject_request_id"],
            type=RequestType(value["subject_request_type"]),
            regulation=value["regulation"],
            submitted_time=value["submitted_time"],
            requested_by=value["requested_by"],
            scope=value["scope"],
            options=value["options"],
        )
