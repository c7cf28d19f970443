"""Timers that put what they were given on a queue."""

import json
import os
import time

import azure.functions as func

app = func.FunctionApp()


def _seen(timer: func.TimerRequest) -> bytes:
    seen = {
        "past_due": timer.past_due,
        "schedule": timer.schedule,
        "status": timer.schedule_status,
        "time": time.time(),
        "pid": os.getpid(),
    }
    return json.dumps(seen).encode()


@app.timer_trigger(arg_name="timer", schedule="* * * * * *")
@app.queue_output(arg_name="out", queue_name="%TAG%-every-second", connection="AzureWebJobsStorage")
def every_second(timer: func.TimerRequest, out: func.Out[bytes]) -> None:
    out.set(_seen(timer))


@app.timer_trigger(arg_name="timer", schedule="%SCHEDULE%")
@app.queue_output(arg_name="out", queue_name="%TAG%-monitored", connection="AzureWebJobsStorage")
def monitored(timer: func.TimerRequest, out: func.Out[bytes]) -> None:
    out.set(_seen(timer))


@app.timer_trigger(arg_name="timer", schedule="0 0 0 1 1 *", run_on_startup=True)
@app.queue_output(arg_name="out", queue_name="%TAG%-at-startup", connection="AzureWebJobsStorage")
def at_startup(timer: func.TimerRequest, out: func.Out[bytes]) -> None:
    out.set(_seen(timer))


@app.timer_trigger(arg_name="timer", schedule="* * * * * *")
@app.queue_output(arg_name="out", queue_name="%TAG%-slow-runs", connection="AzureWebJobsStorage")
def slow(timer: func.TimerRequest, out: func.Out[bytes]) -> None:
    """Takes longer than its schedule allows."""
    seen = _seen(timer)
    time.sleep(2.2)
    out.set(seen)


@app.timer_trigger(arg_name="timer", schedule="%NOT_SET%")
def in_error(timer: func.TimerRequest) -> None:
    return None
