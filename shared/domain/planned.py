"""What a frozen plan of an erasure counts, by store. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from shared.domain.plan_hash import IMAGES, PREDICTIONS, TAGS
from shared.domain.work import Counts

WORDS = ("deleted", "already_absent", "no_longer_matching", "failed")
"""The words that every store of a receipt has beside `found`."""


def found_counts(plan: Mapping[str, Any]) -> Counts:
    """Give what will be erased by store, and the images that are named and left alone."""
    projects = plan["projects"]
    counts: Counts = {
        store: {"found": sum(project["counts"][store] for project in projects)}
        for store in (PREDICTIONS, IMAGES, "iterations", TAGS)
    }
    counts[IMAGES]["conflicting"] = sum(project["conflicting"] for project in projects)
    counts["projects"] = {"found": sum(project["whole"] for project in projects)}
    counts["account"] = {"found": int(plan["account"] is not None)}
    return counts


def nothing_deleted(plan: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Give a receipt's table where nothing of a plan was carried out: what was found in the stores it concerns."""
    nothing = dict.fromkeys(WORDS, 0)
    return {
        store: counts | nothing | {"verified": False, "rounds": 0}
        for store, counts in found_counts(plan).items()
        if counts["found"] or store == IMAGES
    }
