"""Small true statements about real functions, and calls that fail inside them: what generated programs are made of."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from random import Random


@dataclass(frozen=True, slots=True)
class Fact:
    """An expression over a real function.

    topic         subject, as an identifier
    description   the same for people, in other words
    good          an expression that works; {a}, {b} are numbers, {w}, {v} words
    bad           one that raises inside the package
    """

    package: str
    topic: str
    description: str
    good: str
    bad: str


_TABLE = """
networkx | shortest_path | the fewest hops between two nodes of a line of nodes | networkx.shortest_path_length(networkx.path_graph({a} + {b}), 0, {a}) | networkx.shortest_path(networkx.path_graph({a}), 0, 999)
networkx | graph_density | how full a ring of nodes is | round(networkx.density(networkx.cycle_graph({a} + 3)), 4) | networkx.diameter(networkx.Graph([(1, 2), (3, {a} + 4)]))
networkx | topological_order | ordering of tasks that depend on each other | list(networkx.topological_sort(networkx.DiGraph([(1, 2), (2, {a} + 3)]))) | list(networkx.topological_sort(networkx.DiGraph([(1, 2), (2, 1)])))
networkx | node_degree | how many neighbours the hub of a star has | networkx.star_graph({a}).degree[0] | networkx.star_graph({a}).neighbors("{w}")
packaging | version_order | whether a pre-release sorts before its release | str(max(packaging.version.Version("{a}.{b}"), packaging.version.Version("{a}.{b}rc1"))) | packaging.version.Version("{w}.{a}")
packaging | specifier_match | if a release fits a compatible range | "{a}.5" in packaging.specifiers.SpecifierSet("~={a}.2") | packaging.specifiers.SpecifierSet("=>{a}")
packaging | marker_parsing | reading an environment condition | str(packaging.markers.Marker("python_version > '3.{a}'")) | packaging.markers.Marker("{w} > 3 and")
packaging | requirement_extras | the optional features that a dependency asks for | sorted(packaging.requirements.Requirement("{w}[{v},cli]>={a}").extras) | packaging.requirements.Requirement("{w} [{v}")
jinja2 | template_loop | repeating a piece of a page for each item | jinja2.Template("{{%% for i in range({a}) %%}}{{{{ i }}}};{{%% endfor %%}}").render() | jinja2.Template("{{%% for i in x %%}}").render()
jinja2 | undefined_variable | a placeholder without a value | jinja2.Template("hello {{{{ {w} }}}}").render({w}="{v}") | jinja2.Environment(undefined=jinja2.StrictUndefined).from_string("{{{{ {w} }}}}").render()
jinja2 | filter_chain | changing a value by several steps in a page | jinja2.Template("{{{{ '{w}'|upper|replace('A', '{a}') }}}}").render() | jinja2.Template("{{{{ '{w}'|no_such_filter }}}}").render()
click | choice_option | one of a fixed list of words on the command line | click.Choice(["{w}", "{v}"]).convert("{w}", None, None) | click.Choice(["a", "b"]).convert("{w}", None, None)
click | integer_range | a number that must stay within bounds | click.IntRange(0, {a} + 10).convert("{a}", None, None) | click.IntRange(0, 3).convert("{a}77", None, None)
yaml | nested_mapping | reading a document of keys below keys | yaml.safe_load("{w}:\\n  {v}: [{a}, {b}]") | yaml.safe_load("{w}: [{a}, {b}")
yaml | dump_order | writing keys in their order | yaml.safe_dump(dict({w}={a}, x={b}), sort_keys=False) | yaml.safe_dump(object())
yaml | duplicate_anchor | references to a named node | yaml.safe_load("a: &x {a}\\nb: *x") | yaml.safe_load("a: *{w}")
tomlkit | table_lookup | reading a value from a section | tomlkit.parse("[{w}]\\n{v} = {a}\\n").unwrap() | tomlkit.parse("[{w}]\\n{v} = \\n")
tomlkit | duplicate_key | the same key given twice | tomlkit.dumps(dict(x={a})) | tomlkit.parse("a = 1\\na = {a}\\n")
idna | domain_encoding | writing an umlaut domain in ASCII | idna.encode("b{w}\\u00fccher").decode() | idna.encode("{w}..{v}")
idna | codepoint_check | characters that a host name may not have | idna.decode("xn--bcher-kva") | idna.encode("{w} {v}")
mpmath | high_precision_pi | many digits of the circle number | str(mpmath.nstr(mpmath.pi * {a}, 12)) | mpmath.findroot(lambda x: x * x + {a}, 1)
mpmath | gamma_function | the factorial for real numbers | str(mpmath.nstr(mpmath.gamma({a} / 2 + 1), 8)) | mpmath.gamma(-{a})
mpmath | matrix_solve | a system of linear equations | str(mpmath.det(mpmath.matrix([[{a}, 1], [1, {b}]]))) | mpmath.inverse(mpmath.matrix([[1, 2], [2, 4]]))
sortedcontainers | sorted_insert | a list that keeps its order as it grows | list(sortedcontainers.SortedList([{b}, {a}, 0])) | sortedcontainers.SortedList([{a}, {b}]).index(9999)
sortedcontainers | sorted_keys | a mapping in the order of its keys | list(sortedcontainers.SortedDict(b={a}, a={b})) | sortedcontainers.SortedDict(a=1).peekitem({a})
sortedcontainers | sorted_remove | taking out what is not there | len(sortedcontainers.SortedSet(range({a}))) | sortedcontainers.SortedList([1]).remove({a} + 50)
markdown_it | heading_tokens | turning a title into markup | markdown_it.MarkdownIt().render("# {w}") | markdown_it.MarkdownIt("{w}")
markdown_it | list_rendering | bullets to markup | markdown_it.MarkdownIt().render("- {w}\\n- {v}") | markdown_it.MarkdownIt().enable("{w}")
pygments | lexer_lookup | finding the highlighter of a language | pygments.lexers.get_lexer_by_name("python").name | pygments.lexers.get_lexer_by_name("{w}lang")
pygments | formatter_lookup | finding the writer of coloured text | pygments.formatters.get_formatter_by_name("html").name | pygments.formatters.get_formatter_by_name("{w}")
rich | markup_text | styles written in square brackets | rich.text.Text.from_markup("[bold]{w}[/bold] {a}").plain | rich.text.Text.from_markup("[bold]{w}[/italic]")
rich | colour_parsing | naming colours | rich.color.Color.parse("red").number | rich.color.Color.parse("{w}ish")
rich | cell_width | how wide a word is on the screen | rich.cells.cell_len("{w}" * {a}) | rich.style.Style.parse("on {w}")
pydantic | integer_coercion | numbers that come in as text | pydantic.TypeAdapter(int).validate_python("{a}") | pydantic.TypeAdapter(int).validate_python("{w}")
pydantic | list_validation | each member of a sequence is checked | pydantic.TypeAdapter(list[int]).validate_python(["{a}", {b}]) | pydantic.TypeAdapter(list[int]).validate_python(["{w}", {b}])
pydantic | json_schema | the description of a type for others | pydantic.TypeAdapter(dict[str, int]).json_schema() | pydantic.TypeAdapter(dict[str, int]).validate_json("{{bad")
requests | url_preparation | putting a query behind an address | requests.Request("GET", "http://{w}.test/", params=dict(q={a})).prepare().url | requests.Request("GET", "{w}/{v}").prepare()
requests | cookie_jar | small values kept for a site | requests.cookies.cookiejar_from_dict(dict({w}="{a}"))["{w}"] | requests.cookies.RequestsCookieJar()["{w}"]
urllib3 | retry_budget | how often to try again | urllib3.Retry({a}).total | urllib3.util.parse_url("http://[{w}")
urllib3 | timeout_values | how long to wait for a peer | urllib3.Timeout(connect={a}, read={b}).read_timeout | urllib3.Timeout(connect="{w}")
json | decode_error | reading a broken document | json.loads('{{"{w}": [{a}, {b}]}}') | json.loads('{{"{w}": [{a}, }}')
json | circular_reference | things that contain themselves | json.dumps(dict({w}=[{a}, None])) | json.dumps(dict({w}={{1, {a}}}))
email | header_folding | breaking the long first lines of a mail | str(email.message_from_string("Subject: {w}\\n\\n{v}")["subject"]) | email.message_from_string("x", policy=email.policy.strict).get_content()
xml | element_text | the words inside a tag | xml.etree.ElementTree.fromstring("<a><b>{w}</b></a>").findtext("b") | xml.etree.ElementTree.fromstring("<a><b>{w}</a>")
urllib | query_parsing | the part of an address behind the question mark | urllib.parse.parse_qs("{w}={a}&{v}={b}") | urllib.parse.parse_qs("{w}", strict_parsing=True)
urllib | port_number | the number behind the host | urllib.parse.urlsplit("http://{w}:80{a}/").port | urllib.parse.urlsplit("http://{w}:{v}/").port
zoneinfo | zone_offset | clock shifts of a place | str(zoneinfo.ZoneInfo("UTC")) | zoneinfo.ZoneInfo("{w}/{v}")
importlib | module_lookup | finding code by its dotted name | importlib.import_module("json").__name__ | importlib.import_module("{w}_{v}")
stdlib | decimal_rounding | money to two places | str(decimal.Decimal("{a}.{b}5").quantize(decimal.Decimal("0.1"))) | decimal.Decimal("{w}")
stdlib | fraction_reduction | ratios in lowest terms | str(fractions.Fraction({a} * 2, {b} * 2 + 2)) | fractions.Fraction({a}, 0)
stdlib | date_parsing | days written as text | datetime.date.fromisoformat("2024-03-1{a:.1}").isoformat() | datetime.date.fromisoformat("2024-13-{a}")
stdlib | statistics_median | the middle of a sample | statistics.median([{a}, {b}, 7]) | statistics.mean([])
stdlib | shell_quoting | words for a shell | shlex.split("{w} '{v} {a}'") | shlex.split("{w} '{v}")
stdlib | text_wrapping | breaking lines at a width | textwrap.wrap("{w} {v} " * 3, {a} + 20) | textwrap.wrap("{w}", 0)
stdlib | base64_padding | bytes as letters | base64.b64encode(b"{w}").decode() | base64.b64decode("{w}x", validate=True) + base64.b64decode("abc")
stdlib | struct_unpacking | numbers from raw bytes | struct.unpack(">H", b"\\x00\\x05")[0] + {a} | struct.unpack(">I", b"{w:.1}")
stdlib | regex_groups | parts of a match | re.match(r"(\\w+)-(\\d+)", "{w}-{a}").groups() | re.compile("({w}")
stdlib | ip_network | ranges of addresses | ipaddress.ip_network("10.0.{a}.0/24").num_addresses | ipaddress.ip_network("10.0.0.{a}/8")
stdlib | uuid_parsing | unique labels | uuid.UUID(int={a}).hex | uuid.UUID("{w}")
stdlib | enum_lookup | named constants by value | enum.Enum("C", "{w} {v}")(2).name | enum.Enum("C", "{w} {v}")({a} + 9)
"""  # noqa: E501 - a table

_WORDS_TEXT = (
    "invoice basket ledger harbor pixel meadow copper signal anchor ribbon garnet tunnel velvet orchid cactus "
    "maple falcon lantern marble nickel onyx pepper quartz raven saffron timber umbra violet walnut zephyr beacon "
    "candle dragon ember"
)
WORDS = _WORDS_TEXT.split()


def _facts() -> tuple[Fact, ...]:
    rows = (line.split(" | ") for line in _TABLE.strip().splitlines())
    return tuple(Fact(*(part.replace("\\\\", "\\") for part in row)) for row in rows)


FACTS = _facts()


@dataclass(frozen=True, slots=True)
class FilledFact:
    """A fact with numbers and words put in."""

    fact: Fact
    good: str
    bad: str
    word: str

    @property
    def imports(self) -> tuple[str, ...]:
        """The modules that its expressions name."""
        return modules_named(self.good, self.bad)


_MODULES_TEXT = (
    "networkx packaging.version packaging.specifiers packaging.markers packaging.requirements jinja2 click yaml "
    "tomlkit idna mpmath sortedcontainers markdown_it pygments.lexers pygments.formatters rich.text rich.color "
    "rich.cells rich.style pydantic requests urllib3 json email email.policy xml.etree.ElementTree urllib.parse "
    "zoneinfo importlib decimal fractions datetime statistics shlex textwrap base64 struct re ipaddress uuid enum"
)
_MODULES = _MODULES_TEXT.split()


def modules_named(*expressions: str) -> tuple[str, ...]:
    """List the modules that the expressions need imported."""
    return tuple(m for m in _MODULES if any(f"{m}." in e or e.startswith(f"{m}.") for e in expressions))


def fill(rng: Random, fact: Fact) -> FilledFact:
    """Fill a fact's expressions with drawn numbers and words."""
    word, second_word = rng.sample(WORDS, 2)
    values = {"a": str(rng.randrange(4, 60)), "b": str(rng.randrange(4, 60)), "w": word, "v": second_word}
    good, bad = (form.replace("%%", "%").format(**values) for form in (fact.good, fact.bad))
    return FilledFact(fact, good, bad, word)


def evaluate(filled: FilledFact) -> object:
    """Evaluate the good expression."""
    names: dict[str, object] = {}
    for name in filled.imports:
        importlib.import_module(name)
        top = name.partition(".")[0]
        names[top] = importlib.import_module(top)
    return eval(filled.good, names)  # noqa: S307 - an expression of the table above
