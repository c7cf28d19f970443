"""A project on the overview: details, tags, iterations with their performance, files. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from export_function.derived import texts
from export_function.derived.formats import moment, number, percent, size
from export_function.derived.markup import Content, Safe, element, filled, foreign, joined
from export_function.derived.page import facts, to_file
from export_function.derived.summary import IterationSummary, ProjectSummary
from shared.domain.links import without_links
from shared.packages import project_path

MEASURES = {
    texts.PRECISION: "precision",
    texts.RECALL: "recall",
    texts.AVERAGE_PRECISION: "averagePrecision",
}


def project_section(project: ProjectSummary) -> Safe:
    """Give the section of one project."""
    name = foreign(project.name or texts.UNNAMED)
    content = (
        element("h3", name, id=f"project-{project.project_id}"),
        facts(_project_facts(project)),
        _pictures(project),
        _tags(project),
        element("h4", texts.ITERATIONS) if project.iterations else None,
        *(_iteration(project, iteration) for iteration in project.iterations),
        _files(project),
    )
    return element("section", *content, class_="box", aria_labelledby=f"project-{project.project_id}")


def table(caption: Content, columns: Sequence[Content], rows: Sequence[Sequence[Content]]) -> Safe:
    """Give a table whose first column names the rows and whose others are numbers or short words."""
    head = element("tr", *(element("th", c, scope="col", class_="n" if at else None) for at, c in enumerate(columns)))
    body = [
        element("tr", element("th", row[0], scope="row"), *(element("td", cell, class_="n") for cell in row[1:]))
        for row in rows
    ]
    whole = element("table", element("caption", caption), element("thead", head), element("tbody", *body))
    return element("div", whole, class_="scroll")


def _project_facts(project: ProjectSummary) -> list[tuple[Content, Content]]:
    row = project.row
    counts = {"images": number(project.counts["images"]), "only": number(project.counts["only_in_iteration"])}
    only = project.counts["only_in_iteration"]
    kind = (row.get("settings") or {}).get("classificationType")
    return [
        (texts.DESCRIPTION, _text(row, "description")),
        (texts.CREATED, _time(row, "created")),
        (texts.CHANGED, _time(row, "lastModified")),
        (texts.STATUS, _text(row, "status")),
        (texts.CLASSIFICATION, foreign(texts.CLASSIFICATIONS.get(str(kind), str(kind))) if kind else None),
        (texts.IMAGES_HELD, texts.IMAGES_HELD_WORDS.format(**counts) if only else counts["images"]),
        (texts.PREDICTIONS_HELD, number(project.counts["predictions"])),
        (texts.PROJECT_ID, element("code", project.project_id)),
    ]


def _pictures(project: ProjectSummary) -> Safe | None:
    links = []
    for section, page in project.pages.items():
        template = texts.SEE_PREDICTIONS if section.is_predictions else texts.SEE_IMAGES
        links.append(element("li", to_file(f"{page.name}#{section.anchor}", template.format(page=page.number))))
    return element("ul", *links) if links else None


def _tags(project: ProjectSummary) -> Safe | None:
    if not project.tags:
        return None
    rows = [
        (
            joined((foreign(tag.get("name")), None if in_workspace else f" ({texts.TAG_ONLY_ITERATION})")),
            foreign(tag.get("type") or "Regular"),
            tag["imageCount"] if isinstance(tag.get("imageCount"), int) else "–",
        )
        for tag, in_workspace in project.tags
    ]
    caption = filled(texts.TAGS_CAPTION, project=foreign(project.name))
    content = table(caption, (texts.NAME, texts.TAG_TYPE, texts.TAG_IMAGES), rows)
    return _details(f"{texts.TAGS} ({number(len(rows))})", content)


def _iteration(project: ProjectSummary, iteration: IterationSummary) -> Safe:
    row = iteration.row
    name = foreign(row.get("name") or row["id"])
    pairs: list[tuple[Content, Content]] = [
        (texts.STATUS, _text(row, "status")),
        (texts.CREATED, _time(row, "created")),
        (texts.TRAINED, _time(row, "trainedAt")),
        (texts.PUBLISHED, _text(row, "publishName")),
        (
            texts.PUBLISHED_TO,
            _text(row, "originalPublishResourceId"),
        ),
        (texts.MODELS, _models(project, iteration)),
        (texts.PROJECT_ID, element("code", row["id"])),
    ]
    return joined((element("h5", name), facts(pairs), _performance(name, iteration)))


def _performance(name: Safe, iteration: IterationSummary) -> Safe | None:
    measured = iteration.performance
    if not isinstance(measured, dict):
        return None
    rows = [_measures(texts.OVERALL, measured)]
    by_tag = measured.get("perTagPerformance")
    tags = [tag for tag in by_tag if isinstance(tag, dict)] if isinstance(by_tag, list) else []
    rows += [_measures(foreign(str(tag.get("name") or tag.get("id"))), tag) for tag in tags]
    caption = filled(texts.PERFORMANCE_CAPTION, iteration=name)
    return table(caption, (texts.NAME, *MEASURES), rows)


def _measures(name: Content, row: Mapping[str, Any]) -> list[Content]:
    return [name, *(percent(row.get(key)) for key in MEASURES.values())]


def _models(project: ProjectSummary, iteration: IterationSummary) -> Safe | None:
    """List the exports that the service knows, and link the packages that are here."""
    listed = [_model(row) for row in iteration.exports or ()]
    folder = f"iterations/{iteration.row['id']}/models/"
    packages = [
        _file_link(project, name, name.removeprefix(folder)) for name in project.names if name.startswith(folder)
    ]
    items = [element("li", item) for item in [*listed, *packages]]
    return element("ul", *items) if items else None


def _model(row: Mapping[str, Any]) -> Safe:
    words = {key: str(without_links(row.get(key)) or "") for key in ("platform", "flavor", "status")}
    return foreign(texts.MODEL_LISTED.format(**words))


def _files(project: ProjectSummary) -> Safe:
    items = [element("li", _file_link(project, name, name), " – ", _file_words(name)) for name in project.names]
    return _details(f"{texts.FILES} ({number(len(items))})", element("ul", *items))


def _file_link(project: ProjectSummary, name: str, label: str) -> Safe:
    return joined((to_file(project_path(project.project_id, name), label), f" ({size(project.names[name])})"))


def _file_words(name: str) -> str:
    folder, _, last = name.rpartition("/")
    kind = last if last in texts.FILE_KINDS else folder.rpartition("/")[2]
    return texts.FILE_KINDS.get(kind, texts.FILE_OTHER)


def _details(summary: Content, content: Safe) -> Safe:
    return element("details", element("summary", summary), content)


def _text(row: Mapping[str, Any], key: str) -> Safe | None:
    return foreign(str(row[key])) if row.get(key) else None


def _time(row: Mapping[str, Any], key: str) -> Safe | None:
    return moment(row[key]) if row.get(key) else None
