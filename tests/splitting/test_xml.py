"""Elements of reports, manifests and feeds, and the path around each."""

from __future__ import annotations

import pytest
from hypothesis import given

from contextprune.splitting import cut
from contextprune.splitting.sniff import Shape, parts
from contextprune.splitting.xml import cut_xml
from tests.splitting.test_outline import needed
from tests.splitting.tiling import SILLY, assert_linear_cuts, assert_tiles, nasty, pieces

TRACE = "".join(f'  File "pay/tax.py", line {n}, in step_{n}\n    step_{n + 1}()\n' for n in range(9))
JUNIT = f"""\
<?xml version="1.0" encoding="utf-8"?>
<testsuites>
  <testsuite name="pay" tests="3" failures="1">
    <testcase classname="pay.Tax" name="test_zero" time="0.1"/>
    <testcase classname="pay.Tax" name="test_refund" time="0.2">
      <failure message="assert 12 == 13">Traceback (most recent call last):
{TRACE}AssertionError: assert 12 == 13
</failure>
    </testcase>
  </testsuite>
  <testsuite name="stock" tests="1" failures="0">
    <testcase classname="stock.Count" name="test_count" time="0.1"/>
  </testsuite>
</testsuites>
"""
MAVEN = """\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <artifactId>shop</artifactId>
  <build>
    <plugins>
      <plugin>
        <groupId>org.apache.maven.plugins</groupId>
        <artifactId>maven-surefire-plugin</artifactId>
        <configuration>
          <argLine>-Xmx512m -XX:+HeapDumpOnOutOfMemoryError -Dlog.level=debug -Dlog.folder=target/logs</argLine>
          <rerunFailingTestsCount>2</rerunFailingTestsCount>
        </configuration>
      </plugin>
    </plugins>
  </build>
</project>
"""
ANDROID = """\
<manifest package="org.shop">
    <application android:label="Shop" android:icon="@mipmap/icon" android:theme="@style/Shop" android:debuggable="true">
        <activity android:name=".PayActivity" android:exported="true" android:launchMode="singleTop">
            <intent-filter>
                <action android:name="android.intent.action.VIEW" />
                <category android:name="android.intent.category.DEFAULT" />
                <data android:scheme="shop" android:host="pay" android:pathPrefix="/order" />
            </intent-filter>
        </activity>
    </application>
</manifest>
"""
RSS = """\
<rss version="2.0"><channel><title>Harbour news</title>
<item><title>Bridge shut</title><link>https://example.org/1</link><description>The old bridge is shut for
fourteen months, because a pillar has a crack that nobody had seen before the winter storms came.</description></item>
<item><title>Lanterns</title><link>https://example.org/2</link><description>The lantern fair opens in spring, with
boats from all over the coast, and it is said that the mayor will row the first one by herself.</description></item>
</channel></rss>
"""


@pytest.mark.parametrize(
    ("text", "needle", "needs"),
    [
        (JUNIT, "AssertionError", ["<failure", 'name="test_refund"', 'testsuite name="pay"', "<testsuites>"]),
        (JUNIT, "test_count", ['testsuite name="stock"']),
        (MAVEN, "-Xmx512m", ["<plugin>", "maven-surefire-plugin", "<plugins>", "<build>", "<project"]),
        (ANDROID, "android:pathPrefix", [".PayActivity", "<application", "<manifest"]),
        (RSS, "pillar has a crack", ["Bridge shut", "<channel>"]),
    ],
)
def test_an_element_needs_the_path_around_it(text: str, needle: str, needs: list[str]) -> None:
    shown = needed(text, cut(text), needle)
    assert [part for part in needs if part not in shown] == []
    assert len(shown) < len(text)


@pytest.mark.parametrize("text", [JUNIT, MAVEN, ANDROID, RSS])
def test_a_document_is_one_part_of_xml(text: str) -> None:
    assert [part.shape for part in parts(text)] == [Shape.XML]


def test_a_page_is_none() -> None:
    assert Shape.XML not in {
        part.shape for part in parts("<div>\n<p>Hi <b>you</b></p>\n<ul>\n<li>a</li>\n</ul>\n</div>\n")
    }


def test_a_declaration_does_not_make_xml_of_a_page() -> None:
    page = '<?xml version="1.0"?>\n<!DOCTYPE html>\n<html>\n<body><p>Hi</p></body>\n</html>\n'
    assert [part.shape for part in parts(page)] == [Shape.HTML]


def test_output_around_a_document_stays_apart() -> None:
    shapes = [part.shape for part in parts(f"Tests run: 4\n{JUNIT}BUILD FAILURE\nDone in 3 s\n")]
    assert shapes == [Shape.LOG, Shape.XML, Shape.LOG]


def test_a_trace_in_an_element_is_a_record() -> None:
    assert any(span.startswith("Traceback") and "AssertionError" in span for span in pieces(JUNIT, cut(JUNIT)))


@given(nasty())
def test_cuts_tile_any_text(text: str) -> None:
    assert_tiles(text, cut_xml(text))


def test_silly_documents_take_linear_time() -> None:
    assert_linear_cuts(
        cut_xml, *SILLY, "<a>", "</a>", "<a><b>", "<a></b>", "<!--", "<![CDATA[", "<a b='", "<name>", "<?xml "
    )
