"""The main job before a person's eyes: export every project, erase one person, prove both. `python -m local.demo`."""
