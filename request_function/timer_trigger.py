"""The timers that look after requests: lost work, expired data, poison queues, the daily heads of all histories."""

from __future__ import annotations

import azure.functions as func

from request_function.audit import write_heads
from request_function.poison import watch_poison_queues
from request_function.retention import remove_expired
from request_function.watchdog import resend_lost_work
from shared.bootstrap import Installation
from shared.cleaning import Rebuild, finish_open_passes, remove_unneeded
from shared.settings import DEFAULT_WATCHDOG_SCHEDULE

RETENTION_SCHEDULE = "0 17 * * * *"
AUDIT_SCHEDULE = "0 5 0 * * *"
POISON_SCHEDULE = "30 */5 * * * *"


def blueprint(installation: Installation, rebuild: Rebuild) -> func.Blueprint:
    """Give the timers; `rebuild` is for packages whose cleaning was left unfinished."""
    functions = func.Blueprint()
    schedule = installation.schedule("WATCHDOG_SCHEDULE", DEFAULT_WATCHDOG_SCHEDULE) or DEFAULT_WATCHDOG_SCHEDULE

    @functions.function_name("watchdog")
    @functions.timer_trigger(arg_name="timer", schedule=schedule, run_on_startup=False, use_monitor=True)
    def watchdog(timer: func.TimerRequest) -> None:
        resend_lost_work(installation.services())

    @functions.function_name("retention")
    @functions.timer_trigger(arg_name="timer", schedule=RETENTION_SCHEDULE, run_on_startup=False, use_monitor=True)
    def retention(timer: func.TimerRequest) -> None:
        services = installation.services()
        remove_expired(services)
        finish_open_passes(services, rebuild)
        remove_unneeded(services)

    @functions.function_name("poison_watch")
    @functions.timer_trigger(arg_name="timer", schedule=POISON_SCHEDULE, run_on_startup=False, use_monitor=True)
    def poison_watch(timer: func.TimerRequest) -> None:
        watch_poison_queues(installation.services())

    @functions.function_name("audit_heads")
    @functions.timer_trigger(arg_name="timer", schedule=AUDIT_SCHEDULE, run_on_startup=False, use_monitor=True)
    def audit_heads(timer: func.TimerRequest) -> None:
        write_heads(installation.services())

    return functions
