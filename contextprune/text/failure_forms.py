"""The forms in which tools write that something failed: a wide floor beside the narrow one of the trained features.

Forms rather than lists of tools: a severity in any form of log, a place before the word error, a result word where a
line starts, an exception's name before a colon, a code that is not zero. Names of codes are those of POSIX errno, TAP
13, RFC 5424 and klog.
"""
# ruff: noqa: RUF001 - marks of failed tests look like letters

from __future__ import annotations

import re
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Form:
    """Ways to say that something failed.

    hints    lower-case texts, one of which stands in every match
    pattern  searched in one line without colours, prefixes and JSON escapes
    sure     False: it may be said in passing, so it counts only where few lines of a text say such things
    probe    in place of hints: matches in lower-case text wherever the pattern does, perhaps elsewhere, too
    within   found wherever the pattern is, and sooner
    """

    hints: tuple[str, ...]
    pattern: re.Pattern[str]
    sure: bool = True
    probe: re.Pattern[str] | None = None
    within: re.Pattern[str] | None = None


OPEN = r"(?<![\w./\\$-])"  # a word begins here, and no part of a path or a flag
_NOTHING = r"(?:0\b|none\b|null\b|nil\b|false\b|undefined\b|\"\"|''|\[\]|\{\}|no\b)"
_TYPE = r"(?:string|error|any|number|unknown|bool(?:ean)?|str|int|optional|object|void|never|type)\b"
_LEVEL = r"(?:error|err|fatal|crit(?:ical)?|alert|emerg(?:ency)?|panic|severe)"

_SEVERITIES = Form(
    ("err", "fatal", "crit", "alert", "emerg", "panic", "severe", "fail"),
    re.compile(
        rf"{OPEN}[\"']?(?:@?l(?:e?ve?l|og)?|log[._]?level|level_?name|sev(?:erity)?(?:_?text)?)[\"']?\s?[=:]\s?[\"']?"
        rf"{_LEVEL}\b"
        rf"|[\[(<|]\s{{0,3}}(?:{_LEVEL}|fail(?:ed|ure)?)\s{{0,3}}(?::[\w.-]{{1,20}})?[\])>|]"
        rf"|\d\d:\d\d:\d\d[\w.,:+-]{{0,16}}\]?\s{{1,8}}(?:-\s)?\[?{_LEVEL}\b(?![./_])"
        r"|\[\w{1,20}:(?:error|crit|alert|emerg)\]|\#\#\[error\]|^::error\b"
        rf"|^(?:{_LEVEL}|fail)\s{{1,12}}(?:\[|\d{{4}}-|\d\d:|\|)",
        re.IGNORECASE,
    ),
)
_CAPITALS = Form(
    ("error", "fatal", "critical", "panic", "severe", "emergency", "fail", "err", "abort"),
    re.compile(
        r"(?<![\w/$.-])(?:ERROR|FATAL|CRITICAL|PANIC|SEVERE|EMERGENCY|ERR|FAIL(?:ED|URES?)?|ABORTED)(?![\w/-]|\.\w)"
        r"(?!\s?[=:]\s?[0\"'\[{(]|\s0\b)"
    ),
)
_NUMBERED_LEVELS = Form(
    ('level":5', 'level":6', 'level": 5', 'level": 6', "severitynumber", 'priority"'),
    re.compile(
        r"\"level\":\s?[56]0\b(?=.*\"(?:msg|message|time|pid)\")|\"(?:msg|message|time|pid)\".*\"level\":\s?[56]0\b"
        r"|\"severityNumber\":\s?(?:1[7-9]|2[0-4])\b|\"PRIORITY\"\s?:\s?\"[0-3]\"",
        re.DOTALL,
    ),
)
_ERROR = Form(
    ("error",),
    re.compile(
        # error: error TS2322: error[E0382]: error(s): "error": but no `error: null`, no `error: string`
        rf"{OPEN}[\"']?errors?(?:\s?[\[(]?[A-Z]{{0,12}}[-_]?\d{{1,6}}[\])]?|\([a-z]\)|\s\(\w{{1,20}}\))?[\"']?\s?:"
        rf"(?![:\w])(?!\s{{0,8}}(?:{_NOTHING}|{_TYPE}))(?=\s{{0,8}}\S)"
        r"|^Errors?(?:\s\S{1,40})?:\s*$"
        # a place, and that there is an error
        r"|\d[\d:]{0,12}\)?\]?:?\s{1,8}(?:-\s)?(?:fatal\s|parse\s|parsing\s)?error\b(?![./_-])"
        r"|(?:fatal|compile|compiler|syntax|type|runtime|link|linker|parse|internal(?: server| compiler)?|assertion"
        r"|bus)"
        r" error\b(?! handl)"
        rf"|{OPEN}error (?!handling|logging|reporting|tracking|recovering|testing|checking|formatting)"
        r"(?:\w{2,20}ing|from|while|when|in|at|on|response from|command|an?|the|could|cannot|unable|failed|occurred"
        r"|invalid|unexpected|code|found|encountered|spawn|in process|\(|[A-Z]{1,4}[-_]?\d{2,6})\b"
        r"|\ban?(?: \w{1,20}){0,2} error (?:has |was |is )?(?:occurred|encountered|raised|thrown|detected)"
        r"|\b(?:exit(?:ed|ing)|stopp(?:ed|ing)|finished|ended|completed|aborted|terminated) (?:with|due to|because of)"
        r"(?: \w{1,20})? errors?\b"
        r"|^error\s{1,4}(?-i:[\"'`@]|[A-Z][a-z])|\berror\s{0,4}!|^\(error\)|\berrors? occurred|\bnpm err(?:or|!)"
        r"|\b[A-Z]{2,6}[-_]?\d{3,6}: error\b|\berror [A-Z]{1,6}-?\d{2,6}\b",
        re.IGNORECASE,
    ),
)
_COUNTS = Form(
    ("error", "fail", "problem", "broken", "offense", "violation", "vulnerabilit", "conflict"),
    re.compile(
        r"(?<![\w.-])[1-9][\d,]{0,9} (?:\w{1,20} ){0,2}?(?:errors?|failures?|failing|failed|errored|broken)\b(?![-_])"
        r"|(?<![\w.-])[1-9][\d,]{0,9} (?:\w{1,20} ){0,2}?(?:problems?|offenses?|violations?|vulnerabilit\w{1,4}"
        r"|conflicts?)\b"
        r"|\b(?:errors?|failures?|failed|failing)[\"']?\s?[:=]\s{0,8}[1-9]\d{0,6}\b(?![.%:])",
        re.IGNORECASE,
    ),
)
_EXCEPTIONS = Form(
    ("error", "exception", "fail", "fault", "interrupt", "exist", "found", "** (", "expired", "timeout",
     "invalid", "denied",
     "refused", "violation", "exhausted", "unavailable", "overflow", "mismatch", "abort", "exit", "conflict", "panic"),
    re.compile(
        # a name with such an ending, alone on its line or before what it says
        r"(?:^|[\s(>|\"'`])(?:[\w$]{1,60}(?:\.|::|/|\\{1,2})){0,10}[A-Z][\w$]{0,80}?"
        r"(?:Error|Exception|Failure|Fault|Interrupt|DoesNotExist|NotFound|Expired|Timeout|TimedOut|Denied|Refused"
        r"|Violation|Exhausted|Unavailable|Overflow|Mismatch|Abort(?:ed)?|SystemExit|Conflict|Panic"
        r"|Invalid[A-Z]\w{0,40})"
        r"(?:\d{0,3}(?:\s?:(?!:)\s{1,3}\S|\s\(\S|\s\[\w|\)(?:\s|$))"
        r"|(?<=Error):?\s*$|(?<=Exception):?\s*$|(?<=Interrupt)\s*$)"
        r"|(?:^|[\s(>|\"'`])(?:[\w$]{1,60}(?:\.|::)){1,10}(?:Invalid|Not|No|Missing|Unexpected"
        r"|Illegal)[A-Z]\w{0,60}: \S"
        r"|(?:^|\s)\*\* \([A-Z]\w{1,80}"
    ),
)  # fmt: skip
_DOTTED = Form(
    (),
    re.compile(r"^(?:[A-Za-z_]\w{0,60}\.){1,8}[A-Z][A-Za-z]{2,80}: (?=\S)(?!\S{1,80}$)"),
    sure=False,
    probe=re.compile(r"\.[a-z]{3,81}: "),
)
"""An exception's full name may have any ending; a key of a configuration looks alike."""

_CRASHES = Form(
    ("panic", "goroutine", "runtime error", "uncaught", "unhandled", "exception in", "caused by", "during handling",
     "the above exception", "stack overflow", "core dumped", "assert", "segmentation", "segfault", "bus error",
     "illegal", "aborted",
     "killed", "out of memory", "oom", "terminated by", "signal", "traceback", "sanitizer", "crash", "deadlock",
     "terminate called", "trap", "sigsegv", "heap", "undefined behavior", "double free", "definitely lost",
     "is located"),
    re.compile(
        r"traceback \(most recent call last\)|\bpanic(?:ked)?(?:!?:| at\b| with\b)|^goroutine \d{1,9} \["
        r"|\bruntime error\b|\buncaught\b|\bunhandled(?:\b|rejection)|\bexception in\b|^caused by\b"
        r"|^\s{0,8}\(?caused by:"
        r"|^during handling of the above|^the above exception was|\bstack overflow\b(?! \w*\.com)|\bcore dumped\b"
        r"|\bassertion\b.{0,300}\bfailed|\bassert(?:ion)? ?fail\w{0,5}|^assert\w{0,40}[:!(] ?|\bassertion failed"
        r"|\bsegmentation fault|\bsegfault|\bbus error\b|\billegal instruction|^aborted\b|\baborted\b(?= \(|[.!]?$)"
        r"|(?:^|[\s:(=\"])killed(?:[\s:.)\"]|$)(?!.{0,40}\b0\b)|\bout of memory\b|\boom[- _]?(?:kill\w{0,4}|reaper"
        r"|score)"
        r"|\bterminated by\b|\bsignal[: ]{1,2}(?:killed|\d{1,2}\b|sig|abort|segm)|\bSIG(?:SEGV|KILL|ABRT|BUS|ILL|FPE"
        r"|TERM)\b"
        r"|\b\w{1,40}sanitizer:|\bcrash(?:ed|loop\w{0,10})\b|\bdeadlock (?:detected|found)|^terminate called"
        r"|\bheap out of memory|\bdouble free\b|\b(?:definitely|indirectly) lost in\b|\bare definitely lost"
        r"|\bis located \d{1,9} bytes"
        r"|\bstack smashing\b|\btrap (?:invalid|divide|abort)",
        re.IGNORECASE,
    ),
)  # fmt: skip
_RESULTS = Form(
    ("fail", "not ok", "broken", "errored"),
    re.compile(
        r"^-{0,3}\s{0,2}FAIL\b|^not ok\b|^\s*●.{0,300}›"
        r"|\b(?:tests?|build|compilation|command|job|step|task|run|suite|check|recipe|target|hook|script|assertion)s?"
        r" (?:\S{1,80} )?(?:has |have |was )?(?:failed|errored)\b"
        rf"|{OPEN}failed(?::(?!\s?0)| to\b| with\b| \(|!|\.{{0,3}}\s*$| after\b| because\b| in\b| at\b| on\b| for\b|, )"
        r"|^failed\s{1,4}\S|\*\*\*(?:failed|exception|timeout)"
        rf"|{OPEN}(?:fail(?:ed|ures?)|failing)(?: \w{{1,20}}){{0,2}}:\s*(?:$|[1-9A-Za-z/])"
        r"|\bfailure(?: \w{1,12})?[:!]\s",
        re.IGNORECASE,
    ),
)
_MARKS = Form(
    ("✗", "✕", "✖", "×", "✘", "❌", "⨯", "☒", "●", "🛑", "⛔", "🔴"),
    re.compile(r"^(?:\d{1,6}:\d{1,6}\s{1,8})?[✗✕✖×✘❌⨯☒🛑⛔🔴]\s{0,4}\S|^●.{0,300}›|^× \S"),
)
_SYSTEM = Form(
    ("not found", "no such file", "permission denied", "operation not permitted", "cannot access", "not recognized",
     "syntax error", "unbound variable", "connection ", "no space left", "broken pipe", "address already in use",
     "is a directory", "not a directory", "read-only file system", "too many open files", "name or service not known",
     "network is unreachable", "no route to host", "host key verification", "device or resource busy",
     "access is denied",
     "access denied", "disk quota", "input/output error", "timed out", "deadline exceeded", "certificate",
     "could not resolve"),
    re.compile(
        r"\bcommand not found|: not found\b|^not found\b|\bno such file or directory|\bpermission denied"
        r"|\boperation not permitted"
        r"|\bcannot access\b|\bnot recognized as\b|\bsyntax error\b|\bunbound variable|\bno space left on device"
        r"|\bconnection (?:\w{1,12} )?(?:refused|reset|timed out|closed|aborted|failed|lost|error|terminated)\b"
        r"|\bbroken pipe\b|\baddress already in use|: (?:is|not) a directory|\bread-only file system"
        r"|\btoo many open files"
        r"|\bname or service not known|\bnetwork is unreachable|\bno route to host|\bhost key verification failed"
        r"|\bdevice or resource busy|\baccess (?:is )?denied|\bdisk quota exceeded|\binput/output error|\btimed out\b"
        r"|\bdeadline exceeded|\bcertificate (?:has expired|verify failed|is not|signed by unknown)"
        r"|\bcould not resolve",
        re.IGNORECASE,
    ),
)  # fmt: skip
_CODES = Form(
    ("eacces", "eaddr", "econn", "eexist", "ehost", "eisdir", "emfile", "enet", "eno", "eperm", "epipe", "etimedout",
     "eai_", "erofs", "ebusy", "einval", "eloop", "eresolve", "elifecycle", "eintegrity", "etarget", "eusage", "err_",
     "e40", "ora-", "pls-", "tns-", "sp2-", "sqlstate", "sql0", "msg ", "db::", "rpc error", "0x8"),
    re.compile(
        r"\bE(?:ACCES|ADDR[A-Z]{3,9}|CONN[A-Z]{4,8}|EXIST|HOST[A-Z]{4,8}|ISDIR|MFILE|NETUNREACH|NO[A-Z]{2,9}|PERM|PIPE"
        r"|TIMEDOUT|AI_[A-Z]{4,8}|ROFS|BUSY|INVAL|LOOP|RESOLVE|LIFECYCLE|INTEGRITY|TARGET|USAGE|40[0-9])\b"
        r"|\bERR_[A-Z][A-Z0-9_]{3,60}\b|\b(?:ORA|PLS|TNS|SP2)-\d{4,5}\b|\bSQLSTATE\b|\bSQL\d{4}N\b"
        r"|\bMsg \d{1,6}, Level \d"
        r"|\bDB::\w{0,20}Exception|\brpc error: code|\b(?:HRESULT|error|code)\W{1,3}0x8[0-9a-fA-F]{7}\b"
    ),
)  # fmt: skip
_EXITS = Form(
    ("exit", "non-zero", "nonzero", "return", "status", "rc=", "code", "errorlevel"),
    re.compile(
        r"\bexit(?:ed|ing|s)?(?:[\s_-]?(?:with|code|status|value)){0,3}[\"']?[\s:=(]{1,20}(?!0\b"
        r"|0x0\b)-?[1-9]\d{0,9}\b(?![.:%]\d)"
        r"|\bnon-?zero\b.{0,40}\b(?:exit|status|code|return)|\b(?:exit|status|code|return)\w{0,3}\b.{0,20}\bnon-?zero\b"
        r"|\breturn(?:ed)?[\s_-](?:code|status|value)?[\s:=(]{0,8}(?:code |exit status )?[1-9]\d{0,4}\b(?![.:%,])"
        r"|\breturn_?code[\"']?\s?[=:]\s?-?[1-9]\d{0,9}\b"
        r"|\brc\s?=\s?-?[1-9]\d{0,3}\b|\b(?:finished|completed|failed|ended|terminated) (?:\w{1,12} )?(?:with )?"
        r"(?:exit )?(?:code|status) -?[1-9]\d{0,9}\b|\bcode ELIFECYCLE"
        r"|\bstatus=[1-9]\d{0,2}/|\bcode[\"']?: [\"'][A-Z][A-Z_]{4,60}[\"']",
        re.IGNORECASE,
    ),
)
_BUILDS = Form(
    ("undefined reference", "undefined symbol", "multiple definition", "cannot find -l", "ld returned",
     "unresolved external",
     "duplicate symbol", "linker command", "*** ", "build stopped", "no rule to make", "failed:", "could not compile",
     "cannot find symbol", "undefined:", "undeclared", "cannot find module", "module not found", "can't resolve",
     "cannot resolve",
     "not assignable", "does not exist on type", "cannot find name", "is not defined", "no matching distribution",
     "could not find a version", "err!", "unmet peer", "conflicting dependencies", "version solving failed",
     "no module named",
     "cannot import name", "symbol(s) not found", "could not be ", "unable to ", "no solution", "e: "),
    re.compile(
        r"\bundefined reference|\bundefined symbols?\b|\bmultiple definition of|\bcannot find -l|\bld returned \d"
        r"|\bunresolved external|\bduplicate symbols?\b|\blinker command failed|\*\*\* (?=\[|no rule|missing|multiple"
        r"|failed|error|.{0,80}\bstop\.)"
        r"|^(?:g?make|ninja)\S{0,12}: \*\*\*|\bbuild stopped|\bno rule to make|\bcould not compile|\bcannot find symbol"
        r"|: undefined: \S|\bundeclared (?:name|identifier|variable)|\bcannot find module|\bmodule not found"
        r"|\b(?:can't|cannot) resolve\b"
        r"|\bnot assignable to|\bdoes not exist on type|\bcannot find name\b|\bis not defined\b"
        r"|\bno matching distribution"
        r"|\bcould not find a version|\berr!|\bunmet peer|\bconflicting dependencies|\bversion solving failed"
        r"|\bno module named\b|\bcannot import name\b|^e: (?:file:|/|\w)"
        r"|\bsymbol\(s\) not found|\bcould not be (?:resolved|found|loaded|opened|started|read|parsed)|\bno solution\b"
        r"|\bunable to (?:resolve|locate|connect|open|start|find|load|read|write|create|access|parse|bind|mount|pull"
        r"|execute)",
        re.IGNORECASE,
    ),
)  # fmt: skip
_GIT = Form(
    ("fatal:", "conflict", "rejected]", "merge failed", "would be overwritten", "unmerged", "both modified",
     "both added",
     "deleted by ", "refusing to", "patch does not apply", "could not apply"),
    re.compile(
        r"^fatal: |\bCONFLICT \(|^! \[[\w ]{0,10}rejected\]|\[(?:remote )?rejected\]\s{1,20}\S{1,200} -> \S"
        r"|\bmerge failed\b"
        r"|\bwould be overwritten by"
        r"|\bunmerged (?:files|paths)|^(?:both modified|both added|deleted by (?:us|them)):|^refusing to"
        r"|\brefusing to merge"
        r"|\bpatch does not apply|\bcould not apply [0-9a-f]{6,}"
    ),
)  # fmt: skip
_CLUSTERS = Form(
    ("backoff", "back-off", "errimage", "oomkilled", "error from server", "createcontainer", "runcontainer",
     "invalidimage",
     "evicted", "failed", "warning  ", "unhealthy", "notready", "insufficient ", "init:", "error  ",
     "didn't match", "forbidden"),
    re.compile(
        r"\bCrashLoopBackOff|\bImagePullBackOff|\bErrImage\w{1,20}|\bOOMKilled|\bError from server|\b(?:Create"
        r"|Run)Container\w{0,20}Error"
        r"|\bInvalidImageName|\bEvicted\b|\bFailed[A-Z]\w{2,40}\b|(?:^|\s)Warning\s{2,12}[A-Z]\w{2,40}\b"
        r"|\bUnhealthy\b|\bNotReady\b"
        r"|\bInsufficient (?:cpu|memory|pods|ephemeral)|\bInit:(?:Error|CrashLoop)|\s\d{1,3}/\d{1,3}\s{1,20}Error\s"
        r"|\bBack-?off (?:restarting|pulling)|\(Forbidden\):"
    ),
)  # fmt: skip
_STATUS = re.compile(r"[ :=\"][45]\d\d(?![\d.])")
_FROM_400 = re.compile(r"[45]\d\d")
_HTTP = Form(
    (),
    re.compile(
        r"\bHTTP/[\d.]{1,3}\"?\s5\d\d\b|(?:^|\s)(?:GET|POST|PUT|PATCH|DELETE|HEAD) \S{1,400} (?:[-=]> )?5\d\d\b"
        r"|^(?:<\s)?HTTP/[\d.]{1,3}\s[45]\d\d\b"
        r"|\b(?:status(?:[_ ]?code)?|http[_ ]?(?:code|status)?"
        r"|response(?:[_ ]code)?)[\"']?\s?[:=]?\s{0,3}[\"']?5\d\d\b(?![.%,:]\d)"
        r"|(?<![\w.,:/-])(?:4\d\d (?:Bad Request|Unauthorized|Forbidden|Not Found|Method Not|Conflict|Gone"
        r"|Unprocessable|Too Many|"
        r"Client Error|Request Timeout|Payload)|5\d\d (?:Internal|Bad Gateway|Service|Gateway|Server Error"
        r"|Not Implemented))",
        re.IGNORECASE,
    ),
    probe=_STATUS,
    within=_FROM_400,
)
_HTTP_CLIENT = Form(
    (),
    re.compile(
        r"\bHTTP/[\d.]{1,3}\"?\s4\d\d\b|\b(?:status(?:[_ ]?code)?|http[_ ]?(?:code|status)?|response(?:[_ ]code)?)"
        r"[\"']?\s?[:=]?\s{0,3}[\"']?4\d\d\b(?![.%,:]\d)|(?:^|\s)(?:GET|POST|PUT|PATCH|DELETE"
        r"|HEAD) \S{1,400} (?:[-=]> )?[45]\d\d\b"
        r"|\s[-=]> [45]\d\d\b",
        re.IGNORECASE,
    ),
    sure=False,
    probe=_STATUS,
    within=_FROM_400,
)
_DATABASES = Form(
    ("violates", "duplicate key", "duplicate entry", "no such table", "no such column", "does not exist",
     "doesn't exist",
     "integrity constraint", "constraint failed", "deadlock", "rolled back", "could not serialize"),
    re.compile(
        r"\bviolates\b.{0,80}\bconstraint|\bduplicate (?:key|entry)\b|\bno such (?:table|column)|\b(?:relation|column"
        r"|table|database|role|"
        r"function|schema|type|index|user) .{1,120}\b(?:does not|doesn't) exist|\bconstraint failed|\bdeadlock\b"
        r"|\btransaction .{0,40}rolled back|\bcould not serialize|\bmatching query does not exist",
        re.IGNORECASE,
    ),
)  # fmt: skip
_STARTS = Form(
    (),
    re.compile(
        r"^E {3,}\S|^[EF][01]\d{3} \d\d:\d\d:\d\d|^<[0-3]>"
        r"|^\d\d-\d\d \d\d:\d\d:\d\d[\d.]{0,7}\s{1,4}(?:\d{1,6}\s{1,4}\d{1,6} )?[EF][ /]"
        r"|^[EF]/[\w.-]{1,60}\s?\("
    ),
    probe=re.compile(r"[\n m|\t](?:e {3,}\S|[ef](?=[01]\d{3} \d\d:|[ /]\w)|<[0-3]>)"),
)
"""What only the start of a line tells: pytest's E, klog, priorities of syslog, Android's log."""

_OUTCOMES = Form(
    ("err", "fail", "cancel", "crash", "unhealthy", '"succe', "'succe", '"ok"', "'ok'"),
    re.compile(
        r"[\"']?\b(?:status|result|outcome|state|conclusion|phase)[\"']?\s?[=:]\s{0,20}[\"']?"
        r"(?:err(?:or(?:ed)?)?|fail(?:ed|ure)?|cancell?ed|crashed|unhealthy)\b"
        r"|[\"'](?:success(?:ful)?|succeeded|ok)[\"']\s?:\s{0,4}false\b",
        re.IGNORECASE,
    ),
    sure=False,
)
"""A value of a record, and no news where most records have it."""

_COMPARED = Form(
    ("expected", "want", "got"),
    re.compile(
        r"\bgot\b.{1,300}\bwant(?:ed)?\b|\bwant(?:ed)?\b.{1,300}\bgot\b"
        r"|\bexpected\b.{1,300}\b(?:got|but|received|found|actual|instead)\b",
        re.IGNORECASE,
    ),
)
_SIDES = Form(
    ("expected", "received", "actual", "got", "want", "left", "right", ") "),
    re.compile(
        r"^[-+]?\s{0,4}(?:expected|received|actual|got|wanted|want|left|right)(?: \w{1,20}){0,2}\s{0,8}:\s{0,8}\S"
        r"|^\d{1,3}\) \S",
        re.IGNORECASE,
    ),
    sure=False,
)
"""What a test expected and what it got, and the numbers of failures in a report."""

_FINDINGS = Form(
    ("severity", "(warning)", "(error)", ": a", ": b", ": c", ": d", ": e", ": f", ": p", ": r", ": s", ": w"),
    re.compile(
        r"\bseverity[\"']?\s?[=:]\s?[\"']?(?:high|critical|major|blocker)\b|\b[A-Z]{1,4}\d{3,5} \((?:warning|error)\)"
        r"|^[\w./@\\-]{1,200}\.\w{1,8}:\d{1,7}(?::\d{1,5})?:? [A-Z]{1,4}\d{2,5}\b",
        re.IGNORECASE,
    ),
    sure=False,
)
"""What linters and scanners say, by a code or a severity."""

CODED = (
    _SEVERITIES, _CAPITALS, _NUMBERED_LEVELS, _ERROR, _COUNTS, _EXCEPTIONS, _CRASHES, _RESULTS, _SYSTEM, _CODES, _EXITS,
    _COMPARED, _BUILDS, _GIT, _CLUSTERS, _HTTP, _DATABASES, _MARKS, _STARTS,
)  # fmt: skip
"""Forms that say it for sure."""
SUSPECT = (_SIDES, _FINDINGS, _OUTCOMES, _HTTP_CLIENT, _DOTTED)
"""Forms that may say it."""
