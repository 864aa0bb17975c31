"""The page as HTML: its elements, its texts, its size; hostile names and messages."""

import base64
import gzip
import hashlib
import json
import re
from itertools import pairwise

import pytest

from pgbraid.model.errors import EmbeddedError
from pgbraid.model.migration import Diagnostic, Location, Problem
from pgbraid.model.proof import DriftReport, Proof, ReplayFailure, Verdict
from pgbraid.model.results import State
from pgbraid.model.snapshot import AttributeDifference, Difference, Facet
from pgbraid.page.sections.hazards import parse_hazards
from pgbraid.source.loader import load_migrations
from tests.fixtures.pages import NOON, Elements, line, page_of, row

HTML = {
    *("html", "head", "meta", "title", "style", "body", "header", "nav", "main", "footer"),
    *("section", "div", "p", "h1", "h2", "h3", "ul", "li", "a", "strong", "span", "bdi", "br"),
    *("code", "pre", "table", "thead", "tbody", "tr", "th", "td", "del", "ins", "details"),
    "summary",
}
SVG = {"svg", "title", "desc", "g", "path", "rect", "circle", "text", "defs", "pattern"}
ATTRIBUTES = {
    *("lang", "charset", "http-equiv", "content", "name", "id", "class", "href", "role", "scope"),
    *("tabindex", "colspan", "open", "aria-label", "aria-labelledby", "aria-hidden"),
    *("width", "height", "viewbox", "d", "x", "y", "r", "cx", "cy", "fill", "stroke", "opacity"),
    *("stroke-width", "stroke-dasharray", "font-size", "font-family", "font-weight"),
    *("text-anchor", "patternunits", "patterntransform"),
}

HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "]]></style><script>alert(1)</script>",
    "' onload='alert(1)",
    "</title></svg><svg onload=alert(1)>",
    "{{ 7 * 7 }}{% raw %}",
    "a\u202egnp.exe\u2066b",
    "nul\\u0000 \x00 \x1b[31m \x07",
    "\ufffe\ufdd0\U0010ffff\ud800",
    "עברית العربية 中文 😀",
    "x" * 2000,
    "a\r\nb\tc\u2028d",
    "&lt;b&gt; &amp; &#60;",
]


def hostile_page(text):
    """Return a page in which every text of other people is this one."""
    migrations = load_migrations({"1_a.sql": "SELECT 1", "2_b.sql": "SELECT 2"}).migrations
    diagnostic = Diagnostic(
        "ERROR",
        text,
        sqlstate="42P01",
        detail=text,
        hint=text,
        location=Location(text, 3, 4),
        excerpt=text,
        caret=3,
    )
    changed = (
        AttributeDifference("definition", text, f"{text}\n{text} more"),
        AttributeDifference("relowner", text, f"{text}2"),
    )
    differences = (
        Difference(Facet.SCHEMA, "pg_class", text, changed),
        Difference(Facet.SCHEMA, "pg_class", text, changed, only="left"),
        Difference(Facet.DATA, "data", text, (AttributeDifference("rows", "1", "2"),)),
    )
    proof = Proof(
        Verdict.DIFFERENT,
        migrations,
        migrations,
        migrations[:1],
        differences=differences,
        recorded_failure=ReplayFailure(migrations[0], diagnostic),
        no_pair=text,
        not_compared=(text,) * 12,
        provided=(text,),
        notes=(text,),
        label=text,
        server=text,
        allowed_reason=text,
        replays=2,
    )
    drift = DriftReport(differences, 2, 1, (text,), (text,), (text,), text)
    finding = {"rule": text, "severity": "error", "message": text, "object": text, "file": text}
    texts = ("lock", "blocks", "held_since", "hint", "instead", "allowed")
    document = {"findings": [{**finding, **dict.fromkeys(texts, text)}]}
    lines = [
        line(1, 2, name=text, attempts=2, waited_ms=5, blocked_by=[text]),
        line(2, 1, name=text, run="b"),
        line(3, 3, "failed", name=text, run="c", message=text, sqlstate=text),
    ]
    lines = [type(ln)(*(getattr(ln, name) for name in ln.__slots__)) for ln in lines]
    return page_of(
        [row(1, name=text), row(2, name=text), row(3, State.PENDING, name=text)],
        lines,
        database=text,
        problems=[Problem("x", text)],
        proof=proof,
        drift=drift,
        hazards=parse_hazards(json.dumps(document), "h.json"),
    )


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_page_has_only_elements_and_attributes_of_its_template(text):
    page = Elements(hostile_page(text).html)
    plain = Elements(hostile_page("x").html)
    assert {tag for tag, _ in page.found} <= HTML | SVG
    assert {name for _, attributes in page.found for name in attributes} <= ATTRIBUTES
    if "\n" not in text and len(text) < 100:
        assert [tag for tag, _ in page.found] == [tag for tag, _ in plain.found]
    for tag, attributes in page.found:
        assert attributes.get("href", "#").startswith("#"), tag
        assert not re.search("javascript|alert", str(attributes.get("fill", "")))
    assert "49" not in page.text or "7 * 7" in page.text


@pytest.mark.parametrize("text", HOSTILE, ids=range(len(HOSTILE)))
def test_page_has_no_character_that_html_forbids(text):
    html = hostile_page(text).html
    forbidden = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066\u2067\ufdd0\ufffe\U0010ffff\ud800]"
    assert not re.search(forbidden, html)
    assert html.encode()
    json.dumps(hostile_page(text).json).encode()


def test_long_text_is_cut():
    html = hostile_page("x" * 9000).html
    assert "x" * 2001 not in html
    assert "x…" in html


def test_other_directions_are_isolated():
    """By an element for it, or by an element that is a paragraph of its own."""
    page = Elements(hostile_page("עברית").html)
    holders = {holder for holder, text in page.held if "עברית" in text}
    assert holders == {"bdi", "ins", "pre", "td", "th", "title", "text"}
    drawn = [text for holder, text in page.held if holder == "text" and "עברית" in text]
    assert all(text[0] + text[-1] == "\u2068\u2069" for text in drawn)


def test_style_is_the_one_that_the_policy_allows():
    page = Elements(page_of([row(1)], [line(1, 1)]).html)
    (policy,) = [a["content"] for t, a in page.found if a.get("http-equiv")]
    digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert policy == (
        f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert sum(tag == "style" for tag, _ in page.found) == 1
    assert "url(" not in page.style
    assert "@import" not in page.style


def test_page_makes_no_request_and_has_no_script():
    page = Elements(hostile_page("x").html)
    assert not {"script", "link", "img", "iframe", "object", "image", "use"} & {
        tag for tag, _ in page.found
    }
    assert not any("style" in attributes for _, attributes in page.found)
    assert not any("src" in attributes for _, attributes in page.found)


def test_drawing_has_colours_without_the_style():
    page = Elements(hostile_page("x").html)
    for tag, attributes in page.found:
        if tag in {"path", "rect", "circle"}:
            assert attributes.get("fill") or attributes.get("stroke"), attributes


def test_each_tile_leads_to_a_section_and_headings_are_in_order():
    page = Elements(hostile_page("x").html)
    ids = {attributes["id"] for _, attributes in page.found if "id" in attributes}
    targets = {attributes["href"][1:] for tag, attributes in page.found if tag == "a"}
    assert targets <= ids
    levels = [int(tag[1]) for tag, _ in page.found if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1
    assert all(b <= a + 1 for a, b in pairwise(levels))
    labelled = [a["aria-labelledby"].split() for _, a in page.found if "aria-labelledby" in a]
    assert {name for names in labelled for name in names} <= ids


def test_nothing_is_good_where_nothing_was_compared():
    page = page_of([row(1)], [line(1, 1)])
    assert {tile.tone for tile in page.content.tiles} <= {"", "none"}
    text = Elements(page.html).text
    assert "not proven proof" in text
    assert "not compared drift" in text
    assert "pgbraid report --prove" in text


def test_empty_database_has_a_page():
    page = page_of([row(1, State.PENDING), row(2, State.PENDING)], None)
    text = Elements(page.html).text
    assert "Nothing applied yet." in text
    assert "pending: the next up applies these" in text
    tiles = {"applied": 0, "out_of_order": 0, "pending": 2, "gaps": 0, "runs": 0}
    assert page.json["tiles"] == tiles | {"proof": "not proven", "drift": "not compared"}
    assert "no migration is pending" in Elements(page_of([], None).html).text


def test_journal_that_may_not_be_read_is_noted():
    page = page_of([row(1), row(2)], None)
    assert "shows no runs" in Elements(page.html).text


def test_adopted_rows_without_lines_are_noted():
    page = page_of([row(1), row(2), row(3)], [line(1, 3)])
    assert "2 migrations did not run here" in page.content.notes[0]
    assert "same time" in page.content.notes[0]


def test_error_is_shown_instead_of_a_proof():
    page = page_of([row(1)], proof=EmbeddedError("no server <here>", hint="Install one."))
    text = Elements(page.html).text
    assert "ERROR: no server <here>" in text
    assert "could not be made" in text
    assert page.json["proof"]["message"] == "no server <here>"


def test_legend_names_the_proof_that_found_no_difference():
    rows, lines = [row(1), row(2), row(3)], [line(1, 1), line(2, 3), line(3, 2, run="b")]
    migrations = load_migrations({f"{n}_m{n}.sql": "" for n in (1, 2, 3)}).migrations
    same = Proof(Verdict.SAME, migrations, migrations, replays=3)
    text = Elements(page_of(rows, lines, proof=same).html).text
    assert "out of order: a higher version ran before; proven the same" in text
    assert "proven the same" not in Elements(page_of(rows, lines).html).text


def test_only_the_last_fifty_of_many_runs_have_a_row():
    rows = [row(n) for n in range(100)]
    lines = [line(n, n, run=str(n)) for n in range(100)]
    text = Elements(page_of(rows, lines).html).text
    assert "1 to 50" in text
    assert "before: 50 applied" in text


def test_interrupted_run_is_named():
    lines = [line(1, 1, planned=5), line(2, 2)]
    assert "stopped: 2 of 5" in Elements(page_of([row(1), row(2)], lines).html).text


def many(count, moved):
    step = count // moved
    held = set(range(step // 2, count, step))
    order = [n for n in range(count) if n not in held] + sorted(held)
    rows = [row(20250101000000 + n, name=f"change_of_table_number_{n}") for n in range(count)]
    lines = [
        line(place, 20250101000000 + n, run=str(place // 50), name=f"change_of_table_number_{n}")
        for place, n in enumerate(order)
    ]
    return page_of(rows, lines)


def test_page_of_ten_thousand_migrations_stays_below_a_megabyte():
    page = many(10_000, 300)
    html = page.html
    assert len(html.encode()) < 1_000_000
    assert len(gzip.compress(html.encode())) < 100_000
    assert len(page.json["migrations"]) == 10_000
    text = Elements(html).text
    assert "not listed" in text
    assert page.content.inversions > 1_000_000


def test_json_has_the_values_of_the_page():
    rows = [row(1), row(2), row(3), row(4, State.PENDING)]
    lines = [line(1, 1), line(2, 3), line(3, 2, run="b", gap=True)]
    document = page_of(rows, lines).json
    assert document["inversions"] == 1
    assert document["made_at"] == NOON.isoformat()
    assert [(b["versions"], b["out_of_order"], b["run"]) for b in document["blocks"]] == [
        ([1, 1], False, 1),
        ([3, 3], False, 1),
        ([2, 2], True, 2),
        ([4, 4], False, None),
    ]
    assert [(r["number"], r["applied"], r["out_of_order"]) for r in document["runs"]] == [
        (1, 2, 0),
        (2, 1, 1),
    ]
    assert document["proof"] is document["drift"] is document["hazards"] is None
    json.dumps(document)
