"""Outputs in which one record differs from many like it, as some thirty tools print them, and what must stay."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import NamedTuple

NAMES = (
    "harbor", "lantern", "meadow", "orchid", "pepper", "quartz", "raven", "saffron", "timber", "umber", "velvet",
    "willow", "yarrow", "zephyr", "acorn", "basil", "cedar", "dahlia", "ember", "fennel", "garnet", "hazel", "indigo",
    "juniper", "kelp", "lotus", "maple", "nutmeg", "olive", "poppy",
)  # fmt: skip


class Output(NamedTuple):
    """One tool's output: the goal, the command that printed it, its text, and what must stay."""

    goal: str
    command: str
    text: str
    stays: tuple[str, ...]


def _lines(*parts: str | Iterator[str]) -> str:
    rows = [row for part in parts for row in ([part] if isinstance(part, str) else part)]
    return "\n".join(rows) + "\n"


def _with(rows: Iterator[str], at: int, odd: str) -> Iterator[str]:
    for i, row in enumerate(rows):
        yield odd if i == at else row


def docker_ps() -> Output:
    odd = '7be1f0c2aa91   shop/garnet:2.4      "./run"       5 weeks ago   Up 4 seconds              garnet-1'
    rows = (
        f'{i * 7919 + 0x1A2B3C4D5E6F:012x}   shop/{name}:2.4      "./run"       5 weeks ago   Up 3 weeks   '
        f"80{i:02}/tcp   {name}-1"
        for i, name in enumerate(NAMES)
    )
    head = "CONTAINER ID   IMAGE               COMMAND       CREATED       STATUS       PORTS      NAMES"
    return Output("Is everything up?", "docker ps", _lines(head, _with(rows, 20, odd)), ("Up 4 seconds",))


def kubectl_get_pods_wide() -> Output:
    head = "NAME                      READY   STATUS    RESTARTS   AGE   IP            NODE     NOMINATED NODE"
    rows = (
        f"{name}-6c9f7d{i:03}-x{i:02}k2       1/1     Running   0          12d   10.8.{i}.17    node-{i % 4}   <none>"
        for i, name in enumerate(NAMES)
    )
    odd = "fennel-6c9f7d019-x19k2       0/1     Pending   0          12d   <none>        <none>   <none>"
    return Output(
        "Why is a page missing?", "kubectl get pods -o wide", _lines(head, _with(rows, 19, odd)), ("Pending",)
    )


def npm_ls() -> Output:
    rows = (f"├── {name}@{i % 9}.{i % 5}.{i % 7}" for i, name in enumerate(NAMES))
    odd = "├── UNMET PEER DEPENDENCY hazel@^4.0.0"
    text = _lines("shop@1.0.0 /srv/shop", _with(rows, 21, odd), "└── zinnia@1.0.0")
    return Output("Which packages are wrong?", "npm ls --depth=0", text, (odd,))


def pip_list_outdated() -> Output:
    head = ("Package      Version   Latest    Type", "------------ --------- --------- -----")
    rows = (f"{name:<12} 1.{i}.0     1.{i}.3     wheel" for i, name in enumerate(NAMES))
    odd = f"{'kelp':<12} 1.24.0    9.0.1     sdist"
    return Output("What is outdated?", "pip list --outdated", _lines(*head, _with(rows, 24, odd)), (odd,))


def systemctl_list_units() -> Output:
    head = "  UNIT                     LOAD   ACTIVE SUB     DESCRIPTION"
    rows = (f"  {name + '.service':<24} loaded active running The {name} service" for name in NAMES)
    odd = f"  {'dahlia.service':<24} masked inactive dead  dahlia.service"
    text = _lines(head, _with(rows, 17, odd), "", "30 loaded units listed.")
    return Output("Which service does not run?", "systemctl list-units", text, ("masked inactive dead",))


def aws_instances() -> Output:
    def instance(i: int) -> dict[str, object]:
        state = {"Code": 16, "Name": "running"} if i != 9 else {"Code": 80, "Name": "stopped"}
        return {
            "InstanceId": f"i-0{i * 7919 + 12345:015x}",
            "ImageId": "ami-0abcdef1234567890",
            "InstanceType": "m5.large",
            "LaunchTime": f"2026-10-{i + 1:02}T06:00:00+00:00",
            "Placement": {"AvailabilityZone": "eu-central-1a", "Tenancy": "default", "GroupName": ""},
            "Monitoring": {"State": "disabled"},
            "PrivateIpAddress": f"10.0.4.{i + 10}",
            "State": state,
            "SecurityGroups": [{"GroupName": "web", "GroupId": "sg-0123456789abcdef0"}],
            "Tags": [{"Key": "Name", "Value": NAMES[i]}],
            "EbsOptimized": True,
            "RootDeviceType": "ebs",
        }

    data = {"Reservations": [{"OwnerId": "123456789012", "Instances": [instance(i)]} for i in range(16)]}
    stays = ('"stopped"', f"i-0{9 * 7919 + 12345:015x}")
    return Output("One machine does not answer.", "aws ec2 describe-instances", json.dumps(data, indent=4), stays)


def gh_run_list() -> Output:
    rows = (
        f"completed\tsuccess\tChange {name} texts\tCI\tmain\tpush\t19{i:05}231\t4m{i + 10}s\t"
        f"2026-11-{i % 28 + 1:02}T10:00:00Z"
        for i, name in enumerate(NAMES)
    )
    odd = "completed\tcancelled\tChange basil texts\tCI\tmain\tpush\t1900015231\t31m2s\t2026-11-16T10:00:00Z"
    return Output("Which run did not go through?", "gh run list", _lines(_with(rows, 15, odd)), ("cancelled",))


def psql_null() -> Output:
    head = (" id |   name   |        email         |  country ", "----+----------+----------------------+----------")
    rows = (f" {i + 10} | {name:<8} | {name + '@example.org':<20} | NL" for i, name in enumerate(NAMES))
    odd = f" {36} | {'maple':<8} | {'':<20} | NL"
    text = _lines(*head, _with(rows, 26, odd), "(30 rows)")
    return Output("Which customer cannot be reached?", 'psql -c "select * from customer"', text, (odd,))


def csv_orders() -> Output:
    rows = (f"{50_000 + i},{name},2026-11-{i % 28 + 1:02},paid,{20 + i}.90,EUR" for i, name in enumerate(NAMES))
    odd = "50013,zephyr,2026-11-14,chargeback,33.90,EUR"
    text = _lines("order,customer,date,state,total,currency", _with(rows, 13, odd))
    return Output("What is wrong with the books?", "sqlite3 -csv -header shop.db 'select * from orders'", text, (odd,))


def csv_missing_value() -> Output:
    rows = (f"{name},{40 + i}.{i % 10},{5 + i % 4}.1,ok" for i, name in enumerate(NAMES))
    text = _lines("station,humidity,temperature,quality", _with(rows, 12, "yarrow,,6.1,ok"))
    return Output("Why does the mean fail?", "mlr --icsv --ocsv head -n 30 stations.csv", text, ("yarrow,,6.1,ok",))


def access_log() -> Output:
    rows = (
        f"10.0.{i % 7}.{i} - - [30/Nov/2026:10:{i // 60:02}:{i % 60:02} +0000] "
        f'"GET /v1/items/{i * 37} HTTP/1.1" 200 {512 + i * 3}'
        for i in range(90)
    )
    odd = '10.0.3.8 - - [30/Nov/2026:10:01:02 +0000] "GET /v1/items/2294 HTTP/1.1" 503 0'
    return Output("A customer saw a broken page.", "docker logs nginx", _lines(_with(rows, 62, odd)), (odd,))


def jest_verbose() -> Output:
    rows = (f"    ✓ adds {name} to the basket ({i + 2} ms)" for i, name in enumerate(NAMES))
    odd = "    ○ skipped adds poppy to the basket"
    text = _lines(
        "PASS src/basket.test.ts", "  basket", _with(rows, 23, odd), "", "Tests: 1 skipped, 29 passed, 30 total"
    )
    return Output("Are all tests run?", "npx jest --verbose", text, (odd,))


def ping() -> Output:
    rows = (f"64 bytes from 10.0.0.9: icmp_seq={i} ttl=63 time=0.{300 + i * 7 % 90} ms" for i in range(60))
    odd = "From 10.0.0.1 icmp_seq=41 Destination Host Unreachable"
    text = _lines("PING 10.0.0.9 (10.0.0.9) 56(84) bytes of data.", _with(rows, 41, odd))
    return Output("Is the network sound?", "ping -c 60 10.0.0.9", text, (odd,))


def df() -> Output:
    head = "Filesystem      Size  Used Avail Use% Mounted on"
    rows = (
        f"/dev/sd{name[0]}{i:<3}      50G   {i % 5 + 10}G   {38 - i % 5}G  {20 + i % 9}% /srv/{name}"
        for i, name in enumerate(NAMES)
    )
    odd = "/dev/sdu9        50G   50G     0 100% /srv/umber"
    return Output("Writes do not work.", "df -h", _lines(head, _with(rows, 9, odd)), (odd,))


def git_log() -> Output:
    rows = (
        f"{i * 7919 + 0x3C4D5E6:07x} chore(deps): bump {name} from 1.{i}.0 to 1.{i}.1" for i, name in enumerate(NAMES)
    )
    odd = "9ab12fe refactor: drop the lock around the ledger"
    return Output("What changed behaviour?", "git log --oneline -30", _lines(_with(rows, 14, odd)), (odd,))


def coverage_report() -> Output:
    head = ("Name                      Stmts   Miss  Cover", "---------------------------------------------")
    rows = (f"shop/{name + '.py':<20} {80 + i:>5} {i % 3:>6}    {97 + i % 3}%" for i, name in enumerate(NAMES))
    odd = f"shop/{'hazel.py':<20} {101:>5} {88:>6}    13%"
    return Output("Where are tests missing?", "coverage report", _lines(*head, _with(rows, 21, odd)), (odd,))


def terraform_plan() -> Output:
    def resource(name: str) -> str:
        return f"aws_instance.{name}: Refreshing state... [id=i-0{sum(map(ord, name)):08x}]"

    odd = "  # aws_db_instance.ledger must be replaced"
    rows = (resource(name) for name in NAMES)
    text = _lines(
        _with(rows, 28, resource("olive")),
        odd,
        '-/+ resource "aws_db_instance" "ledger" {',
        "    }",
        "",
        "Plan: 1 to add, 0 to change, 1 to destroy.",
    )
    return Output("Is this plan safe?", "terraform plan", text, (odd,))


def ansible_recap() -> Output:
    rows = (
        f"{name + '.example.net':<24} : ok=24   changed=3    unreachable=0    failed=0    skipped=6" for name in NAMES
    )
    odd = f"{'acorn.example.net':<24} : ok=9    changed=0    unreachable=1    failed=0    skipped=2"
    return Output(
        "Did the rollout work?", "ansible-playbook site.yml", _lines("PLAY RECAP ****", _with(rows, 14, odd)), (odd,)
    )


def logfmt() -> Output:
    rows = (
        f"ts=2026-11-30T10:{i // 60:02}:{i % 60:02}Z level=info caller=sync.go:88 msg=synced "
        f"shard={i % 8} took={i % 9 + 3}ms"
        for i in range(90)
    )
    odd = "ts=2026-11-30T10:00:51Z level=warn caller=sync.go:91 msg=lagging shard=5 took=90412ms"
    return Output("Searches are stale.", "journalctl -u indexer", _lines(_with(rows, 51, odd)), (odd,))


def ndjson_events() -> Output:
    rows = (
        json.dumps(
            {
                "ts": 1764490000 + i,
                "kind": "delivered",
                "to": f"{NAMES[i % 30]}@example.org",
                "tries": 1,
                "ms": 20 + i % 9,
            }
        )
        for i in range(60)
    )
    odd = json.dumps({"ts": 1764490033, "kind": "bounced", "to": "hazel@example.org", "tries": 5, "ms": 91})
    return Output("One mail is missing.", "cat events.ndjson | tail -60", _lines(_with(rows, 33, odd)), (odd,))


def json_null() -> Output:
    def order(i: int) -> dict[str, object]:
        return {
            "sku": f"SK-{i + 100}",
            "name": NAMES[i],
            "price": None if i == 11 else 9.9 + i,
            "stock": 40 + i,
            "unit": "pc",
        }

    text = json.dumps([order(i) for i in range(30)], indent=2)
    return Output("Why does the total fail?", "curl -s http://shop/api/items", text, ('"SK-111"', "null"))


def json_extra_key() -> Output:
    def host(i: int) -> dict[str, object]:
        extra = {"quarantine": {"since": "2026-11-02", "by": "ops"}} if i == 17 else {}
        return {"host": f"{NAMES[i]}.example.net", "cpus": 8, "memory": 32, "zone": "b", "tags": ["web"], **extra}

    text = json.dumps({"hosts": [host(i) for i in range(30)]}, indent=1)
    return Output("One host gets no traffic.", "consul catalog nodes -json", text, ("quarantine", "dahlia.example.net"))


def rsync() -> Output:
    rows = (f">f+++++++++ photos/2026/{name}/img_{i:04}.jpg" for i, name in enumerate(NAMES * 2))
    odd = "*deleting   photos/2026/willow/index.db"
    return Output(
        "Did the copy go well?", "rsync -ai a b", _lines("sending incremental file list", _with(rows, 40, odd)), (odd,)
    )


def cargo_build() -> Output:
    rows = (f"   Compiling {name} v0.{i}.{i % 3}" for i, name in enumerate(NAMES))
    text = _lines(
        _with(rows, 16, "   Compiling basil v0.15.0"),
        "warning: unused variable: `rate`",
        "   --> src/tax.rs:41:9",
        "    Finished dev profile in 41.02s",
    )
    return Output("Does the build warn?", "cargo build", text, ("unused variable: `rate`", "src/tax.rs:41:9"))


def helm_list() -> Output:
    head = "NAME      \tNAMESPACE\tREVISION\tUPDATED                \tSTATUS         \tCHART"
    rows = (
        f"{name:<10}\tprod     \t{i % 7 + 1}       \t2026-11-{i % 28 + 1:02} 10:00:00 UTC\t"
        f"deployed       \t{name}-1.{i}.0"
        for i, name in enumerate(NAMES)
    )
    odd = "indigo    \tprod     \t3       \t2026-11-23 10:00:00 UTC\tpending-upgrade\tindigo-1.22.0"
    return Output("Why can I not deploy?", "helm list -A", _lines(head, _with(rows, 22, odd)), (odd,))


def ss_listen() -> Output:
    head = "State   Recv-Q  Send-Q  Local Address:Port  Peer Address:Port"
    rows = (f"ESTAB   0       0       10.0.0.5:443        10.0.9.{i}:{51000 + i}" for i in range(60))
    odd = "ESTAB   0       874312  10.0.0.5:443        10.0.9.37:51037"
    return Output("Which client hangs?", "ss -tn", _lines(head, _with(rows, 37, odd)), (odd,))


def redis_latency() -> Output:
    rows = (f"{i + 1}) 10.0.1.{i} lag={i % 2} state=online offset=88{i:03}" for i in range(50))
    odd = "32) 10.0.1.31 lag=0 state=wait_bgsave offset=0"
    return Output("Which replica is behind?", "redis-cli info replication", _lines(_with(rows, 31, odd)), (odd,))


def make_verbose() -> Output:
    rows = (f"cc -O2 -Wall -Iinclude -c src/{name}.c -o build/{name}.o" for name in NAMES * 2)
    odd = "src/raven.c:88:14: note: previous declaration of 'rate' was here"
    return Output("Is the header right?", "make V=1", _lines(_with(rows, 36, odd)), (odd,))


def du_sorted() -> Output:
    rows = (f"{i % 9 + 2}.1M\t./cache/{name}/{i}" for i, name in enumerate(NAMES * 2))
    odd = "412G\t./cache/ember/18"
    return Output("What fills the disk?", "du -h --max-depth=2 cache", _lines(_with(rows, 18, odd)), (odd,))


def markdown_table() -> Output:
    head = ("| region | status | owner | replicas |", "|---|---|---|---|")
    rows = (f"| {name} | green | team-{i % 5} | 3 |" for i, name in enumerate(NAMES))
    odd = "| nutmeg | amber | team-2 | 1 |"
    return Output("Which region needs a look?", "status_page", _lines(*head, _with(rows, 27, odd)), (odd,))


def plain_diff() -> Output:
    def hunk(i: int, name: str) -> str:
        return f"{i}c{i}\n<     total = cart.{name}(ctx, {i})\n---\n>     total = cart.{name}(context, {i})"

    odd = "77c77\n<         retries = 5\n---\n>         retries = 0"
    text = _lines(_with((hunk(i + 10, name) for i, name in enumerate(NAMES * 2)), 40, odd))
    return Output("Is it only a rename?", "diff a.py b.py", text, ("<         retries = 5", ">         retries = 0"))


def git_diff() -> Output:
    def change(i: int, name: str) -> str:
        path, old, new = f"shop/{name}.py", f"from shop.core import tax_{name}", f"from shop.base import tax_{name}"
        if i == 13:
            old, new = "LIMIT = 500", "LIMIT = 50"
        head = f"diff --git a/{path} b/{path}\n--- a/{path}\n+++ b/{path}\n@@ -1,3 +1,3 @@\n"
        return f"{head} import os\n-{old}\n+{new}\n import sys"

    text = _lines(change(i, name) for i, name in enumerate(NAMES))
    return Output("Is it only a move of the module?", "git show HEAD", text, ("-LIMIT = 500", "+LIMIT = 50\n"))


def ruff_statistics() -> Output:
    rows = (
        f"shop/{name}.py:{i + 3}:1: I001 [*] Import block is un-sorted or un-formatted"
        for i, name in enumerate(NAMES * 2)
    )
    odd = "shop/quartz.py:41:5: S608 Possible SQL injection vector through string-based query construction"
    return Output(
        "Is there anything dangerous?", "ruff check --output-format=concise", _lines(_with(rows, 35, odd)), (odd,)
    )


def apt_upgrade() -> Output:
    rows = (f"Setting up {name}-utils (2.{i}.1-1ubuntu{i}) ..." for i, name in enumerate(NAMES))
    text = _lines(
        _with(rows, 11, "Setting up willow-utils (2.11.1-1ubuntu11) ..."),
        "Installing new version of config file /etc/nginx/nginx.conf ...",
        (f"Processing triggers for {name} (1.{i}) ..." for i, name in enumerate(NAMES)),
    )
    return Output("What did the upgrade touch?", "apt-get upgrade -y", text, ("/etc/nginx/nginx.conf",))


def s3_listing() -> Output:
    rows = (
        f"2026-11-{i % 28 + 1:02} 03:14:08 {18_000 + i * 91:>10} tiles/{name}/{i}.pbf" for i, name in enumerate(NAMES)
    )
    odd = "2026-11-20 03:14:08          0 tiles/cedar/99.pbf"
    return Output("One tile stays blank.", "aws s3 ls s3://maps --recursive", _lines(_with(rows, 16, odd)), (odd,))


def compose_config() -> Output:
    def service(name: str) -> str:
        policy = "no" if name == "garnet" else "always"
        return f"  {name}:\n    image: shop/{name}:2\n    restart: {policy}\n    init: true\n    networks: [back]"

    text = _lines("services:", (service(name) for name in NAMES))
    return Output("One service does not come back.", "docker compose config", text, ("restart: no",))


OUTPUTS: tuple[Callable[[], Output], ...] = (
    docker_ps, kubectl_get_pods_wide, npm_ls, pip_list_outdated, systemctl_list_units, aws_instances, gh_run_list,
    psql_null, csv_orders, csv_missing_value, access_log, jest_verbose, ping, df, git_log, coverage_report,
    terraform_plan, ansible_recap, logfmt, ndjson_events, json_null, json_extra_key, rsync, cargo_build, helm_list,
    ss_listen, redis_latency, make_verbose, du_sorted, markdown_table, plain_diff, git_diff, ruff_statistics,
    apt_upgrade, s3_listing, compose_config,
)  # fmt: skip
