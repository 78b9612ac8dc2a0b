"""Public multi-label sets by name, downloaded once and checked ever after.

scikit-learn's ``fetch_openml`` has its server's address fixed inside, so that it could only be tested against a
replaced socket; this downloader takes the address as an argument and is tested end to end over real HTTP.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import time
import urllib.error
import urllib.parse
import urllib.request
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

from rarelabel.datasets._arff_reader import parse_arff
from rarelabel.datasets._dataset import Dataset
from rarelabel.datasets._opening import read_text
from rarelabel.datasets._table import Table, to_dataset
from rarelabel.datasets._writing import atomic_path

__all__ = ["fetch"]

# the ten sets that OpenML tags 2016_multilabel_r_benchmark_paper
_PUBLIC = {
    "birds": 40588,
    "emotions": 40589,
    "enron": 40590,
    "genbase": 40591,
    "image": 40592,
    "langlog": 40593,
    "reuters": 40594,
    "scene": 40595,
    "slashdot": 40596,
    "yeast": 40597,
}


def fetch(
    name: str,
    *,
    cache_dir: str | os.PathLike[str] | None = None,
    base_url: str = "https://www.openml.org",
    timeout: float = 30.0,
    n_retries: int = 3,
) -> Dataset:
    """Download a public multi-label set from OpenML, or take it from the cache.

    The SHA-256 of the file is recorded when it is first downloaded, and from then on a file that differs is refused.
    A download is also held against the MD5 that OpenML states. A download that breaks off leaves nothing behind.

    Parameters
    ----------
    name : str
        One of birds, emotions, enron, genbase, image, langlog, reuters, scene, slashdot, yeast.
    cache_dir : str or path-like, default=None
        Where to keep files. None: the folder that the environment variable ``RARELABEL_CACHE`` names, else
        ``rarelabel`` in ``XDG_CACHE_HOME``, else ``~/.cache/rarelabel``.
    base_url : str, default="https://www.openml.org"
        Server that answers as OpenML does.
    timeout : float, default=30.0
        Seconds to wait for the server, each time.
    n_retries : int, default=3
        How often to try again after a broken connection or a server's failure, waiting 0.5, 1, 2, ... seconds.

    Returns
    -------
    Dataset

    Raises
    ------
    ValueError
        If the name is unknown, or the file or the server's answer is not what it should be.
    ConnectionError
        If the server cannot be reached or refuses.

    Examples
    --------
    >>> from rarelabel.datasets import fetch
    >>> emotions = fetch("emotions")  # doctest: +SKIP
    """
    if name not in _PUBLIC:
        raise ValueError(f"no public set {name!r}; there are {', '.join(_PUBLIC)}")
    folder = _cache_folder(cache_dir)
    data, note = folder / f"{name}.arff", folder / f"{name}.json"
    if not (data.exists() and note.exists()):
        folder.mkdir(parents=True, exist_ok=True)
        _download(name, data, note, base_url.rstrip("/"), timeout, n_retries)
    told = _read_note(note)
    if hashlib.sha256(data.read_bytes()).hexdigest() != told["sha256"]:
        raise ValueError(
            f"{data}: changed since it was downloaded (its SHA-256 is not the one recorded in {note.name}); "
            "delete both files to download again"
        )
    table = read_text(data, lambda lines: parse_arff(lines, str(data)))
    return to_dataset(_without(replace(table, name=name), told["ignored"]), told["labels"], data, None)


def _cache_folder(cache_dir: str | os.PathLike[str] | None) -> Path:
    if cache_dir is not None:
        return Path(cache_dir).expanduser()
    if os.environ.get("RARELABEL_CACHE"):
        return Path(os.environ["RARELABEL_CACHE"]).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "rarelabel"


def _download(name: str, data: Path, note: Path, base_url: str, timeout: float, n_retries: int) -> None:
    answer = _get(f"{base_url}/api/v1/json/data/{_PUBLIC[name]}", timeout, n_retries)
    try:
        described = json.loads(answer)["data_set_description"]
        found, url, labels = described["name"], described["url"], _listed(described["default_target_attribute"])
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{base_url}: the description of {name!r} is not what OpenML sends") from None
    if str(found).lower() != name:
        raise ValueError(f"{base_url}: set {_PUBLIC[name]} is {found!r}, expected {name!r}")
    content = _get(urllib.parse.urljoin(base_url + "/", url), timeout, n_retries)
    md5 = described.get("md5_checksum")
    if md5 and hashlib.md5(content, usedforsecurity=False).hexdigest() != md5:
        raise ValueError(f"{url}: the download is damaged, its MD5 is not the one that the server states")
    told = {
        "id": _PUBLIC[name],
        "url": url,
        "sha256": hashlib.sha256(content).hexdigest(),
        "labels": labels,
        "ignored": _listed(described.get("ignore_attribute")) + _listed(described.get("row_id_attribute")),
    }
    with ExitStack() as stack:
        stack.enter_context(atomic_path(note)).write_text(json.dumps(told, indent=2), encoding="utf-8")
        stack.enter_context(atomic_path(data)).write_bytes(content)


def _listed(names: Any) -> list[str]:
    """Return OpenML's list of attributes, which comes as a list or as text with commas."""
    parts = names.split(",") if isinstance(names, str) else list(names or [])
    return [str(part).strip().strip("'\"") for part in parts]


def _read_note(note: Path) -> dict[str, Any]:
    try:
        told = json.loads(note.read_text(encoding="utf-8"))
        return {key: told[key] for key in ("sha256", "labels", "ignored")}
    except (ValueError, KeyError, TypeError):
        raise ValueError(f"{note}: damaged; delete it to download again") from None


def _get(url: str, timeout: float, n_retries: int) -> bytes:
    if urllib.parse.urlsplit(url).scheme not in ("http", "https"):
        raise ValueError(f"expected an address that begins with http:// or https://, got {url!r}")
    for attempt in range(n_retries + 1):
        try:
            with urllib.request.urlopen(url, timeout=timeout) as response:
                content: bytes = response.read()
                return content
        except urllib.error.HTTPError as error:
            error.close()
            if error.code < 500:
                raise ConnectionError(f"{url}: the server refuses, it answers {error.code} {error.reason}") from None
            reason = f"the server fails, it answers {error.code} {error.reason}"
        except http.client.IncompleteRead as error:
            reason = f"the download broke off after {len(error.partial)} bytes"
        except (urllib.error.URLError, TimeoutError, ConnectionError, http.client.HTTPException) as error:
            reason = f"cannot be reached ({getattr(error, 'reason', None) or error})"
        if attempt < n_retries:
            time.sleep(0.5 * 2**attempt)
    raise ConnectionError(f"{url}: {reason}; tried {n_retries + 1} times")


def _without(table: Table, names: list[str]) -> Table:
    kept = [j for j, column in enumerate(table.columns) if column.name not in names]
    return replace(table, columns=tuple(table.columns[j] for j in kept), values=table.values[:, kept])
