"""A process that has imported the app answers soon and gives memory back."""

import subprocess
import sys

import pytest

from shared.process_tuning import TURN_SECONDS, give_memory_back


def test_importing_the_app_shortens_the_turns_of_threads_and_keeps_imports_out_of_collections() -> None:
    program = "import function_app, gc, sys; print(sys.getswitchinterval(), gc.get_freeze_count())"
    result = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    interval, frozen = result.stdout.split()
    assert float(interval) == pytest.approx(TURN_SECONDS)
    assert int(frozen) > 10_000


@pytest.mark.skipif(sys.platform != "linux", reason="other C libraries have no mallopt")
def test_the_c_library_takes_what_is_set() -> None:
    assert give_memory_back()


def test_another_c_library_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "platform", "darwin")
    assert not give_memory_back()
