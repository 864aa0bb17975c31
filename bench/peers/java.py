"""Tools written in Java: their libraries are fetched, and their main class is called."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bench.install import maven
from bench.model import Command, Tool
from bench.peers.layout import files

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from bench.model import Place
    from bench.workload import File

__all__ = ["TOOLS"]

_DRIVER = "org.postgresql:postgresql:42.7.14"
_FLYWAY = "11.14.1"  # of the newer ones, parts are missing in the registry
_JACKSON = "2.19.1"
_CHANGELOG = """\
<?xml version="1.0" encoding="UTF-8"?>
<databaseChangeLog xmlns="http://www.liquibase.org/xml/ns/dbchangelog"
    xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
    xsi:schemaLocation="http://www.liquibase.org/xml/ns/dbchangelog
        http://www.liquibase.org/xml/ns/dbchangelog/dbchangelog-latest.xsd">
  <includeAll path="files" relativeToChangelogFile="true"/>
</databaseChangeLog>
"""
"""The names in it are identifiers: nothing is fetched from there."""


def _java(place: Place, main: str, *words: str) -> Command:
    quiet = {"LIQUIBASE_ANALYTICS_ENABLED": "false", "REDGATE_DISABLE_TELEMETRY": "true"}
    return Command(("java", "-cp", f"{place.home}/lib/*", main, *words), quiet)


def _jdbc(place: Place) -> str:
    return f"jdbc:postgresql://{place.host}:{place.port}/{place.database}?sslmode=disable"


def _flyway(place: Place) -> Command:
    target = (f"-url={_jdbc(place)}", "-user=postgres", "-password=")
    options = (f"-locations=filesystem:{place.folder}", "-skipCheckForUpdate")
    return _java(place, "org.flywaydb.commandline.Main", *target, *options, "migrate")


def _flyway_version(place: Place) -> Command:
    return _java(place, "org.flywaydb.commandline.Main", "--version")


def _lay_out_liquibase(folder: Path, migrations: Sequence[File]) -> None:
    files(body=_changeset)(folder / "files", migrations)
    (folder / "changelog.xml").write_text(_CHANGELOG)


def _changeset(file: File) -> str:
    whole = " splitStatements:false" if "$$" in file.sql else ""
    return f"--liquibase formatted sql\n--changeset bench:{file.version}{whole}\n{file.sql}"


def _liquibase(place: Place) -> Command:
    main = "liquibase.integration.commandline.LiquibaseCommandLine"
    target = (f"--url={_jdbc(place)}", "--username=postgres", "--changelog-file=changelog.xml")
    return _java(place, main, f"--search-path={place.folder}", "update", *target)


def _liquibase_version(place: Place) -> Command:
    return _java(place, "liquibase.integration.commandline.LiquibaseCommandLine", "--version")


TOOLS = (
    Tool(
        "flyway",
        _FLYWAY,
        maven(
            f"org.flywaydb:flyway-commandline:{_FLYWAY}:alone",
            f"org.flywaydb:flyway-core:{_FLYWAY}",
            f"org.flywaydb:flyway-database-postgresql:{_FLYWAY}",
            f"com.fasterxml.jackson.dataformat:jackson-dataformat-toml:{_JACKSON}",
            f"com.fasterxml.jackson.datatype:jackson-datatype-jsr310:{_JACKSON}",
            "org.apache.commons:commons-text:1.15.0",
            _DRIVER,
        ),
        files("V{version}__{name}.sql"),
        _flyway,
        _flyway_version,
    ),
    Tool(
        "liquibase",
        "5.0.4",
        maven("org.liquibase:liquibase-core:5.0.4", "info.picocli:picocli:4.7.7", _DRIVER),
        _lay_out_liquibase,
        _liquibase,
        _liquibase_version,
    ),
)
