"""The fixtures of all tests: one module of tests/fixtures per concern."""

pytest_plugins = [
    "tests.fixtures.clusters",
    "tests.fixtures.corpus",
    "tests.fixtures.databases",
    "tests.fixtures.documents",
    "tests.fixtures.folders",
    "tests.fixtures.hazards",
    "tests.fixtures.interruption",
    "tests.fixtures.nontransactional",
    "tests.fixtures.poolers",
    "tests.fixtures.programs",
    "tests.fixtures.proofs",
    "tests.fixtures.quick_answers",
    "tests.fixtures.relays",
    "tests.fixtures.scratch",
    "tests.fixtures.servers",
    "tests.fixtures.suites",
]
