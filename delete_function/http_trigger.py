"""POST /api/erasures."""

from __future__ import annotations

import azure.functions as func

from delete_function.intake import INTAKE
from shared.bootstrap import Installation
from shared.http_responses import accepted_answer, answers_errors, caller_of, json_body


def blueprint(installation: Installation) -> func.Blueprint:
    """Give the function that takes erasure requests."""
    functions = func.Blueprint()

    @functions.function_name("post_erasure")
    @functions.route(route="erasures", methods=["POST"])
    @answers_errors
    def post_erasure(req: func.HttpRequest) -> func.HttpResponse:
        services = installation.services(erasure=True)
        body = json_body(req)
        return accepted_answer(INTAKE.from_http(services, body, caller_of(req, services.settings)))

    return functions
