"""Scheduled exports."""

from __future__ import annotations

import azure.functions as func

from export_function.scheduled import start_due_export
from shared.bootstrap import Installation


def blueprint(installation: Installation) -> func.Blueprint:
    """Give the timer, if EXPORT_SCHEDULE is set; without it there is none."""
    functions = func.Blueprint()
    schedule = installation.schedule("EXPORT_SCHEDULE")
    if schedule is None:
        return functions

    @functions.function_name("scheduled_export")
    @functions.timer_trigger(arg_name="timer", schedule=schedule, run_on_startup=False, use_monitor=True)
    def scheduled_export(timer: func.TimerRequest) -> None:
        start_due_export(installation.services(), schedule)

    return functions
