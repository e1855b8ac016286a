"""Test runners of other languages than Python, over made suites with known failures."""

from __future__ import annotations

from dataclasses import replace

from contextprune.training.executed import language_table as table
from contextprune.training.executed.checks import Check
from contextprune.training.executed.findings import Form
from contextprune.training.executed.made_tests import Suite

_GO = Suite(
    table.GO,
    "@c@_test.go",
    'package shop\n\nimport "testing"\n',
    "func Test@t@(t *testing.T) {\n\tif got := @f@(@x@, @y@); got != @e@ {\n"
    '\t\tt.Errorf("@f@(@x@, @y@) = %d, want @e@", got)\n\t}\n}\n',
    'func Test@t@(t *testing.T) {\n\tt.Fatalf("cannot open fixture %q: no such file", "@f@.json")\n}\n',
    'func Test@t@(t *testing.T) {\n\tt.Skip("needs a database: @w@")\n}\n',
    more={"go.mod": "module example.com/shop\n\ngo 1.19\n"},
)
_NODE = Suite(
    table.JAVASCRIPT,
    "test/@c@.test.js",
    '"use strict";\nconst test = require("node:test");\nconst assert = require("node:assert");\n'
    'const lib = require("../@C@.js");\n',
    'test("@w@", () => {\n  assert.strictEqual(lib.@f@(@x@, @y@), @e@);\n});\n',
    'test("@w@", () => {\n  lib.@f@(@x@, @y@).missing.value();\n});\n',
    'test.skip("@w@", () => {\n  lib.@f@(@x@, @y@);\n});\n',
)
_MINITEST = Suite(
    table.RUBY,
    "test/@c@_test.rb",
    'require "minitest/autorun"\nrequire_relative "../@C@"\n\nclass Test_@C@ < Minitest::Test\n',
    "  def test_@t@\n    assert_equal @e@, @f@(@x@, @y@)\n  end\n",
    "  def test_@t@\n    @f@(@x@, @y@).missing\n  end\n",
    '  def test_@t@\n    skip "not ready: @w@"\n  end\n',
    "end\n",
)
_PERL = Suite(
    table.PERL,
    "t/@c@.t",
    'use strict;\nuse warnings;\nuse Test::More;\nrequire "./@C@.pl";\n',
    "is(@f@(@x@, @y@), @e@, '@w@');\n",
    "ok(-e '@f@.json', 'fixture of @w@');\n",
    "SKIP: { skip 'not ready: @w@', 1; }\n",
    "done_testing();\n",
)
_RUST = Suite(
    table.RUST,
    "",
    "#[cfg(test)]\nmod tests {\n    use super::*;\n",
    "    #[test]\n    fn test_@t@() {\n        assert_eq!(@f@(@x@, @y@), @e@);\n    }\n",
    "    #[test]\n    fn test_@t@() {\n        let table: Vec<i64> = Vec::new();\n"
    "        assert_eq!(table[@f@(@x@, @y@) as usize], 1);\n    }\n",
    '    #[test]\n    #[ignore = "not ready"]\n    fn test_@t@() {\n        assert!(@f@(@x@, @y@) > 0);\n    }\n',
    "}\n",
    inline=True,
)
_ELIXIR = Suite(
    replace(
        table.RUBY,
        suffix=".exs",
        head="defmodule ShopOf_@C@ do\n",
        functions=("  def @f@(@a@, @b@) do\n    @a@ * @k@ + @b@ - @m@\n  end\n",),
        tail="end\n",
    ),
    "",
    "ExUnit.start()\n\ndefmodule Test_@C@ do\n  use ExUnit.Case\n",
    '  test "@w@" do\n    assert ShopOf_@C@.@f@(@x@, @y@) == @e@\n  end\n',
    '  test "@w@" do\n    File.read!("@f@.json")\n  end\n',
    '  @tag :skip\n  test "@w@" do\n    assert ShopOf_@C@.@f@(@x@, @y@) > 0\n  end\n',
    "end\n",
    inline=True,
)

_GO_FORM = Form(
    r"\s*--- FAIL: (?P<name>\S+)",
    more=r"\s+\S+_test\.go:\d+:",
    location=r"\s+(?P<file>\S+_test\.go):(?P<line>\d+)",
    summary=r"FAIL|ok  |PASS$",
)
_GO_VERBOSE = replace(_GO_FORM, before=r"\s+\S+_test\.go:\d+:", more=r"(?!)")
_SPEC = Form(
    r"\s*✖ (?P<name>.+?) \([\d.]+ms\)",
    more=r"\s{2,}\S|\s*$",
    idle=r"\s+at |\s*$|\s+(?:generatedMessage|code|operator)|\s+\}|test at ",
    before=r"test at ",
    location=r"test at (?P<file>[^:]+):(?P<line>\d+)",
    summary=r"\u2139 (?:tests|pass|fail) ",
)
_TAP = Form(
    r"\s*not ok \d+ - (?P<name>.+)",
    more=r"\s+\S|\s*$",
    idle=r"\s+(?:duration_ms|failureType|code|operator|\.\.\.|---|Test\.|async |Suite\.|stack|node:)|\s*$",
    location=r"\s+location: '(?P<file>[^:]+):(?P<line>\d+)",
    summary=r"# (?:tests|pass|fail) ",
)
_MINITEST_FORM = Form(
    r"\s+\d+\) (?:Failure|Error):",
    more=r"(?!\s*$|\d+ runs)",
    idle=r"\s+/usr",
    location=r"\w+#(?P<name>test_\w+)(?: \[(?P<file>[^:\]]+):(?P<line>\d+)\])?",
    summary=r"\d+ runs, |# Running|Finished in",
)
_PROVE = Form(
    r"#\s+Failed test '(?P<name>.+)'|not ok \d+ - (?P<name2>.+)",
    more=r"#\s+(?!Failed|Looks)",
    location=r"#\s+at (?P<file>\S+) line (?P<line>\d+)",
    summary=r"Result: |Files=|# Looks like|\S+\.t .*Failed",
)
_RUST_FORM = Form(
    r"---- (?P<name>\S+) stdout|test (?P<name2>\S+) \.\.\. FAILED",
    more=r"(?!\s*$|---- |failures:|test )",
    idle=r"note: run with",
    location=r".*panicked at (?P<file>[^:]+):(?P<line>\d+)",
    summary=r"test result: ",
)
_EXUNIT = Form(
    r"\s+\d+\) test (?P<name>.+?) \(",
    more=r" {5}\S",
    idle=r"\s+(?:stacktrace:|\(elixir)|\s+code:\s*$",
    location=r"\s+(?P<file>[\w./]+\.exs):(?P<line>\d+)",
    summary=r"\d+ tests?, |Finished in",
)
_GO_ENV = {"GOFLAGS": "-mod=mod", "GOPROXY": "off", "CGO_ENABLED": "0"}

_PACKAGE_JSON = """{
  "name": "shop",
  "version": "1.4.0",
  "scripts": {"pretest": "node --check index.js", "test": "node --test --test-reporter=spec"}
}
"""
_NPM = replace(_NODE, more={"package.json": _PACKAGE_JSON, "index.js": "module.exports = {};\n"})
_NPM_FORM = replace(
    _SPEC,
    start=rf"{_SPEC.start}|npm (?:ERR!|error) (?!Lifecycle|A complete|\s*/)",
    summary=r"\u2139 (?:tests|pass|fail) ",
)

CHECKS = (
    Check("go_test", ("go",), (("go test -v ./...", _GO_VERBOSE), ("go test ./...", _GO_FORM)), _GO, _GO_ENV),
    Check(
        "node_test",
        ("node",),
        (
            ("node --test --test-reporter=spec", _SPEC),
            ("node --test --test-reporter=tap", _TAP),
            ("node --test test/", _TAP),
        ),
        _NODE,
    ),
    Check("npm", ("npm", "node"), (("npm test", _NPM_FORM), ("npm run test", _NPM_FORM)), _NPM),
    Check(
        "minitest",
        ("ruby",),
        (
            ("ruby -e 'Dir[\"./test/*_test.rb\"].each { |f| require f }' -- --seed 7 -v", _MINITEST_FORM),
            ("ruby -e 'Dir[\"./test/*_test.rb\"].each { |f| require f }' -- --seed 7", _MINITEST_FORM),
        ),
        _MINITEST,
    ),
    Check("prove", ("prove",), (("prove -v t/", _PROVE), ("prove t/", _PROVE), ("prove -v -j2 t/", _PROVE)), _PERL),
    Check(
        "rust_test",
        ("rustc",),
        (("for f in {files}; do rustc -A warnings --test $f -o run && ./run; done", _RUST_FORM),),
        _RUST,
    ),
    Check(
        "exunit",
        ("elixir",),
        (("for f in {files}; do elixir $f --seed 0; done", _EXUNIT), ("elixir -r {files}", _EXUNIT)),
        _ELIXIR,
    ),
)
