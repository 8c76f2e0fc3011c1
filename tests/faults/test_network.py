"""A server that does anything but deliver: the download ends soon, with a reason."""

from __future__ import annotations

import contextlib
import functools
import gc
import http.server
import socket
import threading

import pytest

from harness.data.sources import archive
from harness.data.sources.base import SourceError, fetch

TIMEOUTS_S = (0.5, 0.5)


class Hostile(http.server.BaseHTTPRequestHandler):
    """Answers each path in its own wrong way."""

    def do_GET(self):
        getattr(self, self.path.strip("/"))()

    do_HEAD = do_GET  # noqa: N815 - the name that the library calls

    def wrong_bytes(self):
        self.send_response(200)
        self.send_header("Content-Length", "5")
        self.end_headers()
        self.wfile.write(b"wrong")

    def missing(self):
        self.send_error(404)

    def broken(self):
        self.send_error(503)

    def redirects(self):
        self.send_response(302)
        self.send_header("Location", "/redirects")
        self.end_headers()

    def hangs(self):
        self.server.released.wait()

    def resets(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(b"x" * 1000)
        linger = b"\1\0\0\0\0\0\0\0"
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self.connection.close()

    def cut_off(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(b"x" * 1000)

    def stops_in_the_middle(self):
        self.send_response(200)
        self.send_header("Content-Length", "1000000")
        self.end_headers()
        self.wfile.write(b"x" * 1000)
        self.wfile.flush()
        self.server.released.wait()

    def no_http(self):
        self.wfile.write(b"\xff\xfe\x00 nothing of the kind\r\n\r\n")

    def log_message(self, *_):
        """Say nothing."""

    def handle(self):
        with contextlib.suppress(OSError, ValueError):  # the other end has gone, as it should
            super().handle()

    def finish(self):
        with contextlib.suppress(OSError, ValueError):
            super().finish()


@pytest.fixture
def server():
    made = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Hostile)
    made.daemon_threads = True
    made.released = threading.Event()
    thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield f"http://127.0.0.1:{made.server_address[1]}"
    made.released.set()
    made.shutdown()
    thread.join()
    made.server_close()


WAYS = [
    "wrong_bytes", "missing", "broken", "redirects", "hangs", "resets", "cut_off",
    "stops_in_the_middle", "no_http",
]  # fmt: skip


# After thirty redirects requests raises, and leaves the sockets of its answers to be collected.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("way", [*WAYS, "refused"])
def test_what_a_server_does_wrong_ends_the_download_with_a_reason(
    tmp_path, monkeypatch, server, way
):
    url = f"{server}/{way}"
    if way == "refused":
        with socket.socket() as closed:
            closed.bind(("127.0.0.1", 0))
            url = f"http://127.0.0.1:{closed.getsockname()[1]}/x"
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(archive, "TIMEOUT_S", TIMEOUTS_S)
    target = tmp_path / "ml-100k.zip"
    with pytest.raises(SourceError) as refused:
        fetch(
            target,
            sha256="0" * 64,
            origin="here",
            download=functools.partial(archive.download, url),
            report=lambda _: None,
        )
    assert str(refused.value)
    assert list(tmp_path.glob("**/*.zip*")) == []
    assert not target.exists()
    refused = None
    gc.collect()  # here, where the sockets that requests left are expected
