"""The page is one safe file: it loads nothing, runs nothing, holds any name, and is the same for the same results."""

import base64
import hashlib
import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest

from rarelabel.evaluation.report import write_report
from rarelabel.evaluation.results import Results

pytest.importorskip("jinja2")
pytest.importorskip("matplotlib")

HOSTILE = ("<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "$x_1$ & \\frac", "a\x00b\x1b[31m", "雪" * 60)


class Elements(HTMLParser):
    """Every start tag with its attributes, and the text of cells."""

    def __init__(self, html):
        super().__init__()
        self.tags, self.open, self.text = [], [], []
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)

    def of(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(results, tmp_path_factory):
    return write_report(results, tmp_path_factory.mktemp("page") / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def hostile(make_results, tmp_path_factory):
    made = make_results(
        sizes={HOSTILE[0]: 6, HOSTILE[1]: 7, HOSTILE[3]: 4},
        effects={"none": 0, "weights": 0.01, HOSTILE[1]: 0.05, HOSTILE[2]: 0.02, HOSTILE[4]: -0.02},
        classifiers=(HOSTILE[0], HOSTILE[2]),
        label_name=lambda j: HOSTILE[j % len(HOSTILE)] + str(j),
        command=f"rarelabel compare '{HOSTILE[0]}'",
        environment={HOSTILE[1]: HOSTILE[0]},
        spec={"datasets": list(HOSTILE)},
    )
    made.runs["error"][0], made.runs["status"][0], made.runs["notes"][1] = HOSTILE[0], "failed", HOSTILE[1]
    return write_report(made, tmp_path_factory.mktemp("hostile") / "r.html", title=HOSTILE[0]).read_text(
        encoding="utf-8"
    )


def test_loads_nothing_and_runs_nothing(page, hostile):
    for html in (page, hostile):
        found = Elements(html)
        assert not {name for name, _ in found.tags} & {"script", "img", "iframe", "object", "embed", "base", "form"}
        for _, attrs in found.tags:
            assert not [name for name in attrs if name.startswith("on") or name in ("style", "src", "srcset")]
            assert attrs.get("href", "#").startswith(("#", "data:,"))
        assert "http://" not in html
        assert "https://" not in html
        assert "url(" not in re.sub(r"url\(#[\w-]+\)", "", html)
        assert "@import" not in html


def test_policy_allows_the_one_style_sheet_only(page):
    styles = re.findall(r"<style>(.*?)</style>", page, flags=re.DOTALL)
    assert len(styles) == 1
    policy = Elements(page).of("meta")[1]
    assert policy["http-equiv"] == "Content-Security-Policy"
    digest = base64.b64encode(hashlib.sha256(styles[0].encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}'" in policy["content"]
    assert policy["content"].startswith("default-src 'none'")
    assert "unsafe" not in policy["content"]


def test_hostile_names_are_text(hostile):
    text = "".join(Elements(hostile).text)
    for name in HOSTILE[:3]:
        assert name in text
    assert "<script>" not in hostile
    assert "<img" not in hostile
    assert "\x00" not in hostile
    assert "a\ufffdb" in text


def test_equal_results_make_equal_bytes(make_results, tmp_path):
    small = {"sizes": {"birds": 19, "yeast": 4}, "n_folds": 3}
    first = write_report(make_results(**small), tmp_path / "a.html").read_bytes()
    assert write_report(make_results(**small), tmp_path / "b.html").read_bytes() == first
    assert write_report(make_results(**small, seed=1), tmp_path / "c.html").read_bytes() != first


def test_ids_are_distinct_and_references_lead_somewhere(page):
    found = Elements(page)
    ids = [attrs["id"] for _, attrs in found.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    targets = [attrs["href"][1:] for name, attrs in found.tags if name in ("a", "use")]
    targets += re.findall(r"url\(#([\w-]+)\)", page)
    targets += [each for _, attrs in found.tags for each in attrs.get("aria-labelledby", "").split()]
    assert len(targets) > 100
    assert set(targets) <= set(ids)


def test_pictures_and_tables_are_accessible(page):
    found = Elements(page)
    pictures = [attrs for attrs in found.of("svg") if attrs.get("role") == "img"]
    assert len(pictures) == 2 + 2 + 2 * 6 + 6  # gains, ranks, labels, reliability
    assert page.count("<title id=") == page.count("<desc id=") == len(pictures)
    assert all(attrs.get("scope") in ("col", "row") for attrs in found.of("th"))


def test_says_what_was_found(page):
    text = " ".join("".join(Elements(page).text).split())
    for said in (
        "Resampling helps, and more than the cheap remedies.",
        "12 of 24 blocks are left out, because some approach was skipped or failed there",
        "MLkNN takes no class weights",
        "ValueError: every labelset occurs once",
        "2,160 runs, 44 failed, 60 skipped.",
        "The rarest 30 labels are drawn; the table holds the other 23 as well.",
        "rarelabel compare spec.toml --store runs.sqlite",
        "divided into 10 folds; each fold was held out in turn",
        "RuntimeWarning: labels without a positive row were left alone",
    ):
        assert said in text


def test_only_a_clear_best_is_bold(make_results, tmp_path):
    calm = make_results(effects={"none": 0, "weights": 0, "MLROS": 0.003}, gaps=False, vectors=False)
    assert "<b>" not in _tables(write_report(calm, tmp_path / "calm.html"))
    clear = make_results(effects={"none": 0, "weights": 0, "MLROS": 0.06}, gaps=False, vectors=False)
    assert "<b>" in _tables(write_report(clear, tmp_path / "clear.html"))


def _tables(path):
    """The tables of scores; that of ranks marks small differences too."""
    html = path.read_text(encoding="utf-8")
    return "".join(re.findall(r'<table aria-label="(?:Means|Gain|Rare-label)[^>]*>.*?</table>', html, flags=re.DOTALL))


@pytest.mark.parametrize("change", ["one block", "no runs", "no none", "all failed", "one fold", "few columns"])
def test_little_makes_a_page_too(make_results, tmp_path, change):
    made = make_results(
        sizes={"birds": 3}, classifiers=("mlknn",), gaps=False, n_folds=1 if change == "one fold" else 3
    )
    if change == "no runs":
        made = made.where(dataset="absent")
    elif change == "no none":
        made = made.where(approach=["MLSMOTE", "MLROS"])
    elif change == "all failed":
        runs = dict(made.runs)
        runs["status"] = np.full(len(made), "failed", dtype=object)
        made = replace(made, runs=runs)
    elif change == "few columns":
        run = {"dataset": "birds", "classifier": "mlknn", "repeat": 0, "seed": 0, "status": "ok", "approach": "none"}
        made = Results.from_records([run | {"fold": fold, "macro_f1": 0.1} for fold in range(3)])
    text = " ".join("".join(Elements(write_report(made, tmp_path / "r.html").read_text(encoding="utf-8")).text).split())
    expected = {
        "one block": "a test of ranks needs two or more; here is 1.",
        "no runs": "Nothing to compare",
        "no none": "the approach none, doing nothing, was not run",
        "all failed": "27 failed",
        "one fold": "Too little was run to tell",
        "few columns": "Nothing to compare",
    }
    assert expected[change] in text


def test_a_comparison_under_way_says_so_on_top(make_results, tmp_path):
    made = make_results(sizes={"birds": 4}, n_folds=2, gaps=False)
    html = write_report(replace(made, n_planned=3000), tmp_path / "r.html").read_text(encoding="utf-8")
    assert html.index("Preliminary: 72 of 3,000 runs so far") < html.index('id="headline"')


HARNESS = """<!DOCTYPE html><body><iframe width=400 height=900 srcdoc="{}"></iframe><output></output><script>
const frame = document.querySelector("iframe");
frame.onload = () => {{
  const inside = frame.contentDocument;
  inside.querySelectorAll("details").forEach(each => each.open = true);
  const style = frame.contentWindow.getComputedStyle(inside.querySelector(".verdict"));
  document.querySelector("output").textContent =
    `width ${{inside.documentElement.scrollWidth}} of ${{frame.contentWindow.innerWidth}}, ${{style.borderLeftStyle}}`;
}};
</script></body>"""


def test_in_a_browser(page, hostile, tmp_path):
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no Chromium was found")
    for name, html in (("page", page), ("hostile", hostile)):
        escaped = html.replace("&", "&amp;").replace('"', "&quot;")
        file = tmp_path / f"{name}.html"
        file.write_text(HARNESS.format(escaped), encoding="utf-8")
        ran = subprocess.run(
            [browser, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}",
             "--enable-logging=stderr", "--virtual-time-budget=10000", "--dump-dom", file.as_uri()],
            capture_output=True, timeout=120, check=True,
        )  # fmt: skip
        shown, log = ran.stdout.decode(), ran.stderr.decode(errors="replace")
        width, viewport = map(int, re.search(r"<output>width (\d+) of (\d+), solid", shown).groups())
        assert width <= viewport
        assert "CONSOLE" not in log
        assert "Refused to" not in log
