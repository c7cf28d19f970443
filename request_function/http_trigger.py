"""The routes about requests: one, all, cancel, plan, receipt, package; and health and keys."""

from __future__ import annotations

import azure.functions as func

from request_function import reading
from request_function.approval import Approval, decide
from request_function.health import health
from request_function.keys import key_set
from request_function.reading import ListQuery, known_id
from request_function.retry import retry
from shared.bootstrap import Installation
from shared.http_responses import (
    POLL_SECONDS,
    NotAcceptable,
    accepted_answer,
    answers_errors,
    asks_for,
    caller_of,
    json_answer,
    json_body,
    raw_answer,
    refuse_parameters_but,
)


def blueprint(installation: Installation) -> func.Blueprint:
    """Give the functions that answer about requests."""
    functions = func.Blueprint()
    _about_one(functions, installation)
    _about_all(functions, installation)
    return functions


def _about_one(functions: func.Blueprint, installation: Installation) -> None:
    @functions.function_name("get_request")
    @functions.route(route="requests/{request_id}", methods=["GET"])
    @answers_errors
    def get_request(req: func.HttpRequest) -> func.HttpResponse:
        view = reading.status(installation.services(), _id(req))
        headers = {} if view["completed_time"] else {"Retry-After": str(POLL_SECONDS)}
        return json_answer(view, headers=headers)

    @functions.function_name("cancel_request")
    @functions.route(route="requests/{request_id}", methods=["DELETE"])
    @answers_errors
    def cancel_request(req: func.HttpRequest) -> func.HttpResponse:
        return json_answer(reading.cancel(installation.services(), _id(req)), 202)

    @functions.function_name("get_plan")
    @functions.route(route="requests/{request_id}/plan", methods=["GET"])
    @answers_errors
    def get_plan(req: func.HttpRequest) -> func.HttpResponse:
        return json_answer(reading.plan(installation.services(), _id(req)))

    @functions.function_name("post_approval")
    @functions.route(route="requests/{request_id}/approval", methods=["POST"])
    @answers_errors
    def post_approval(req: func.HttpRequest) -> func.HttpResponse:
        services = installation.services(erasure=True)
        body = json_body(req)
        approval = Approval.read(body, caller_of(req, services.settings))
        return json_answer(decide(services, _id(req), approval))

    @functions.function_name("post_retry")
    @functions.route(route="requests/{request_id}/retry", methods=["POST"])
    @answers_errors
    def post_retry(req: func.HttpRequest) -> func.HttpResponse:
        services = installation.services()
        return accepted_answer(retry(services, _id(req), caller_of(req, services.settings)))

    @functions.function_name("get_receipt")
    @functions.route(route="requests/{request_id}/receipt", methods=["GET"])
    @answers_errors
    def get_receipt(req: func.HttpRequest) -> func.HttpResponse:
        services = installation.services()
        if not asks_for(req, "application/jose"):
            return raw_answer(reading.receipt(services, _id(req)), "application/json")
        signature = reading.signed_receipt(services, _id(req))
        if signature is None:
            raise NotAcceptable("the receipt is not signed; ask for application/json")
        return raw_answer(signature, "application/jose")

    @functions.function_name("get_package")
    @functions.route(route="requests/{request_id}/package", methods=["GET"])
    @answers_errors
    def get_package(req: func.HttpRequest) -> func.HttpResponse:
        services, part = installation.services(), req.params.get("part", "1")
        link = reading.package(services, _id(req, "part"), part)
        return raw_answer(b"", "text/plain", 302, {"Location": link})


def _about_all(functions: func.Blueprint, installation: Installation) -> None:
    @functions.function_name("list_requests")
    @functions.route(route="requests", methods=["GET"])
    @answers_errors
    def list_requests(req: func.HttpRequest) -> func.HttpResponse:
        return json_answer(reading.list_requests(installation.services(), ListQuery.read(req.params)))

    @functions.function_name("get_keys")
    @functions.route(route="keys", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @answers_errors
    def get_keys(req: func.HttpRequest) -> func.HttpResponse:
        return json_answer(key_set(installation.services()))

    @functions.function_name("get_health")
    @functions.route(route="health", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    @answers_errors
    def get_health(req: func.HttpRequest) -> func.HttpResponse:
        status, body = health(installation)
        return json_answer(body, status)

    @functions.function_name("get_openapi")
    @functions.route(route="openapi.json", methods=["GET"], auth_level=func.AuthLevel.ANONYMOUS)
    def get_openapi(req: func.HttpRequest) -> func.HttpResponse:
        from request_function.openapi import document_bytes  # here: no cold start needs it

        return raw_answer(document_bytes(), "application/json")


def _id(req: func.HttpRequest, *parameters: str) -> str:
    """Give the request's id; the query may hold nothing but these parameters."""
    refuse_parameters_but(req, *parameters)
    return known_id(req.route_params["request_id"])
