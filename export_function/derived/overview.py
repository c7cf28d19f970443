"""The overview, index.html: what is held, what could not be had, the projects, the account, the files. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

from export_function.derived import texts
from export_function.derived.formats import moment, number
from export_function.derived.gallery import GalleryPage
from export_function.derived.markup import Content, Safe, element, encoded, escaped, filled, foreign, joined
from export_function.derived.page import document, facts, footer_of, navigation, to_file
from export_function.derived.project_section import project_section, table
from export_function.derived.summary import Period, ProjectSummary
from export_function.manifest import WHOLE_STORE

IDS_SHOWN = 100
NOT_ASKED = "not_asked"


def overview_document(
    *,
    request_id: str,
    time: str,
    head: Mapping[str, Any],
    gaps: Sequence[Mapping[str, Any]],
    projects: Sequence[ProjectSummary],
    pages: Sequence[GalleryPage],
    account: Sequence[Any] | None,
    has_keys: bool,
) -> bytes:
    """Give `index.html`. `head` has `created_time`, `scope` and `stores` as the manifest; `account` is account.json."""
    ordered = sorted(projects, key=lambda project: (project.name.casefold(), project.project_id))
    sections = [
        ("glance", texts.GLANCE, _glance(request_id, head, ordered)),
        ("held", texts.HELD, _held(head.get("stores") or {})),
        ("missing", texts.MISSING, _missing(gaps)),
        ("pictures", texts.GALLERY, _gallery(pages)),
        ("projects", texts.PROJECTS, joined(map(project_section, ordered)) or escaped(texts.NO_PROJECTS)),
        ("account", texts.ACCOUNT, _account(account, has_keys=has_keys)),
        ("files", texts.WHOLE_PACKAGE, _files(has_account=account is not None)),
    ]
    shown = [(anchor, heading, content) for anchor, heading, content in sections if content]
    contents = [element("a", heading, href=f"#{anchor}") for anchor, heading, _ in shown]
    return document(
        title=texts.TITLE,
        heading=texts.TITLE,
        lead=filled(_lead(head), when=moment(head.get("created_time"))),
        navigation=navigation(texts.CONTENTS, contents),
        content=(encoded(_section(*section)) for section in shown),
        footer=footer_of(request_id, time),
    )


def _lead(head: Mapping[str, Any]) -> str:
    scope = head.get("scope") or {}
    narrowed = "images" in scope or isinstance(scope.get("predictions"), Mapping)
    return texts.LEAD_NARROWED if narrowed else texts.LEAD


def _section(anchor: str, heading: str, content: Safe) -> Safe:
    return element("section", element("h2", heading, id=anchor), content, aria_labelledby=anchor)


def _glance(request_id: str, head: Mapping[str, Any], projects: Sequence[ProjectSummary]) -> Safe:
    images = sum(project.counts["images"] for project in projects)
    predictions = sum(project.counts["predictions"] for project in projects)
    total = texts.PICTURES_WORDS.format(images=number(images), predictions=number(predictions))
    pairs: list[tuple[Content, Content]] = [
        (texts.REQUEST, element("code", request_id)),
        (texts.WRITTEN, moment(head.get("created_time"))),
        (texts.SCOPE, _scope(head.get("scope") or {})),
        (texts.PROJECTS, joined(_listed([_project_link(project) for project in projects]))),
        (texts.PICTURES_TOTAL, total),
        (texts.PERIOD, _period(projects)),
        (texts.ERASED, _erased(head)),
    ]
    return joined((facts(pairs), element("p", texts.SEVERAL_ZIPS)))


def _project_link(project: ProjectSummary) -> Safe:
    return element("a", foreign(project.name or texts.UNNAMED), href=f"#project-{project.project_id}")


def _listed(items: Sequence[Safe]) -> Iterable[Content]:
    return (part for at, item in enumerate(items) for part in ((", ", item) if at else (item,)))


def _scope(scope: Mapping[str, Any]) -> Content:
    """Say what was asked for; the manifest's scope has kinds and numbers, no values of a person."""
    projects = scope.get("projects")
    words = [texts.SCOPE_ALL if projects == "all" else _named(str(projects))]
    if isinstance(images := scope.get("images"), Mapping):
        words.append(texts.SCOPE_IMAGES.format(kinds=", ".join(images)))
    if isinstance(predictions := scope.get("predictions"), Mapping):
        ids = predictions.get("ids")
        count = ids if isinstance(ids, int) else len(ids or ())
        words.append(texts.SCOPE_PREDICTIONS.format(number=number(count)))
    return "; ".join(words)


def _named(projects: str) -> str:
    """Say how many projects were named; the manifest has "2 named"."""
    count = projects.partition(" ")[0]
    return texts.SCOPE_ONE_NAMED if count == "1" else texts.SCOPE_NAMED.format(projects=count)


def _erased(head: Mapping[str, Any]) -> str | None:
    """
    Say what later erasures took out of the package: without it nobody could tell why the numbers differ.

    The time stands in the manifest only, so that a cleaning that died and was repeated makes the same page.
    """
    erased = int(head.get("erased_on_request") or 0)
    if not erased:
        return None
    items = texts.ERASED_ITEM if erased == 1 else texts.ERASED_ITEMS.format(items=number(erased))
    return texts.ERASED_WORDS.format(items=items)


def _period(projects: Sequence[ProjectSummary]) -> Safe | None:
    whole = Period()
    for project in projects:
        whole.include(project.period)
    if whole.first is None or whole.last is None:
        return None
    return joined((moment(whole.first.isoformat()), f" {texts.PERIOD_WORDS} ", moment(whole.last.isoformat())))


def _held(stores: Mapping[str, Mapping[str, Any]]) -> Safe | None:
    if not stores:
        return None
    rows = [
        (texts.STORES.get(store, store), *(_count(words.get(word)) for word in texts.COUNTS))
        for store, words in stores.items()
    ]
    counted = any(words.get("service_count") is not None for words in stores.values())
    note = element("p", texts.HELD_NOTE) if counted else None
    return joined((table(texts.HELD_CAPTION, (texts.STORE, *texts.COUNTS.values()), rows), note))


def _count(value: object) -> str:
    return number(value) if isinstance(value, int) else "–"


def _missing(gaps: Sequence[Mapping[str, Any]]) -> Safe:
    if not gaps:
        return element("p", texts.NOTHING_MISSING)
    order = list(texts.GAPS)
    kinds = sorted(gaps, key=lambda gap: (order.index(gap["code"]) if gap["code"] in order else 99, str(gap["store"])))
    grouped = groupby(kinds, key=lambda gap: (gap["store"], gap["code"]))
    entries = [(code, _missing_kind(store, code, list(entries))) for (store, code), entries in grouped]
    asked = [entry for code, entry in entries if code != NOT_ASKED]
    unasked = [entry for code, entry in entries if code == NOT_ASKED]
    lead = element("p", texts.MISSING_LEAD if asked else texts.NOTHING_MISSING)
    return joined((lead, *asked, element("p", texts.UNASKED_LEAD) if unasked else None, *unasked))


def _missing_kind(store: str, code: str, gaps: Sequence[Mapping[str, Any]]) -> Safe:
    ids = [str(gap["id"]) for gap in gaps if gap.get("id")]
    words = _gap_words(code, gaps)
    what = element("strong", texts.STORES.get(store, store))
    count = f" ({number(len(ids))})" if ids else None
    style = "missing unasked" if code == NOT_ASKED else "missing"
    return element("div", element("p", what, count, ": ", words, "."), _missing_ids(ids, gaps), class_=style)


def _gap_words(code: str, gaps: Sequence[Mapping[str, Any]]) -> str:
    """Say what a gap means; of a store of which only a part was not asked for, which part."""
    words = texts.GAPS.get(code) or texts.GAP_OTHER.format(code=code)
    details = [str(gap["detail"]) for gap in gaps if code == NOT_ASKED and not gap.get("id")]
    parts = [detail for detail in details if detail != WHOLE_STORE]
    return texts.GAP_PART.format(words=words, part="; ".join(parts)) if parts else words


def _missing_ids(ids: Sequence[str], gaps: Sequence[Mapping[str, Any]]) -> Safe | None:
    if not ids:
        return None
    items = [
        element("li", element("code", gap["id"]), ": ", foreign(gap.get("detail") or ""))
        for gap in [gap for gap in gaps if gap.get("id")][:IDS_SHOWN]
    ]
    if len(ids) > IDS_SHOWN:
        items.append(element("li", texts.GAP_MORE.format(number=number(len(ids) - IDS_SHOWN))))
    return element("details", element("summary", texts.GAP_IDS), element("ul", *items))


def _gallery(pages: Sequence[GalleryPage]) -> Safe:
    if not pages:
        return element("p", texts.NO_PICTURES)
    return element("ul", *(element("li", _gallery_link(page)) for page in pages))


def _gallery_link(page: GalleryPage) -> Safe:
    words = texts.GALLERY_RANGE.format(first=number(page.first), last=number(page.last))
    return to_file(page.name, f"{texts.GALLERY_PAGE.format(number=page.number)}: {words}")


def _account(account: Sequence[Any] | None, *, has_keys: bool) -> Safe | None:
    warning = element("p", texts.ACCOUNT_KEYS, class_="note") if has_keys else None
    if account is None:
        return warning
    entries = [
        joined((element("h3", texts.ACCOUNT_ENTRY.format(number=at)), element("div", shown(entry), class_="box")))
        for at, entry in enumerate(account, start=1)
    ]
    return joined((element("p", texts.ACCOUNT_LEAD), warning, *entries))


def shown(value: Any) -> Safe:  # noqa: ANN401 - any JSON value
    """Show any JSON value: objects as lists of terms, arrays as lists, the rest as text."""
    if isinstance(value, Mapping):
        return facts([(foreign(str(key)), shown(member)) for key, member in value.items() if member is not None])
    if isinstance(value, list):
        return element("ul", *(element("li", shown(member)) for member in value)) if value else escaped("–")
    return foreign("–" if value is None else str(value))


def _files(*, has_account: bool) -> Safe:
    items = [element("li", to_file("manifest.json", "manifest.json"), f" – {texts.MANIFEST}")]
    if has_account:
        items.append(element("li", to_file("account.json", "account.json"), f" – {texts.ACCOUNT_FILE}"))
    return element("ul", *items)
