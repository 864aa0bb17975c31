"""The main job: a module for each command."""
