"""Programs of jobs, each of which may fail while it runs, in languages that print stack traces."""

from __future__ import annotations

from contextprune.training.executed.languages import Language

NODE = Language(
    ".js",
    '"use strict";\nconst jobs = {};\nfunction checked(name, value) {\n  return [value].map((v) => v)[0];\n}\n',
    (
        (
            'jobs.@f@ = function @f@(@a@, @b@) {\n  let sum = checked("@f@", @a@ * @k@);\n  @@\n'
            "  return sum + @b@ - @m@;\n};\n"
        ),
        (
            "function inner_@f@(@a@) {\n  let sum = @a@ - @m@;\n  @@\n  return sum;\n}\n"
            "jobs.@f@ = (@a@, @b@) => inner_@f@(@a@) * @k@ + @b@;\n"
        ),
    ),
    "for (const [name, job] of Object.entries(jobs)) {\n"
    "  console.log(`[batch] ${name}: started`);\n"
    "  try {\n    console.log(`[batch] ${name}: ok ${job(3, 4)}`);\n"
    "  } catch (error) {\n    console.log(`[batch] ${name}: FAILED`);\n    console.log(error.stack);\n  }\n}\n",
    (
        ("reading a member of nothing", "sum += null.@n@;"),
        ("calling something that is no function", "sum += (1).@n@();"),
        ("a name that is not defined", "sum += @n@;"),
        ("JSON that cannot be parsed", "JSON.parse('{\"@n@\": ');"),
        ("a file that is not there", 'require("fs").readFileSync("conf/@n@.json");'),
        ("a list with a bad length", "sum += new Array(-1).length;"),
        ("an address that cannot be parsed", 'new URL("@n@");'),
        ("a limit that was exceeded", 'throw new RangeError("limit of @n@ exceeded");'),
        ("a constant that is written to", "const @n@ = 1; @n@ = 2;"),
        ("an endless recursion", "(function @n@() { @n@(); })();"),
    ),
    camel=True,
)
JAVA = Language(
    ".java",
    "import java.lang.reflect.*;\nimport java.util.*;\n\npublic class @C@ {\n",
    (
        (
            "    static int @f@(int @a@, int @b@) throws Exception {\n        int sum = @a@ * @k@;\n        @@\n"
            "        return sum + @b@ - @m@;\n    }\n"
        ),
    ),
    "    public static void main(String[] args) throws Exception {\n"
    "        Method[] methods = @C@.class.getDeclaredMethods();\n"
    "        Arrays.sort(methods, Comparator.comparing(Method::getName));\n"
    "        for (Method m : methods) {\n            if (m.getParameterCount() != 2) continue;\n"
    '            System.out.println("[batch] " + m.getName() + ": started");\n            try {\n'
    '                System.out.println("[batch] " + m.getName() + ": ok " + m.invoke(null, 3, 4));\n'
    "            } catch (InvocationTargetException e) {\n"
    '                System.out.println("[batch] " + m.getName() + ": FAILED");\n'
    "                e.getCause().printStackTrace(System.out);\n            }\n        }\n    }\n}",
    (
        ("a member of nothing", 'String @n@ = sum > -999999 ? null : "x"; sum += @n@.length();'),
        ("an index beyond the end", "int[] @n@ = new int[2]; sum += @n@[sum + 999999 - sum];"),
        ("a text that is no number", 'sum += Integer.parseInt("@n@");'),
        ("a division by nothing", "int @n@ = 0; sum /= @n@;"),
        ("a file that is not there", 'new java.io.FileReader("conf/@n@.json");'),
        ("a class of another kind", 'Object @n@ = "x"; sum += (Integer) @n@;'),
        ("a state that should not be", 'if (sum > -999999) throw new IllegalStateException("@n@ is closed");'),
        ("an element of an empty list", "sum += new ArrayList<Integer>().iterator().next();"),
        ("a change of a list that is read only", 'List.of("@n@").add("x");'),
    ),
    camel=True,
)
RUBY = Language(
    ".rb",
    "JOBS = {}\n",
    (
        ("def @f@(@a@, @b@)\n  sum = @a@ * @k@\n  @@\n  sum + @b@ - @m@\nend\nJOBS[:@f@] = method(:@f@)\n"),
        (
            "def inner_@f@(@a@)\n  sum = @a@ - @m@\n  @@\n  sum\nend\n\n"
            "def @f@(@a@, @b@)\n  [@a@].map { |v| inner_@f@(v) * @k@ + @b@ }.first\nend\nJOBS[:@f@] = method(:@f@)\n"
        ),
    ),
    'JOBS.each do |name, job|\n  puts "[batch] #{name}: started"\n  begin\n'
    '    puts "[batch] #{name}: ok #{job.call(3, 4)}"\n  rescue StandardError => e\n'
    '    puts "[batch] #{name}: FAILED"\n    puts e.full_message(highlight: false, order: :top)\n  end\nend\n',
    (
        ("a method of nothing", "sum += nil.@n@"),
        ("a key that is not there", "sum += { a: 1 }.fetch(:@n@)"),
        ("a text that is no number", 'sum += Integer("@n@")'),
        ("a division by nothing", "sum /= 0"),
        ("a file that is not there", 'File.read("conf/@n@.json")'),
        ("a wrong number of arguments", "sum += [].first(1, 2).size"),
        ("a frozen text that is changed", '"@n@".freeze << "x"'),
        ("a name that is not defined", "sum += @n@"),
        ("a limit that was exceeded", 'raise ArgumentError, "limit of @n@ exceeded"'),
        ("a type that cannot be added", 'sum += "@n@"'),
    ),
)
PHP = Language(
    ".php",
    "<?php\n$jobs = [];\n",
    (
        (
            "function @f@(int $@a@, int $@b@) {\n    $sum = $@a@ * @k@;\n    @@\n    return $sum + $@b@ - @m@;\n}\n"
            "$jobs[] = '@f@';\n"
        ),
    ),
    'foreach ($jobs as $job) {\n    echo "[batch] $job: started\\n";\n    try {\n'
    '        echo "[batch] $job: ok " . $job(3, 4) . "\\n";\n    } catch (Throwable $e) {\n'
    '        echo "[batch] $job: FAILED\\n" . get_class($e) . ": " . $e->getMessage() . " in " . $e->getFile()'
    ' . ":" . $e->getLine() . "\\n" . $e->getTraceAsString() . "\\n";\n    }\n}\n',
    (
        ("a member of nothing", "$sum += null->@n@();"),
        ("a function that does not exist", "$sum += @n@($sum);"),
        ("a division by nothing", "$sum = intdiv($sum, 0);"),
        ("a text where a number belongs", "$sum = str_repeat($sum, 'x');"),
        ("a class that cannot be found", "$thing = new @n@();"),
        ("JSON that cannot be parsed", "json_decode('{', false, 512, JSON_THROW_ON_ERROR); // @n@"),
        ("a limit that was exceeded", "throw new RuntimeException('limit of @n@ exceeded');"),
        ("too few arguments for a function", "$sum += max();"),
    ),
)
