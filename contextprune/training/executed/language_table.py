"""The languages that made sources are written in."""

from __future__ import annotations

from contextprune.training.executed.languages import Language

C = Language(
    ".c",
    "#include <stdio.h>\n#include <stdlib.h>\n#include <string.h>\n",
    (
        "int @f@(int @a@, int @b@)\n{\n    int sum = @a@ * @k@;\n    @@\n    return sum + @b@ - @m@;\n}\n",
        (
            "/* Adds up in steps. */\nint @f@(int @a@, int @b@)\n{\n    int sum = @b@ - @m@;\n    @@\n"
            "    for (int i = 0; i < @k@; i++) {\n        sum += @a@;\n        @@\n    }\n    return sum;\n}\n"
        ),
    ),
    "",
    (
        ("a name that is declared nowhere", "sum += @n@;"),
        ("a variable that nobody reads", "int @n@ = 3;"),
        ("a pointer made from a number", "char *@n@ = sum;"),
        ("a function that nobody declared", "sum = @n@(sum);"),
        ("a format that does not fit what is printed", 'printf("%s\\n", sum);'),
        ("a semicolon that is missing", "sum = sum + 1"),
        ("too many arguments for a function", 'sum += (int)strlen("a", "b");'),
        ("a comparison between signed and unsigned", "if ((unsigned)sum > sum - 1) sum++;"),
        ("an assignment where a comparison was meant", "if (sum = 3) sum++;"),
        ("a member of something that is no structure", "sum = sum.@n@;"),
        ("a text without its closing quote", 'printf("@n@);'),
        ("a value stored in a constant", "const int @n@ = 1;\n@n@ = 2;"),
        ("a header that is not there", '#include "@n@.h"'),
        ("a label that nobody jumps to", "@n@: sum++;"),
    ),
)
GO = Language(
    ".go",
    'package shop\n\nimport (\n\t"fmt"\n)\n\nvar _ = fmt.Sprint\n',
    (
        "func @f@(@a@ int, @b@ int) int {\n\tsum := @a@ * @k@\n\t@@\n\treturn sum + @b@ - @m@\n}\n",
        (
            "// @f@ adds up in steps.\nfunc @f@(@a@, @b@ int) int {\n\tsum := @b@ - @m@\n\t@@\n"
            "\tfor i := 0; i < @k@; i++ {\n\t\tsum += @a@\n\t}\n\treturn sum\n}\n"
        ),
    ),
    "",
    (
        ("a name that is declared nowhere", "sum += @n@"),
        ("a variable that nobody reads", "@n@ := 3"),
        ("a text where a number belongs", 'sum = "@n@"'),
        ("a function that does not exist", "sum = @n@(sum)"),
        ("a member that a package lacks", "fmt.@n@(sum)"),
        ("a declaration of a name that is there", "sum := 3"),
        ("one value where two are given back", "var @n@ int = fmt.Println(sum)"),
        ("a type that is not defined", "var @n@ Missing@n@"),
        ("too many arguments for a function", "sum = len([]int{1}, []int{2})"),
    ),
    camel=True,
)
RUST = Language(
    ".rs",
    "#![allow(dead_code)]\n",
    (
        "pub fn @f@(@a@: i64, @b@: i64) -> i64 {\n    let sum = @a@ * @k@;\n    @@\n    sum + @b@ - @m@\n}\n",
        (
            "/// Adds up in steps.\npub fn @f@(@a@: i64, @b@: i64) -> i64 {\n    let mut sum = @b@ - @m@;\n    @@\n"
            "    for _ in 0..@k@ {\n        sum += @a@;\n    }\n    sum\n}\n"
        ),
    ),
    "",
    (
        ("a name that is not in scope", "let _ = @n@ + 1;"),
        ("a variable that nobody reads", "let @n@ = 3;"),
        ("a text where a number belongs", 'let @n@: i64 = "three";'),
        ("a value used after it was moved", 'let @n@ = String::from("x");\nlet _moved = @n@;\nprintln!("{}", @n@);'),
        ("a borrow that lives too short", 'let @n@: &i64;\n{ let inner = 3; @n@ = &inner; }\nprintln!("{}", @n@);'),
        ("a change of something that is not mutable", "let @n@ = 1;\n@n@ += 1;"),
        ("a method that a type lacks", "let _ = sum.@n@();"),
        ("a module that cannot be found", "use crate::@n@::Thing;"),
        ("a match that leaves cases out", "match sum { 0 => {}, 1 => {} }"),
        ("a macro that does not exist", "@n@!(sum);"),
    ),
)
JAVA = Language(
    ".java",
    "import java.util.*;\n\npublic class @C@ {\n",
    (
        (
            "    public static int @f@(int @a@, int @b@) {\n        int sum = @a@ * @k@;\n        @@\n"
            "        return sum + @b@ - @m@;\n    }\n"
        ),
        (
            "    /** Adds up in steps. */\n    static int @f@(int @a@, int @b@) {\n        int sum = @b@ - @m@;\n"
            "        for (int i = 0; i < @k@; i++) {\n            sum += @a@;\n            @@\n        }\n"
            "        return sum;\n    }\n"
        ),
    ),
    "}",
    (
        ("a name that is declared nowhere", "sum += @n@;"),
        ("a text where a number belongs", 'int @n@ = "three";'),
        ("a method that does not exist", "sum = @n@(sum);"),
        ("a class that cannot be found", "Missing@n@ thing = null;"),
        ("an exception that nobody catches or declares", "Thread.sleep(sum);"),
        ("a list without the type of its elements", "List @n@ = new ArrayList();"),
        ("a variable that may have no value yet", "int @n@;\nsum += @n@;"),
        ("a second declaration of a name", "int sum = 3;"),
        ("a number that loses digits", "int @n@ = 3.5;"),
    ),
    camel=True,
)
JAVASCRIPT = Language(
    ".js",
    '"use strict";\n',
    (
        "function @f@(@a@, @b@) {\n  let sum = @a@ * @k@;\n  @@\n  return sum + @b@ - @m@;\n}\nexports.@f@ = @f@;\n",
        (
            "// Adds up in steps.\nexports.@f@ = (@a@, @b@) => {\n  let sum = @b@ - @m@;\n"
            "  for (let i = 0; i < @k@; i++) sum += @a@;\n  @@\n  return sum;\n};\n"
        ),
    ),
    "",
    (
        ("a bracket that is never closed", "sum = Math.max(sum, 1;"),
        ("a second declaration of a name", "let sum = 3;"),
        ("an await outside of async code", "await @n@(sum);"),
        ("a text without its closing quote", "const @n@ = 'open;"),
        ("a keyword used as a name", "let class = 3;"),
        ("a value that cannot be assigned to", "3 = sum;"),
        ("an operand that is missing", "sum = sum + ;"),
        ("a bracket too many", "sum = (sum));"),
    ),
    camel=True,
)
RUBY = Language(
    ".rb",
    "# frozen_string_literal: true\n",
    (
        "def @f@(@a@, @b@)\n  sum = @a@ * @k@\n  @@\n  sum + @b@ - @m@\nend\n",
        "# Adds up in steps.\ndef @f@(@a@, @b@)\n  sum = @b@ - @m@\n  @@\n  @k@.times { sum += @a@ }\n  sum\nend\n",
    ),
    "",
    (
        ("a variable that nobody reads", "@n@ = 3"),
        ("an operand that is missing", "sum = sum + )"),
        ("a bracket that is never closed", "sum = [sum, 1"),
        ("a comparison where an assignment was meant", "sum == 3"),
        ("an assignment where a comparison was meant", "sum += 1 if sum = 3"),
        ("a constant defined within a method", "LIMIT = 3"),
        ("an argument that is given twice", "def @n@(a, a); end"),
        ("a literal in a condition that is always true", "sum += 1 if 3"),
    ),
)
PERL = Language(
    ".pl",
    "use strict;\nuse warnings;\n",
    (
        "sub @f@ {\n    my ($@a@, $@b@) = @_;\n    my $sum = $@a@ * @k@;\n    @@\n    return $sum + $@b@ - @m@;\n}\n",
        (
            "# Adds up in steps.\nsub @f@ {\n    my ($@a@, $@b@) = @_;\n    my $sum = $@b@ - @m@;\n"
            "    $sum += $@a@ for 1 .. @k@;\n    @@\n    return $sum;\n}\n"
        ),
    ),
    "1;",
    (
        ("a name that was never declared", "$sum += $@n@;"),
        ("a second declaration that hides the first", "my $sum = 3;"),
        ("an operand that is missing", "$sum = $sum + ;"),
        ("a bareword under strict", "$sum = @n@ . 'x' . Missing;"),
        ("a module that is not installed", "use @n@::Missing;"),
        ("an assignment where a comparison was meant", "if ($sum = 3) { $sum++ }"),
        ("a constant in the void", "'@n@';"),
    ),
)
PHP = Language(
    ".php",
    "<?php\ndeclare(strict_types=1);\n",
    (
        "function @f@(int $@a@, int $@b@): int {\n    $sum = $@a@ * @k@;\n    @@\n    return $sum + $@b@ - @m@;\n}\n",
        (
            "// Adds up in steps.\nfunction @f@(int $@a@, int $@b@): int {\n    $sum = $@b@ - @m@;\n"
            "    for ($i = 0; $i < @k@; $i++) { $sum += $@a@; }\n    @@\n    return $sum;\n}\n"
        ),
    ),
    "",
    (
        ("a bracket that is never closed", "$sum = max($sum, 1;"),
        ("an operand that is missing", "$sum = $sum + ;"),
        ("a keyword used as a name", "function class() {}"),
        ("a break outside of any loop", "break;"),
        ("a text without its closing quote", "$@n@ = 'open;"),
        ("a constant that is assigned to", "M_PI = 3;"),
    ),
)
LUA = Language(
    ".lua",
    "local M = {}\n",
    (
        "function M.@f@(@a@, @b@)\n  local sum = @a@ * @k@\n  @@\n  return sum + @b@ - @m@\nend\n",
        (
            "-- Adds up in steps.\nfunction M.@f@(@a@, @b@)\n  local sum = @b@ - @m@\n"
            "  for i = 1, @k@ do sum = sum + @a@ end\n  @@\n  return sum\nend\n"
        ),
    ),
    "return M",
    (
        ("an operand that is missing", "sum = sum +"),
        ("a bracket that is never closed", "sum = math.max(sum, 1"),
        ("a jump to a label that is not there", "goto @n@"),
        ("a text without its closing quote", "local @n@ = 'open"),
        ("a value in the void", "sum"),
    ),
)
SHELL = Language(
    ".sh",
    "#!/bin/bash\nset -e\n",
    (
        '@f@() {\n  local @a@="$1" @b@="$2" sum\n  sum=$((@a@ * @k@))\n  @@\n  echo $((sum + @b@ - @m@))\n}\n',
        (
            '# Adds up in steps.\n@f@() {\n  local @a@="$1" @b@="$2"\n  local sum=$((@b@ - @m@))\n'
            '  for _ in $(seq @k@); do sum=$((sum + @a@)); done\n  @@\n  echo "$sum"\n}\n'
        ),
    ),
    "",
    (
        ("a variable without quotes", "rm -f $@n@"),
        ("a loop over the output of ls", 'for f in $(ls); do echo "$f"; done'),
        ("a change of folder that may fail unnoticed", 'cd "$@n@"'),
        ("a deletion that could reach the root", 'rm -rf "$@n@/"*'),
        ("old backquotes", '@n@=`date`; echo "$@n@"'),
        ("a test that is always true", '[ "@n@" ] && echo yes'),
        ("a cat that is not needed", 'cat "$1" | grep @n@'),
        ("a variable that nobody reads", "@n@=3"),
        ("a comparison of texts as if they were numbers", '[ "$sum" > 3 ] && echo more'),
        ("a status that is looked at too late", 'ls "$1"\nif [ $? -ne 0 ]; then echo bad; fi'),
        ("a read that eats backslashes", 'read @n@; echo "$@n@"'),
    ),
)
