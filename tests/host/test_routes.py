"""Route templates: what matches, and with which values."""

import pytest

from local.functions_host.routes import InvalidRoute, parse_route

GUID = "3fa85f64-5717-4562-b3fc-2c963f66afa6"


@pytest.mark.parametrize(
    ("template", "path", "values"),
    [
        ("api/items", "/api/items", {}),
        ("api/items", "/API/Items/", {}),  # without case, without the last slash
        ("api/items/{id}", "/api/items/A%20b", {"id": "A b"}),
        ("api/items/{id}", "/api/items/a%2Fb", {"id": "a%2Fb"}),  # an encoded slash stays one segment
        ("api/items/{id?}", "/api/items", {}),
        ("api/items/{id?}", "/api/items/5", {"id": "5"}),
        ("api/items/{id=7}", "/api/items", {"id": "7"}),
        ("api/items/{id:int=7}", "/api/items", {"id": "7"}),
        ("api/{*rest}", "/api/a/b/c", {"rest": "a/b/c"}),
        ("api/{*rest}", "/api", {}),
        ("api/file-{name}.{ext}", "/api/file-a.txt", {"name": "a", "ext": "txt"}),
        ("{x}", "/anything", {"x": "anything"}),
        ("api/{id:guid}", f"/api/{GUID}", {"id": GUID}),
        ("api/{n:int:min(3)}", "/api/3", {"n": "3"}),
        ("api/{n:range(1,5)}", "/api/5", {"n": "5"}),
        ("api/{s:length(2,3)}", "/api/abc", {"s": "abc"}),
        ("api/{s:length(2)}", "/api/ab", {"s": "ab"}),
        ("api/{s:alpha}", "/api/abc", {"s": "abc"}),
        ("api/{b:bool}", "/api/TRUE", {"b": "TRUE"}),
        ("api/{d:datetime}", "/api/2026-11-24", {"d": "2026-11-24"}),
        ("api/{d:decimal}", "/api/1.5", {"d": "1.5"}),
        (r"api/{s:regex(^\d{{3}}-\d{{2}}$)}", "/api/123-45", {"s": "123-45"}),
    ],
)
def test_a_path_that_fits_gives_its_values(template: str, path: str, values: dict[str, str]) -> None:
    assert parse_route(template).match(path) == values


@pytest.mark.parametrize(
    ("template", "path"),
    [
        ("api/items", "/api/items/5"),
        ("api/items/{id}", "/api/items"),
        ("api/items/{id}", "/api/items/5/6"),
        ("api/items", "/items"),
        ("api/{id:guid}", "/api/not-a-guid"),
        ("api/{n:int}", "/api/2147483648"),  # beyond 32 bits
        ("api/{n:long}", "/api/x"),
        ("api/{n:int:min(3)}", "/api/2"),
        ("api/{n:max(3)}", "/api/4"),
        ("api/{n:range(1,5)}", "/api/6"),
        ("api/{s:length(2,3)}", "/api/a"),
        ("api/{s:minlength(2)}", "/api/a"),
        ("api/{s:maxlength(2)}", "/api/abc"),
        ("api/{s:alpha}", "/api/ab1"),
        ("api/{b:bool}", "/api/yes"),
        ("api/{d:datetime}", "/api/tomorrow"),
        ("api/{d:double}", "/api/x"),
        ("api/{d:float}", "/api/x"),
        (r"api/{s:regex(^\d{{3}}$)}", "/api/1234"),
    ],
)
def test_a_path_that_does_not_fit_is_no_match(template: str, path: str) -> None:
    assert parse_route(template).match(path) is None


@pytest.mark.parametrize(
    "template", ["api/{id", "api/{id:colour}", "api/{a}/{A}", "api/{}", "api/{n:min(x)}", "api/{s:regex(()}"]
)
def test_a_broken_template_is_refused(template: str) -> None:
    with pytest.raises(InvalidRoute):
        parse_route(template)
