"""What lines need that stand under others: keys in YAML, findings under a file, changes under a resource."""

from __future__ import annotations

from collections.abc import Iterator
from textwrap import dedent

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from contextprune.context import Cut
from contextprune.splitting import cut
from contextprune.splitting.outline import cut_outline
from contextprune.splitting.sniff import Shape, parts
from tests.splitting.test_data import closed
from tests.splitting.tiling import SILLY, assert_linear_cuts, assert_tiles, nasty, pieces

WORKFLOW = """\
# checks of each push
name: CI
on:
  push:
    branches: [main]
jobs:
  test:
    runs-on: ubuntu-latest
    strategy:
      matrix:
        python: ["3.11", "3.12"]
    steps:
      - uses: actions/checkout@v4
      - name: Install
        run: |
          pip install -e .
          pip list
        env:
          PIP_NO_CACHE_DIR: "1"
  lint:
    runs-on: ubuntu-latest
    steps:
    - uses: actions/checkout@v4
    - run: ruff check
      timeout-minutes: 3
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: stock
spec:
  template:
    spec:
      containers:
      - args: [serve]
        env:
        - name: LEVEL
          value: debug
        image: registry/stock:1.4
        name: server
        resources:
          limits:
            memory: 64Mi
      - image: registry/proxy:2
        name: sidecar
---
apiVersion: v1
kind: Service
metadata:
  name: stock
"""
COMPOSE = """\
services:
  db:
    image: postgres:16
    environment:
      POSTGRES_DB: shop
  cache:
    image: redis:7
    ports:
      - target: 6379
        published: "7001"
volumes:
  data: {}
"""
PLAYBOOK = """\
- hosts: web
  become: true
  tasks:
    - name: Copy the unit
      copy:
        src: shop.service
        dest: /etc/systemd/system/shop.service
      notify: restart
  handlers:
  - name: restart
    service:
      name: shop
      state: restarted
"""
OPENAPI = """\
openapi: 3.1.0
paths:
  /orders/{id}:
    get:
      parameters:
        - in: path
          name: id
          required: true
      responses:
        "404":
          description: No such order
"""
DOCUMENTS = [WORKFLOW, DEPLOYMENT, COMPOSE, PLAYBOOK, OPENAPI]

SYSTEMCTL = """\
* shop.service - The shop
     Loaded: loaded (/etc/systemd/system/shop.service; enabled)
     Active: failed (Result: exit-code) since Mon
    Process: 812 ExecStart=/usr/bin/shop (code=exited, status=203/EXEC)
   Main PID: 812 (code=exited, status=203/EXEC)
"""
IP_ADDR = """\
1: lo: <LOOPBACK,UP,LOWER_UP> mtu 65536 qdisc noqueue state UNKNOWN
    link/loopback 00:00:00:00:00:00 brd 00:00:00:00:00:00
    inet 127.0.0.1/8 scope host lo
       valid_lft forever preferred_lft forever
2: eth0: <BROADCAST,MULTICAST> mtu 1500 qdisc fq_codel state DOWN
    link/ether 52:54:00:12:34:56 brd ff:ff:ff:ff:ff:ff
    inet 10.0.0.7/24 scope global eth0
       valid_lft 2591sec preferred_lft 2591sec
"""
DESCRIBED = """\
Name:         stock
Namespace:    prod
Containers:
  server:
    Image:       registry/stock:1.4
    Last State:  Terminated
      Reason:    OOMKilled
      Exit Code: 137
Events:
  Type     Reason   Age   From     Message
  ----     ------   ----  ----     -------
  Warning  BackOff  2m    kubelet  Back-off restarting failed container server
"""
STYLELINT = """\
src/button.css
  12:5  error    Unexpected unknown property "colr"  property-no-unknown
  14:1  warning  Expected empty line before rule     rule-empty-line-before

src/page.css
  3:9  error  Unexpected duplicate "color"  declaration-block-no-duplicate-properties
"""
SNAPSHOT = """\
- banner [ref=e2]:
  - heading "Shop" [level=1] [ref=e3]
- main [ref=e4]:
  - list [ref=e5]:
    - listitem [ref=e6]:
      - link "Mugs" [ref=e7]:
        - /url: /mugs
    - listitem [ref=e8]:
      - button "Pay now" [disabled] [ref=e9]
"""
DEVTOOLS = """\
uid=1_0 RootWebArea "Shop"
  uid=1_1 banner
    uid=1_2 link "Home"
  uid=1_3 main
    uid=1_4 form "Pay"
      uid=1_5 textbox "Card number" invalid="true"
"""
TERRAFORM = """\
Terraform will perform the following actions:

  # aws_db_instance.main must be replaced
-/+ resource "aws_db_instance" "main" {
      ~ engine_version = "15.4" -> "16.1" # forces replacement
        name           = "shop"
      ~ tags           = {
          + "owner" = "core"
        }
    }

  # aws_s3_bucket.logs will be updated in-place
  ~ resource "aws_s3_bucket" "logs" {
        bucket = "logs"
      ~ acl    = "private" -> "public-read"
    }

Plan: 1 to add, 1 to change, 1 to destroy.
"""
PULUMI = """\
Previewing update (prod):
  pulumi:pulumi:Stack: (same)
    [urn=urn:pulumi:prod::shop::pulumi:pulumi:Stack::shop-prod]
    ~ aws:ec2/instance:Instance: (update)
        [id=i-0a1b]
      ~ instanceType: "t3.small" => "t3.large"
    + aws:s3/bucket:Bucket: (create)
        acl: "private"
"""
HELM_DIFF = """\
prod, stock, Deployment (apps) has changed:
  spec:
    template:
      spec:
        containers:
        - name: server
-         image: registry/stock:1.4
+         image: registry/stock:1.5
prod, stock, Service (v1) has changed:
  spec:
-   type: ClusterIP
+   type: LoadBalancer
"""
INI = "; the shop\n[server]\nhost = 0.0.0.0\nport = 8443\n\n[log]\nlevel = debug\n"
TOML = '[project]\nname = "shop"\ndependencies = [\n  "attrs",\n  "httpx>=1",\n]\n\n[[tool.job]]\nname = "nightly"\n'
EDITORCONFIG = "root = true\n\n[*]\nindent_style = space\n\n[Makefile]\nindent_style = tab\n"

NEEDS = [
    pytest.param(WORKFLOW, "PIP_NO_CACHE_DIR", ["env:", "name: Install", "steps:", "  test:", "jobs:"], id="workflow"),
    pytest.param(WORKFLOW, "timeout-minutes", ["- run: ruff check", "  lint:", "jobs:"], id="items under their key"),
    pytest.param(DEPLOYMENT, "64Mi", ["limits:", "name: server", "containers:", "spec:"], id="a container has a name"),
    pytest.param(DEPLOYMENT, "value: debug", ["- name: LEVEL", "env:", "name: server"], id="a variable of a container"),
    pytest.param(COMPOSE, "7001", ["- target: 6379", "ports:", "  cache:", "services:"], id="a port of a service"),
    pytest.param(PLAYBOOK, "shop.service\n  ", ["copy:", "name: Copy the unit", "tasks:", "hosts: web"], id="a task"),
    pytest.param(OPENAPI, "No such order", ['"404":', "responses:", "get:", "/orders/{id}:"], id="a response"),
    pytest.param(SYSTEMCTL, "Active: failed", ["shop.service - The shop"], id="systemctl status"),
    pytest.param(IP_ADDR, "valid_lft 2591sec", ["inet 10.0.0.7/24", "2: eth0:"], id="ip addr"),
    pytest.param(DESCRIBED, "OOMKilled", ["Last State:", "server:", "Containers:"], id="a described resource"),
    pytest.param(DESCRIBED, "Back-off", ["Type     Reason", "Events:"], id="a table in a description"),
    pytest.param(STYLELINT, 'duplicate "color"', ["src/page.css"], id="findings under a file"),
    pytest.param(SNAPSHOT, "Pay now", ["listitem [ref=e8]", "list [ref=e5]", "main [ref=e4]"], id="a tree of roles"),
    pytest.param(DEVTOOLS, "Card number", ['form "Pay"', "uid=1_3 main", "RootWebArea"], id="roles by indentation"),
    pytest.param(TERRAFORM, "public-read", ['~ resource "aws_s3', "aws_s3_bucket.logs will be"], id="terraform plan"),
    pytest.param(
        TERRAFORM, '"owner"', ["~ tags", "-/+ resource", "aws_db_instance.main must be"], id="a nested change"
    ),
    pytest.param(PULUMI, "t3.large", ["aws:ec2/instance:Instance: (update)"], id="pulumi preview"),
    pytest.param(HELM_DIFF, "LoadBalancer", ["spec:", "Service (v1) has changed:"], id="helm diff"),
    pytest.param(INI, "level = debug", ["[log]"], id="INI"),
    pytest.param(TOML, "httpx", ["dependencies = [", "[project]"], id="TOML"),
    pytest.param(TOML, "nightly", ["[[tool.job]]"], id="a table of TOML"),
    pytest.param(EDITORCONFIG, "= tab", ["[Makefile]"], id="editorconfig"),
]


def needed(text: str, cuts: list[Cut], needle: str) -> str:
    """The text of the cut that holds `needle`, and of all that it needs."""
    spans = pieces(text, cuts)
    at = text.index(needle)
    index = next(i for i, each in enumerate(cuts) if each.start <= at < each.end)
    return "".join(spans[i] for i in sorted(closed(cuts, {index})))


PLAN = """\
Limit  (cost=9.0 rows=20)
  ->  Hash Join  (cost=9.4 rows=10)
        Hash Cond: (b.ship_id = s.id)
        ->  Seq Scan on bookings b  (cost=9.0 rows=10)
              Filter: (b.state = 'paid')
"""


def test_a_stage_of_a_plan_needs_no_other_and_its_details_need_it() -> None:
    shown = needed(PLAN, cut_outline(PLAN), "Filter")
    assert "Seq Scan" in shown
    assert "Hash Join" not in shown


@pytest.mark.parametrize(("text", "needle", "needs"), NEEDS)
@pytest.mark.parametrize("margin", ["", "$ print it\n"], ids=["alone", "behind a command"])
def test_a_line_needs_all_that_it_stands_under(text: str, needle: str, needs: list[str], margin: str) -> None:
    shown = needed(margin + text, cut(margin + text), needle)
    assert [part for part in needs if part not in shown] == []


@pytest.mark.parametrize(("text", "needle", "needs"), NEEDS)
def test_a_line_needs_little_else(text: str, needle: str, needs: list[str]) -> None:
    lines = needed(text, cut(text), needle).split("\n")
    assert sum(bool(line.strip("}] \t-")) for line in lines) <= len(needs) + 6


@pytest.mark.parametrize("text", [*DOCUMENTS, SNAPSHOT, DESCRIBED, TERRAFORM, INI, TOML, EDITORCONFIG])
def test_an_outline_is_one_part(text: str) -> None:
    assert [part.shape for part in parts(text)] == [Shape.OUTLINE]


@pytest.mark.parametrize(
    "text",
    [
        "Ann: hi there, how was it?\nBob: long, and the train was late again.\nAnn: as it always is.\n" * 3,
        "class A:\n    x: int\n    y: str = ''\n\n    def f(self):\n        pass\n\n    def g(self):\n        pass\n",
        "The plan: we leave at nine.\nThe aim: to be there by ten.\nThe risk: that it rains, as it did last week.\n",
        "10:00:00 INFO start: now\n10:00:01 INFO stop: now\n10:00:02 WARN slow: very\n",
    ],
)
def test_what_only_has_colons_is_no_outline(text: str) -> None:
    assert Shape.OUTLINE not in {part.shape for part in parts(text)}


def _ancestors(node: yaml.Node, above: tuple[int, ...]) -> Iterator[tuple[int, tuple[int, ...]]]:
    """(line of a key or an item, lines of the keys and items above it), by the positions that PyYAML gives."""
    if isinstance(node, yaml.MappingNode) and not node.flow_style:
        for key, value in node.value:
            line = key.start_mark.line
            yield line, above
            yield from _ancestors(value, (*above, line))
    elif isinstance(node, yaml.SequenceNode) and not node.flow_style:
        for value in node.value:
            line = value.start_mark.line
            yield line, above
            yield from _ancestors(value, (*above, line))


def _assert_knows_all_parents(text: str) -> None:
    cuts = cut_outline(text)
    assert_tiles(text, cuts)
    spans = pieces(text, cuts)
    first_line = {0: 0}
    for i, span in enumerate(spans):
        first_line[i + 1] = first_line[i] + span.count("\n")
    lines_of = [set(range(first_line[i], max(first_line[i] + 1, first_line[i + 1]))) for i in range(len(spans))]

    for document in yaml.compose_all(text):
        for line, above in _ancestors(document, ()):
            index = next(i for i, lines in enumerate(lines_of) if line in lines)
            shown = set().union(*(lines_of[i] for i in closed(cuts, {index})))
            assert set(above) <= shown, (text, line, above)


@pytest.mark.parametrize("text", DOCUMENTS)
@pytest.mark.parametrize("indent", [0, 4])
def test_the_parents_of_each_key_are_those_that_a_parser_finds(text: str, indent: int) -> None:
    margin = " " * indent
    _assert_knows_all_parents("".join(margin + line for line in text.replace("---\n", "").splitlines(keepends=True)))


VALUES = st.recursive(
    st.integers() | st.booleans() | st.text("ab c", max_size=9),
    lambda inner: (
        st.lists(inner, min_size=1, max_size=4) | st.dictionaries(st.text("abc", min_size=1), inner, min_size=1)
    ),
    max_leaves=20,
)


@given(st.lists(VALUES, min_size=1, max_size=4) | st.dictionaries(st.text("abc", min_size=1), VALUES, min_size=1))
def test_the_parents_of_any_document_are_those_that_a_parser_finds(value: object) -> None:
    _assert_knows_all_parents(yaml.safe_dump(value, default_flow_style=False, sort_keys=False, width=1000))


@given(nasty())
def test_cuts_tile_any_text(text: str) -> None:
    assert_tiles(text, cut_outline(text))


def test_silly_outlines_take_linear_time() -> None:
    assert_linear_cuts(cut_outline, *SILLY, "a:\n", "- ", "- - a:\n", "[a]\n", "  ~ a\n", " a:\n", "A  B  C\n")


def test_indentation_that_grows_without_end_takes_linear_time() -> None:
    text = "".join(" " * (n % 500) + f"k{n}:\n" for n in range(4000))
    assert_tiles(text, cut_outline(text))


def test_a_fragment_needs_what_it_shows() -> None:
    text = dedent(DEPLOYMENT.partition("      containers:\n")[2])
    assert "- args: [serve]" in needed(text, cut_outline(text), "64Mi")
