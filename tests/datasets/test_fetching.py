"""Downloading, over real HTTP, from a server on this machine that answers as OpenML does."""

import hashlib
import http.server
import json
import threading

import numpy as np
import pytest

from rarelabel.datasets import fetch

ARFF = (
    "@relation 'anything'\n@attribute id string\n@attribute 'f 1' numeric\n@attribute l.1 {FALSE,TRUE}\n"
    "@attribute l.2 {TRUE,FALSE}\n@data\na,0.5,TRUE,FALSE\nb,?,FALSE,TRUE\n"
)


class StandIn:
    """OpenML's two endpoints; tests change what it says and how it fails."""

    def __init__(self):
        self.content = ARFF.encode()
        self.described = {
            "id": "40589",
            "name": "emotions",
            "format": "ARFF",
            "default_target_attribute": "l.1,l.2",
            "row_id_attribute": "id",
        }
        self.failures = []
        self.requests = []
        self.cut = None
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                outer.answer(self)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.described["url"] = f"{self.url}/data/v1/download/4644182/emotions.arff"
        self.described["md5_checksum"] = hashlib.md5(self.content).hexdigest()
        self.thread = threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.01})
        self.thread.start()

    def answer(self, request):
        self.requests.append(request.path)
        if self.failures:
            request.send_error(self.failures.pop(0))
            return
        is_data = request.path == "/data/v1/download/4644182/emotions.arff"
        if not is_data and request.path != "/api/v1/json/data/40589":
            request.send_error(404)
            return
        body = self.content if is_data else json.dumps({"data_set_description": self.described}).encode()
        request.send_response(200)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[: self.cut] if is_data else body)

    def close(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def openml(monkeypatch):
    monkeypatch.setattr("time.sleep", lambda _: None)
    stand_in = StandIn()
    yield stand_in
    stand_in.close()


def get(openml, folder, **options):
    return fetch("emotions", cache_dir=folder, base_url=openml.url, timeout=5, **options)


def test_download_gives_features_and_labels_without_the_identifier(openml, tmp_path):
    dataset = get(openml, tmp_path)
    assert dataset.name == "emotions"
    assert dataset.feature_names == ("f 1",)
    assert dataset.label_names == ("l.1", "l.2")
    np.testing.assert_array_equal(dataset.X, [[0.5], [np.nan]])
    assert dataset.Y.tolist() == [[True, False], [False, True]]


def test_second_call_needs_no_server(openml, tmp_path):
    first = get(openml, tmp_path)
    n_requests = len(openml.requests)
    second = get(openml, tmp_path)
    assert len(openml.requests) == n_requests == 2
    assert np.array_equal(first.Y, second.Y)
    note = json.loads((tmp_path / "emotions.json").read_text())
    assert note["sha256"] == hashlib.sha256((tmp_path / "emotions.arff").read_bytes()).hexdigest()


def test_cache_folder_from_the_environment(openml, tmp_path, monkeypatch):
    monkeypatch.setenv("RARELABEL_CACHE", str(tmp_path / "here"))
    get(openml, None)
    assert (tmp_path / "here" / "emotions.arff").exists()


def test_changed_file_is_refused_by_name(openml, tmp_path):
    get(openml, tmp_path)
    path = tmp_path / "emotions.arff"
    path.write_bytes(path.read_bytes().replace(b"0.5", b"0.6"))
    with pytest.raises(ValueError, match=r"emotions\.arff: changed since it was downloaded.*delete both files"):
        get(openml, tmp_path)


def test_damaged_note_is_refused_by_name(openml, tmp_path):
    get(openml, tmp_path)
    (tmp_path / "emotions.json").write_text("{")
    with pytest.raises(ValueError, match=r"emotions\.json: damaged"):
        get(openml, tmp_path)


def test_lost_note_downloads_again(openml, tmp_path):
    get(openml, tmp_path)
    (tmp_path / "emotions.json").unlink()
    get(openml, tmp_path)
    assert len(openml.requests) == 4


def test_broken_off_download_leaves_nothing(openml, tmp_path):
    openml.cut = 40
    with pytest.raises(ConnectionError, match=r"the download broke off after 40 bytes; tried 3 times"):
        get(openml, tmp_path, n_retries=2)
    assert list(tmp_path.iterdir()) == []
    assert len(openml.requests) == 4


def test_other_bytes_than_the_server_states_are_refused(openml, tmp_path):
    openml.content = openml.content.replace(b"0.5", b"0.6")
    with pytest.raises(ValueError, match="the download is damaged, its MD5"):
        get(openml, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_passing_failures_of_the_server_are_retried(openml, tmp_path):
    openml.failures = [503, 500]
    assert len(get(openml, tmp_path).X) == 2
    assert len(openml.requests) == 4


def test_lasting_failures_end_with_a_message(openml, tmp_path):
    openml.failures = [503] * 9
    with pytest.raises(ConnectionError, match="answers 503 Service Unavailable; tried 2 times"):
        get(openml, tmp_path, n_retries=1)


def test_refusals_are_not_retried(openml, tmp_path):
    openml.failures = [412]
    with pytest.raises(ConnectionError, match="the server refuses, it answers 412"):
        get(openml, tmp_path)
    assert len(openml.requests) == 1


def test_unreachable_server(openml, tmp_path):
    openml.close()
    with pytest.raises(ConnectionError, match=r"cannot be reached \(.*refused\); tried 1 times"):
        get(openml, tmp_path, n_retries=0)
    openml.close = lambda: None


def test_answer_of_another_set_is_refused(openml, tmp_path):
    openml.described["name"] = "yeast"
    with pytest.raises(ValueError, match="set 40589 is 'yeast', expected 'emotions'"):
        get(openml, tmp_path)


@pytest.mark.parametrize("missing", ["name", "url", "default_target_attribute"])
def test_answer_that_is_not_openmls(openml, tmp_path, missing):
    del openml.described[missing]
    with pytest.raises(ValueError, match="is not what OpenML sends"):
        get(openml, tmp_path)


def test_local_files_cannot_be_reached_through_the_description(openml, tmp_path):
    openml.described["url"] = "file:///etc/passwd"
    with pytest.raises(ValueError, match="begins with http"):
        get(openml, tmp_path)


def test_unknown_name():
    with pytest.raises(ValueError, match="no public set 'mnist'; there are birds, emotions"):
        fetch("mnist")
