"""States of something that is not well: `Status: Pending`, `Task "render" is "dead"`, `Active: inactive (dead)`.

No error is told there, and still it is what somebody who asks why a thing does not work reads first.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

LINES, SHARE = 6, 0.05  # lines, in number or as a share of all: where more say so, it is a table of states; by hand
_NAMES = (
    r"(?:status|state|phase|health|healthy|ready|condition|active|lifecycle[ _]?state|power[ _]?state|sync|result"
    r"|outcome|conclusion|available|desired|provisioning[ _]?state|instance[ _]?state)"
)
_UNWELL = (
    r"(?:pending|waiting|queued|dead|failed|failure|failing|error|errored|unhealthy|degraded|stopped|exited|terminated"
    r"|unknown|blocked|stuck|stalled|down|inactive|offline|suspended|paused|evicted|not[ _-]?ready|unavailable"
    r"|unreachable|out[ _-]?of[ _-]?sync|outdated|missing|lost|rolled[ _-]?back|rejected|denied|disabled|draining"
    r"|deactivat\w{2,4}|\w{1,30}backoff|oomkilled|imagepull\w{1,20}|timed?[ _-]?out|cancel{1,2}ed"
    r"|aborted|incomplete|false)"
)
_STATE = re.compile(
    rf"(?i)(?<![A-Za-z0-9-]){_NAMES}[\"'*]{{0,3}}\s{{0,4}}[:=|]\s{{0,24}}[\"'*]{{0,3}}{_UNWELL}(?![\w-])"
    rf"|\bis (?:now )?[\"'*]{{1,3}}{_UNWELL}[\"'*]"
)


def unwell(lines: Sequence[str]) -> list[int]:
    """Numbers of the lines that give a state which is not well; none where many do."""
    rows = [k for k, line in enumerate(lines) if _STATE.search(line)]
    return rows if len(rows) <= max(LINES, SHARE * len(lines)) else []
