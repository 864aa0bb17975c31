"""The page in a real browser, if one is installed: requests, messages of the console, styles."""

import http.server
import re
import shutil
import subprocess
import threading

import pytest

from tests.fixtures.pages import line, page_of, row

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium is installed")
JENKINS = "sandbox; default-src 'none'; img-src 'self'; style-src 'self';"


@pytest.fixture
def document():
    rows = [row(n) for n in range(1, 30)]
    order = [*range(1, 12), *range(13, 25), 12, *range(25, 30)]
    lines = [line(place, n, run=str(place // 8)) for place, n in enumerate(order)]
    return page_of(rows, lines).html


@pytest.fixture
def browse(tmp_path):
    """Return the console's messages and the printed PDF of an address."""

    def open_address(address):
        pdf = tmp_path / "page.pdf"
        done = subprocess.run(
            [
                *(CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu"),
                *("--enable-logging=stderr", f"--user-data-dir={tmp_path / 'profile'}"),
                *(f"--print-to-pdf={pdf}", address),
            ],
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        return re.findall(r"CONSOLE.*?\] (.*)", done.stderr), pdf.read_bytes()

    return open_address


@pytest.fixture
def served(document):
    """The address of the page on a server that forbids styles, and the requests to it."""
    requests = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            requests.append(self.path)
            body = document.encode() if self.path == "/page.html" else b""
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.send_header("Content-Security-Policy", JENKINS)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}/page.html", requests
    server.shutdown()
    thread.join()
    server.server_close()


def test_file_gives_no_message_and_can_be_printed(document, browse, tmp_path):
    (tmp_path / "page.html").write_text(document, encoding="utf-8")
    messages, pdf = browse((tmp_path / "page.html").as_uri())
    assert messages == []
    assert pdf.startswith(b"%PDF")


def test_changed_style_is_refused_by_the_policy_of_the_page(document, browse, tmp_path):
    """So the browser does compare the hash: the test above is about the style, too."""
    changed = document.replace("<style>", "<style>p{color:red}")
    (tmp_path / "page.html").write_text(changed, encoding="utf-8")
    messages, _ = browse((tmp_path / "page.html").as_uri())
    assert len(messages) == 1
    assert "style" in messages[0]


def test_server_that_forbids_styles_gets_one_request(served, browse):
    address, requests = served
    messages, _ = browse(address)
    assert [path for path in requests if path != "/favicon.ico"] == ["/page.html"]
    assert all("style" in message for message in messages)
    assert len(messages) <= 1
