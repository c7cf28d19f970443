"""The app: its functions, registered. Settings come from the environment when this module is imported, nowhere else."""

import os
from collections.abc import Mapping

import azure.functions as func

from delete_function import blueprints as delete_blueprints
from export_function import blueprints as export_blueprints
from request_function import blueprints as request_blueprints
from shared.bootstrap import Installation


def create_app(environ: Mapping[str, str]) -> func.FunctionApp:
    """Make the app for an environment; malformed settings become answers (503), not an app that does not start."""
    application = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
    installation = Installation(environ)
    for blueprints in (export_blueprints, delete_blueprints, request_blueprints):
        for blueprint in blueprints(installation):
            application.register_functions(blueprint)
    return application


app = create_app(os.environ)
