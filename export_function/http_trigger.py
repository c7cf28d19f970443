"""POST /api/exports."""

from __future__ import annotations

import azure.functions as func

from export_function.intake import INTAKE
from shared.bootstrap import Installation
from shared.http_responses import accepted_answer, answers_errors, caller_of, json_body


def blueprint(installation: Installation) -> func.Blueprint:
    """Give the function that takes export requests."""
    functions = func.Blueprint()

    @functions.function_name("post_export")
    @functions.route(route="exports", methods=["POST"])
    @answers_errors
    def post_export(req: func.HttpRequest) -> func.HttpResponse:
        services = installation.services()
        body = json_body(req)
        return accepted_answer(INTAKE.from_http(services, body, caller_of(req, services.settings)))

    return functions
