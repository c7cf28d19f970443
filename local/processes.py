"""How a process that was started here is stopped."""

import subprocess


def stop(process: subprocess.Popen[str] | subprocess.Popen[bytes], patience: float) -> None:
    """Ask it to end (SIGTERM), kill it after so many seconds (SIGKILL), and wait until it has ended."""
    process.terminate()
    try:
        process.wait(patience)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
