"""The app: its functions, registered. Settings come from the environment when this module is imported, nowhere else."""

import os
from collections.abc import Mapping

import azure.functions as func

from delete_function import blueprints as delete_blueprints
from export_function import blueprints as export_blueprints
from export_function.rebuilding import REBUILD
from request_function import blueprints as request_blueprints
from shared.bootstrap import Installation
from shared.process_tuning import tune_process


def create_app(environ: Mapping[str, str]) -> func.FunctionApp:
    """Make the app for an environment; malformed settings become answers (503), not an app that does not start."""
    application = func.FunctionApp(http_auth_level=func.AuthLevel.FUNCTION)
    installation = Installation(environ)
    blueprints = [
        *export_blueprints(installation),
        *delete_blueprints(installation, REBUILD),
        *request_blueprints(installation, REBUILD),
    ]
    for blueprint in blueprints:
        application.register_functions(blueprint)
    return application


app = create_app(os.environ)
tune_process()
