"""Which programs of a command line show files is read from the line alone, however it is wrapped."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from contextprune.text.programs import read_command, read_words

SHOWS: tuple[tuple[str, list[str]], ...] = (
    ("cat a.py", ["a.py"]),
    ("cd src && sed -n '1,9p' a.py", ["a.py"]),
    ("sed -n '1,220p' a.ts; nl -ba b.go | sed -n '20,40p'", ["a.ts", "b.go"]),
    ("sudo head -50 /etc/hosts", ["/etc/hosts"]),
    ("timeout 10 tail -n 40 a.rs", ["a.rs"]),
    ("FOO=1 env BAR=2 cat z.c", ["z.c"]),
    ("bash -lc 'cat x.go'", ["x.go"]),
    ('sh -c "cd /w; less a.rb"', ["a.rb"]),
    ("docker exec -it web cat /app/a.py", ["/app/a.py"]),
    ('docker compose exec -T web bash -lc "cat /app/x.py"', ["/app/x.py"]),
    ("ssh host 'cat /etc/x.conf'", ["/etc/x.conf"]),
    ("awk 'NR>=10 && NR<=20' a.java", ["a.java"]),
    ("batcat --plain -r 1:40 a.kt", ["1:40", "a.kt"]),
    ("git show HEAD:src/a.py", ["src/a.py"]),
    ("git -C repo diff HEAD~1 -- a/b.go | sed -n '1,200p'", ["a/b.go"]),
    ("git log -p -3", []),
    ("gh pr diff 12", []),
    ("rg -n -C3 foo src", ["src"]),
    ("grep -rn -A3 'x y' src/ | head -50", ["src/"]),
    ("find . -name '*.go' -exec cat {} +", ["{}", "{}"]),
    ("ls *.py | xargs sed -n 1,5p", ["{}"]),
    ("for f in a b; do echo $f; cat $f; done", ["$f"]),
    ("if [ -f x.md ]; then cat x.md; fi", ["x.md"]),
    ("Get-Content -Path a.cs -TotalCount 50 | Select-Object -First 10", ["a.cs"]),
    ('powershell -Command "Get-Content a.ps1"', ["a.ps1"]),
    ("pwsh -c gc a.ps1", ["a.ps1"]),
    ("cmd /c type a.bat", ["a.bat"]),
    ("python -c \"print(open('a.py').read())\"", []),
    ("python3 - <<'EOF'\nprint(Path('a').read_text())\nEOF", []),
    ("cat a.py 2>/dev/null # all of it", ["a.py"]),
    ("diff -u a.py b.py", ["a.py", "b.py"]),
    ("cat 'my file.py'", ["my file.py"]),
)


@pytest.mark.parametrize(("command", "files"), SHOWS)
def test_commands_that_show_files(command: str, files: list[str]) -> None:
    printed = read_command(command)
    assert printed.shows
    assert not printed.more
    assert printed.files == files


@pytest.mark.parametrize(
    "command",
    [
        "",
        "git log",
        "git diff --stat",
        "git show --name-only HEAD",
        "concat a b",
        "sed -i s/a/b/ a.py",
        "sed -n '/x/w out' a.py",
        "python -c 'print(1)'",
        "rg -l foo",
        "grep -rc foo src",
        "cat a.json | jq .x",
        "cat a.py | wc -l",
        "awk '{print $1}' a.txt",
        "cat > a.py <<'EOF'\ncat b.py\nEOF\npython a.py",
        "cat a.py > b.py",
        "wc -l a.py",
        "go test ./... 2>&1 | tail -30",
        "docker logs web",
        "x=$(cat a.py)",
        "echo cat a.py",
    ],
)
def test_commands_that_show_none(command: str) -> None:
    assert not read_command(command).shows


def test_commands_beside_those_that_show_files_are_told() -> None:
    printed = read_command("cat go.mod && go test ./...")
    assert printed.shows
    assert printed.more


def test_a_list_of_words_is_one_command() -> None:
    assert read_words(["cat", "a file; rm x"]).files == ["a file; rm x"]
    assert read_words(["bash", "-lc", "cat a.py; cat b.py"]).files == ["a.py", "b.py"]


@given(st.text(alphabet="abc \n\t'\"`$(){}<>|;&\\#-=/.", max_size=200))
def test_any_text_is_read(command: str) -> None:
    printed = read_command(command)
    assert printed.shows or not printed.files


@given(st.sampled_from([command for command, _ in SHOWS]), st.sampled_from(["cd /w && ", "set -e; ", "FOO=1\n"]))
def test_what_prints_nothing_before_a_command_changes_nothing(command: str, before: str) -> None:
    assert read_command(before + command) == read_command(command)
