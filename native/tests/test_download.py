"""download.py against a Hub that redirects to another host, and what either of them may answer."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest
from test_tokenize import Recorder

from trainer.download import RemoteFile, fetch
from trainer.errors import TrainerError

CONTENT = bytes(range(256)) * 4096  # 1 MiB
SHA256 = hashlib.sha256(CONTENT).hexdigest()


class Hosts:
    """A Hub at 127.0.0.1 that redirects to a content host at localhost, which serves ranges.

    answers: taken from the front, one a request to the content host: "ok", "short" (cut after 300,000 bytes), "fewer"
    (a valid 206 of 1,000 bytes), "whole" (200), "shifted" (begins elsewhere), "larger" (another file), "wrong" (as
    many other bytes), or (status, headers). The last one stays.
    """

    def __init__(self):
        self.answers, self.asked, self.authorizations, self.refuses = ["ok"], [], [], None
        outer = self

        class Hub(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.authorizations.append(("hub", self.headers.get("Authorization")))
                status, headers = outer.refuses or (
                    302,
                    {"Location": f"http://localhost:{outer.port(outer.content)}/x"},
                )
                reply(self, status, headers, b"")

            def log_message(self, *_):
                pass

        class Content(Hub):
            def do_GET(self):
                outer.authorizations.append(("content", self.headers.get("Authorization")))
                start = int(self.headers["Range"].removeprefix("bytes=").removesuffix("-"))
                outer.asked.append(start)
                kind = outer.answers.pop(0) if len(outer.answers) > 1 else outer.answers[0]
                outer.answer(self, kind, start)

        self.hub, self.content = (ThreadingHTTPServer(("localhost", 0), kind) for kind in (Hub, Content))
        for server in (self.hub, self.content):
            threading.Thread(target=server.serve_forever, daemon=True).start()

    @staticmethod
    def port(server):
        return server.server_address[1]

    def answer(self, request, kind, start):
        size = len(CONTENT)
        if isinstance(kind, tuple):
            return reply(request, *kind, b"no")
        if kind == "whole":
            return reply(request, 200, {"Content-Length": size}, CONTENT)
        if start >= size:
            return reply(request, 416, {"Content-Range": f"bytes */{size}"}, b"")
        first = start + 7 if kind == "shifted" else start
        data = (b"\0" * size if kind == "wrong" else CONTENT)[first:]
        sent = {"short": data[:300_000], "fewer": data[:1000]}.get(kind, data)
        length = len(data) if kind == "short" else len(sent)
        total = size + (kind == "larger")
        headers = {"Content-Length": length, "Content-Range": f"bytes {first}-{first + length - 1}/{total}"}
        reply(request, 206, headers, sent)

    def stop(self):
        for server in (self.hub, self.content):
            server.shutdown()
            server.server_close()


def reply(request, status, headers, body):
    request.send_response(status)
    for name, value in {"Content-Length": len(body), **headers}.items():
        request.send_header(name, str(value))
    request.end_headers()
    request.wfile.write(body)
    # What was promised and not sent is cut off.
    request.close_connection = True


@pytest.fixture
def hosts(monkeypatch):
    import huggingface_hub.constants

    monkeypatch.setattr(huggingface_hub.constants, "HF_HUB_OFFLINE", False)
    servers = Hosts()
    yield servers
    servers.stop()


class Download:
    def __init__(self, hosts, folder):
        url = f"http://127.0.0.1:{hosts.port(hosts.hub)}/base/resolve/0/model.safetensors"
        self.file = RemoteFile(url, SHA256, len(CONTENT), folder / "blobs" / SHA256, folder / "locks" / SHA256)
        self.part = folder / "blobs" / f"{SHA256}.incomplete"
        self.part.parent.mkdir()
        self.events, self.waits = Recorder(), []

    def run(self):
        fetch([self.file], {"Authorization": "Bearer secret"}, self.events, "download base", self.waits.append)


@pytest.fixture
def download(hosts, tmp_path):
    return Download(hosts, tmp_path)


def whole(download):
    return download.file.blob.read_bytes() == CONTENT and not download.part.exists()


def test_the_token_goes_to_the_hub_and_never_to_the_host_that_it_redirects_to(hosts, download):
    download.run()
    assert whole(download)
    assert hosts.authorizations == [("hub", "Bearer secret"), ("content", None)]
    last = download.events.events[-1]
    assert (last["type"], last["what"], last["done"], last["total"]) == ("progress", "download base", 2**20, 2**20)


def test_a_part_of_an_earlier_process_is_gone_on_from_at_its_byte_and_a_whole_one_asks_nothing(hosts, download):
    download.part.write_bytes(CONTENT[:700_001])
    download.run()
    assert whole(download) and hosts.asked == [700_001]
    download.run()
    assert hosts.asked == [700_001]
    download.file.blob.rename(download.part)
    download.run()
    assert whole(download) and hosts.asked == [700_001]


def test_cut_connections_and_short_answers_are_gone_on_from(hosts, download):
    hosts.answers = ["short", "fewer", "short", "ok"]
    download.run()
    assert whole(download)
    assert hosts.asked == [0, 300_000, 301_000, 601_000]


@pytest.mark.parametrize("kind", ["whole", "shifted"])
def test_an_answer_that_begins_elsewhere_than_asked_is_not_appended(hosts, download, kind):
    download.part.write_bytes(CONTENT[:5000])
    hosts.answers = [kind, "ok"]
    download.run()
    assert whole(download) and hosts.asked == ([5000] if kind == "whole" else [5000, 0])


def test_servers_that_are_busy_are_waited_for_as_they_ask_and_with_growing_pauses_else(hosts, download):
    hosts.answers = [(429, {"Retry-After": "7"}), (503, {}), (500, {}), (403, {}), "short", (502, {}), "ok"]
    download.run()
    # 403 of the content host: its address has expired, and the Hub is asked for another.
    assert whole(download) and download.waits == [7, 2, 4, 8, 1, 1]
    assert len([host for host, _ in hosts.authorizations if host == "hub"]) == 7


@pytest.mark.parametrize("answer", [(503, {}), (429, {"Retry-After": "3600"}), "larger"])
def test_a_server_that_brings_nothing_is_given_up_with_the_part_kept_for_a_retry(hosts, download, answer):
    download.part.write_bytes(CONTENT[:5000])
    hosts.answers = [answer]
    with pytest.raises(TrainerError, match="at byte 5000 of 1048576") as caught:
        download.run()
    assert (caught.value.code, caught.value.exit) == ("RemoteUnavailable", 11)
    assert len(hosts.asked) == (1 if answer[0] == 429 else 6) and download.part.stat().st_size == 5000
    assert "secret" not in caught.value.message


def test_a_range_that_cannot_be_served_begins_anew(hosts, download):
    download.part.write_bytes(CONTENT[:5000])
    hosts.answers = [(416, {}), "ok"]
    download.run()
    assert whole(download) and hosts.asked == [5000, 0]


@pytest.mark.parametrize("part", [b"\0" * 5000, CONTENT + b"more"], ids=["other bytes", "too long"])
def test_a_damaged_part_is_found_by_its_hash_and_fetched_anew(hosts, download, part):
    download.part.write_bytes(part)
    download.run()
    assert whole(download) and hosts.asked[-1] == 0


def test_bytes_that_are_not_what_the_hub_lists_never_become_a_blob(hosts, download):
    hosts.answers = ["wrong"]
    with pytest.raises(TrainerError, match="sha256") as caught:
        download.run()
    assert caught.value.code == "ArtifactCorrupt" and hosts.asked == [0, 0]
    assert not download.file.blob.exists() and not download.part.exists()


def test_what_the_hub_itself_refuses_is_not_asked_again(hosts, download):
    from huggingface_hub.errors import HfHubHTTPError

    hosts.refuses = (403, {})
    with pytest.raises(HfHubHTTPError, match="403"):
        download.run()
    assert download.waits == [] and len(hosts.authorizations) == 1


def test_one_file_that_fails_stops_the_others(hosts, download, tmp_path):
    other = RemoteFile(download.file.url, "0" * 64, len(CONTENT), tmp_path / "blobs" / "0", tmp_path / "locks" / "0")
    hosts.answers = [(503, {})]
    with pytest.raises(TrainerError, match=r"status 503|another file"):
        fetch([download.file, other], {}, download.events, "download", lambda _: None)
    assert len(hosts.asked) <= 12
