"""What the app costs beside what the same work costs without it: `python -m benchmarks`, never a pass or a fail."""
