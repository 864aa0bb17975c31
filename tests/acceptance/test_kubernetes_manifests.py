"""The manifests of examples/kubernetes are valid, and their commands are commands of pgbraid."""

from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from pgbraid.cli.parser import parse_arguments

FOLDER = Path(__file__).parents[2] / "examples" / "kubernetes"
MANIFESTS = sorted(FOLDER.glob("*.yaml"))
each_manifest = pytest.mark.parametrize("path", MANIFESTS, ids=lambda path: path.name)


def containers(document):
    pod = document["spec"]["template"]["spec"]
    return [*pod.get("initContainers", ()), *pod["containers"]]


@each_manifest
@pytest.mark.parametrize("version", ["1.31", "1.34"])
def test_manifest_is_valid(path, version):
    for document in yaml.safe_load_all(path.read_text()):
        kubernetes_validate.validate(document, version, strict=True)


@each_manifest
def test_commands_are_commands_of_pgbraid(path):
    (document,) = yaml.safe_load_all(path.read_text())
    commands = [
        container["command"] for container in containers(document) if "command" in container
    ]
    commands += [
        container["readinessProbe"]["exec"]["command"]
        for container in containers(document)
        if "exec" in container.get("readinessProbe", {})
    ]
    assert commands
    for program, *words in commands:
        assert program == "pgbraid"
        assert parse_arguments(words).command in {"up", "wait", "check"}


@each_manifest
def test_pod_has_time_to_end_and_no_password(path):
    (document,) = yaml.safe_load_all(path.read_text())
    assert document["spec"]["template"]["spec"]["terminationGracePeriodSeconds"] >= 10
    assert "postgresql://" not in path.read_text()
