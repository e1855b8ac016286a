"""What an edit quotes is known for each form in which agents edit files."""

from __future__ import annotations

import json

import pytest

from contextprune.text.quotes import quoted_lines

PATCH = """*** Begin Patch
*** Update File: a.py
@@ def f():
 context line
-removed line
+added line
*** Add File: b.py
+new file
*** End Patch
"""
SEARCH = "a.py\n<<<<<<< SEARCH\n  old line\nnext line\n=======\nnew line\n>>>>>>> REPLACE\n"


@pytest.mark.parametrize(
    ("arguments", "lines"),
    [
        ({"file_path": "a", "old_string": "  x = 1\n\n  y = 2", "new_string": "z"}, ("x = 1", "y = 2")),
        ({"filePath": "a", "oldString": "x"}, ("x",)),
        ({"command": "str_replace", "path": "a", "old_str": "x"}, ("x",)),
        ({"path": "a", "edits": [{"oldText": "x", "newText": "y"}, {"oldText": "z"}]}, ("x", "z")),
        ({"input": PATCH}, ("context line", "removed line")),
        ({"command": ["apply_patch", PATCH]}, ("context line", "removed line")),
        ({"command": f"apply_patch <<'EOF'\n{PATCH}EOF"}, ("context line", "removed line")),
        ({"input": "await apply_patch(" + json.dumps(PATCH) + ")"}, ("context line", "removed line")),
        ({"diff": SEARCH}, ("old line", "next line")),
        ({"diff": SEARCH.replace("<<<<<<< SEARCH", "------- SEARCH")}, ("old line", "next line")),
        ({"command": "sed -i 's/timeout = 30/timeout = 60/' a.toml"}, ("timeout = 30",)),
        ({"command": "sed -i 's|/usr/bin|/opt/bin|g' a.sh"}, ("/usr/bin",)),
        ({"command": "sed -i 's/a.*b/c/' a.sh"}, ()),
        ({"command": "sed -n '1,20p' a.sh"}, ()),
        ({"file_path": "a", "content": "x = 1"}, ()),
        ({"command": "grep -rn SEARCH ."}, ()),
    ],
)
def test_quotes_of_edits(arguments: dict[str, object], lines: tuple[str, ...]) -> None:
    assert quoted_lines(json.dumps(arguments)) == lines


def test_a_patch_as_it_stands_is_read_like_one_in_arguments() -> None:
    assert quoted_lines(PATCH) == ("context line", "removed line")
