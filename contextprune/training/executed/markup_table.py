"""Files of settings, pages and schemas as made languages: blocks in place of functions, and their faults."""

from __future__ import annotations

from contextprune.training.executed.languages import Language

YAML = Language(
    ".yaml",
    "---\n# Settings of the service.",
    (
        "@f@:\n  @a@: @k@\n  enabled: true\n  @@\n  @b@:\n    - @m@\n    - 17\n",
        "@f@:\n  # at most\n  limit: @k@\n  hosts:\n    - name: @a@\n      port: 80@m@\n      @@\n    - name: @b@\n",
    ),
    "",
    (
        ("a truth value that is not spelt true or false", "@n@: yes"),
        ("blanks at the end of a line", "@n@: 3   "),
        ("a key that stands twice", "@n@: 1\n@n@: 2"),
        ("a line that is far too long", f"@n@: {'x' * 100}"),
        ("too many blanks after a colon", "@n@:    3"),
        ("a comment too close to its sign", "@n@: 3 #why"),
        ("brackets with blanks inside", "@n@: [ 1, 2 ]"),
        ("a comma without a blank behind it", "@n@: [1,2]"),
        ("several empty lines", "@n@: 3\n\n\n\n\n"),
        ("a list that is indented otherwise", "@n@:\n       - 1"),
        ("a bracket that is never closed", "@n@: [1, 2"),
        ("a number that reads as octal", "@n@: 0777"),
        ("a tab where blanks belong", "@n@:\t3"),
    ),
)
HTML = Language(
    ".html",
    '<!DOCTYPE html>\n<html lang="en">\n<head><title>Shop</title></head>\n<body>',
    (
        '<section id="@f@">\n<h2>@f@</h2>\n<p>The @a@ of a @b@ is @k@.</p>\n@@\n</section>\n',
        '<ul id="@f@">\n<li>@a@: @k@</li>\n<li>@b@: @m@</li>\n</ul>\n@@\n',
    ),
    "</body>\n</html>",
    (
        ("tags that are closed in the wrong order", "<p><b>much <i>@n@</b></i></p>"),
        ("a picture without a text in its place", '<p><img src="@n@.png"></p>'),
        ("an element that does not exist", "<@n@>text</@n@>"),
        ("an element that is never closed", '<div class="@n@"><span>open</div>'),
        ("a closing tag without an opening one", "</strong>"),
        ("an attribute that stands twice", '<a href="#@n@" href="#top">twice</a>'),
        ("a cell outside of any row", "<table><td>@n@</td></table>"),
        ("an ampersand that is not escaped", "<p>salt & pepper &@n@;</p>"),
        ("an element of old times", '<p><font color="red">@n@</font></p>'),
        ("an empty element", "<p><em></em></p>"),
        ("an attribute that nobody knows", '<p @n@="3">text</p>'),
    ),
)
TERRAFORM = Language(
    ".tf",
    "",
    (
        'resource "terraform_data" "@f@" {\n  input = @k@\n  @@\n}\n',
        'variable "@f@" {\n  default = @k@\n}\n\noutput "@f@_total" {\n  value = var.@f@ * 2\n}\n@@\n',
        "locals {\n  @f@ = { @a@ = @k@, @b@ = @m@ }\n}\n",
    ),
    "",
    (
        ("a variable that nobody declared", "triggers_replace = var.@n@"),
        ("a resource that does not exist", "triggers_replace = terraform_data.@n@.id"),
        ("an argument that is not expected", "@n@ = 3"),
        ("a bracket that is never closed", "triggers_replace = [1, 2"),
        ("a function that does not exist", "triggers_replace = @n@(3)"),
        ("a block of an unknown kind", "@n@ {\n  x = 1\n}"),
        ("a local value that is not there", "triggers_replace = local.@n@"),
        ("an argument that is set twice", 'triggers_replace = "@n@"\n  triggers_replace = "b"'),
    ),
)
RST = Language(
    ".rst",
    "@C@\n====================\n\nWhat this part of the shop is for.",
    (
        "\n@f@\n--------------------------------\n\nThe *@a@* of a @b@ is @k@.\n\n@@\n\nIt is never more than @m@.\n",
        "\n@f@\n--------------------------------\n\n- @a@ is @k@\n- @b@ is @m@\n\n@@\n",
    ),
    "",
    (
        ("a link to a page that does not exist", ":doc:`@n@`"),
        ("a reference without its label", ":ref:`@n@`"),
        ("a heading whose line is too short", "A part about @n@\n-----"),
        ("emphasis that is never ended", "This is *very @n@ indeed."),
        ("a directive that nobody knows", ".. @n@::\n\n   text"),
        ("a role that nobody knows", ":@n@:`text`"),
        ("a picture that is not there", ".. image:: @n@.png"),
        ("a block indented out of the blue", "text\n    and more @n@\nback"),
        ("code in a language that nobody knows", ".. code-block:: @n@\n\n   x = 1"),
        ("a list that ends without an empty line", "- @n@\nno empty line"),
        ("a file to include that is missing", ".. include:: @n@.txt"),
        ("a target that is given twice", ".. _@n@:\n\ntext\n\n.. _@n@:\n\ntext"),
    ),
)
MARKDOWN = Language(
    ".md",
    "# @C@\n\nWhat this part of the shop is for.",
    (
        "\n## @f@\n\nThe **@a@** of a @b@ is @k@.\n\n@@\n\nIt is never more than @m@.\n",
        "\n## @f@\n\n- @a@ is @k@\n- @b@ is @m@\n\n@@\n",
    ),
    "",
    (
        ("a link to a page that does not exist", "See [the rules](@n@.md)."),
        ("a link to a place that the page lacks", "See [above](#@n@)."),
        ("a picture that is not there", "![plan](img/@n@.png)"),
        ("a path that begins at the root", "See [this](/@n@/page.md)."),
    ),
)
SQL = Language(
    ".sql",
    "PRAGMA foreign_keys = ON;",
    (
        (
            "CREATE TABLE @f@ (id INTEGER PRIMARY KEY, @a@ INTEGER NOT NULL, @b@ TEXT UNIQUE);\n"
            "INSERT INTO @f@ (@a@, @b@) VALUES (@k@, 'a'), (@m@, 'b');\n@@\n"
            "SELECT id, @a@, @b@ FROM @f@ WHERE @a@ >= 0 ORDER BY id;\n"
        ),
        (
            "CREATE TABLE @f@ (id INTEGER PRIMARY KEY, @a@ INTEGER CHECK (@a@ > 0));\n"
            "INSERT INTO @f@ (@a@) VALUES (@k@ + 1), (@m@ + 1);\n@@\nSELECT count(*), sum(@a@) FROM @f@;\n"
        ),
    ),
    "",
    (
        ("a column that does not exist", "SELECT @n@ FROM (SELECT 1 AS id);"),
        ("a table that does not exist", "SELECT * FROM @n@;"),
        ("a keyword that is misspelt", "SELCT @n@ FROM (SELECT 1);"),
        ("a bracket that is never closed", "SELECT max(1, 2 AS @n@;"),
        ("a function that does not exist", "SELECT @n@(1);"),
        ("a table that is there already", "CREATE TABLE @n@ (id); CREATE TABLE @n@ (id);"),
        ("a row with too few values", "CREATE TABLE @n@ (a, b); INSERT INTO @n@ VALUES (1);"),
        ("a value that must not be missing", "CREATE TABLE @n@ (a NOT NULL); INSERT INTO @n@ VALUES (NULL);"),
        ("a key that stands twice", "CREATE TABLE @n@ (a PRIMARY KEY); INSERT INTO @n@ VALUES (1), (1);"),
        ("a join whose column is ambiguous", "SELECT a FROM (SELECT 1 AS a) JOIN (SELECT 2 AS a) ON a = 1; -- @n@"),
    ),
)
