"""What Prometheus and Grafana are given: valid, and of metrics that there are."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.web.live_site import LiveSite

DOCKER = Path(__file__).parents[2] / "docker"
RULES = yaml.safe_load((DOCKER / "prometheus-rules.yml").read_text())
DASHBOARD = json.loads((DOCKER / "grafana-dashboard.json").read_text())

TEXT = {"type": "string", "minLength": 1}
TEXTS = {"type": "object", "additionalProperties": TEXT}
LENGTH = {"type": "string", "pattern": r"^(\d+(ms|[smhdwy]))+$"}
ALERT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["alert", "expr", "labels", "annotations"],
    "properties": {
        "alert": {"type": "string", "pattern": "^[A-Za-z][A-Za-z0-9]*$"},
        "expr": TEXT,
        "for": LENGTH,
        "keep_firing_for": LENGTH,
        "labels": TEXTS,
        "annotations": TEXTS,
    },
}
RULES_SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["groups"],
    "properties": {
        "groups": {
            "type": "array",
            "items": {
                "type": "object",
                "additionalProperties": False,
                "required": ["name", "rules"],
                "properties": {
                    "name": TEXT,
                    "interval": LENGTH,
                    "rules": {"type": "array", "minItems": 1, "items": ALERT},
                },
            },
        }
    },
}
"""What Prometheus's own reader of rule files takes, of what is used here."""

PANEL = {
    "type": "object",
    "required": ["id", "type", "title", "gridPos", "datasource", "targets"],
    "properties": {
        "type": {"enum": ["stat", "timeseries"]},
        "title": TEXT,
        "gridPos": {"type": "object", "required": ["x", "y", "w", "h"]},
        "targets": {
            "type": "array",
            "minItems": 1,
            "items": {"type": "object", "required": ["refId", "expr"]},
        },
    },
}
DASHBOARD_SCHEMA = {
    "type": "object",
    "required": ["title", "uid", "schemaVersion", "panels", "templating", "time"],
    "properties": {"panels": {"type": "array", "minItems": 1, "items": PANEL}},
}

NOT_OURS = {"up"}
_NAME = re.compile(r"\b(up|streamproc_[a-z_]+)\b")


def expressions() -> Iterator[str]:
    """All that is asked of Prometheus."""
    for group in RULES["groups"]:
        yield from (rule["expr"] for rule in group["rules"])
    for panel in DASHBOARD["panels"]:
        yield from (target["expr"] for target in panel["targets"])


def told(site: LiveSite) -> set[str]:
    """Names of what /metrics has, with those that a histogram's samples have."""
    names = set()
    for line in site.get("/metrics").text.splitlines():
        if line.startswith("# TYPE "):
            _, _, name, kind = line.split()
            more = ("_bucket", "_count", "_sum") if kind == "histogram" else ()
            names |= {name, *(name + end for end in more)}
    return names


@pytest.mark.parametrize(
    ("name", "schema"),
    [
        ("prometheus-rules.yml", RULES_SCHEMA),
        ("grafana-dashboard.json", DASHBOARD_SCHEMA),
    ],
)
def test_the_files_are_what_their_readers_take(
    tmp_path: Path, name: str, schema: Any
) -> None:
    """By schema: neither program is a package of Python."""
    (tmp_path / "schema.json").write_text(json.dumps(schema))
    command = [sys.executable, "-m", "check_jsonschema", "--schemafile"]
    command += [str(tmp_path / "schema.json"), str(DOCKER / name)]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("expression", list(expressions()))
def test_every_expression_names_metrics_that_exist(
    site: LiveSite, expression: str
) -> None:
    """One at least, all of them ours, and as many brackets closed as are opened."""
    plain = re.sub(r'"[^"]*"', '""', expression)
    names = set(_NAME.findall(plain))
    assert names
    assert names - NOT_OURS <= told(site)
    for opening, closing in ("()", "{}", "[]"):
        assert plain.count(opening) == plain.count(closing)


def test_every_alert_says_what_is_wrong_and_how_grave_it_is() -> None:
    """And has a name of its own."""
    rules = [rule for group in RULES["groups"] for rule in group["rules"]]
    assert len({rule["alert"] for rule in rules}) == len(rules)
    for rule in rules:
        assert rule["labels"]["severity"] in ("warning", "critical")
        assert rule["annotations"]["summary"]


def test_the_panels_do_not_overlap() -> None:
    """Each has its place in the 24 columns."""
    taken: set[tuple[int, int]] = set()
    for panel in DASHBOARD["panels"]:
        at = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(at["x"], at["x"] + at["w"])
            for y in range(at["y"], at["y"] + at["h"])
        }
        assert at["x"] + at["w"] <= 24
        assert not cells & taken
        taken |= cells
