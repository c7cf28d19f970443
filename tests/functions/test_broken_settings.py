"""An installation with broken settings starts, and says over HTTP what is wrong, all of it and without values."""

import json

import pytest

from shared.domain.errors import ConfigurationError
from tests.functions.conftest import App, app_of, json_of, problem_of

SECRET = "s3cr3t-training-key"
BROKEN = {
    "CUSTOM_VISION_ENDPOINT": f"http://example.com/?k={SECRET}",
    "CUSTOM_VISION_TRAINING_KEY": f"{SECRET},{SECRET}",
    "AzureWebJobsStorage": f"AccountKey={SECRET}",
    "EXPORT_SCHEDULE": "daily",
    "ALLOW_KEY_EXPORT": "perhaps",
    "PACKAGE_LINK_MINUTES": "ten",
}
FUNCTIONS = ["post_export", "post_erasure", "get_request", "list_requests", "get_plan", "get_receipt", "cancel_request"]


@pytest.fixture(params=[{}, BROKEN], ids=["nothing set", "all wrong"])
def broken(request: pytest.FixtureRequest) -> App:
    return app_of(request.param)


def expected(app: App) -> set[str]:
    return set(app.environ) or {"CUSTOM_VISION_ENDPOINT", "AzureWebJobsStorage"}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_every_function_answers_503_and_names_every_setting(broken: App, name: str) -> None:
    answer = broken.call(name, {"scope": {"projects": "all"}}, request_id="0f8fad5b-d9cb-469f-a165-70867728950e")
    problem = problem_of(answer)
    assert problem["status"] == 503
    assert int(answer.headers["Retry-After"]) > 0
    named = " ".join(error["detail"] for error in problem["errors"])
    assert {setting for setting in expected(broken) if setting in named} == expected(broken)
    assert SECRET not in json.dumps(problem)


def test_health_names_every_setting_too(broken: App) -> None:
    health = json_of(broken.call("get_health"), 503)
    assert health["status"] == "degraded"
    assert {setting for setting in expected(broken) if setting in health["checks"]["settings"]} == expected(broken)
    assert SECRET not in json.dumps(health)


def test_a_message_is_not_acknowledged_while_settings_are_broken(broken: App) -> None:
    for name in ("take_export_request", "take_erasure_request", "work_export", "work_erasure"):
        with pytest.raises(ConfigurationError):
            broken.deliver(name, {"scope": {"projects": "all"}})
