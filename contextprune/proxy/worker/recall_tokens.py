"""What recalling costs in tokens, so that no saving is claimed for what would not be there without contextprune.

Without it a client sends its own short text where the answer of the recall tool stands, and no definition of the tool.
"""

from __future__ import annotations

from dataclasses import replace
from typing import NamedTuple

from contextprune.context import Kind
from contextprune.money.cost import Prompt
from contextprune.proxy.replay.conversation import Conversation
from contextprune.proxy.replay.recall_tool import TOOL, tool_schema
from contextprune.report import Report
from contextprune.session.requests import boundaries
from contextprune.tokens import Counter


class RecallTokens(NamedTuple):
    """Tokens that are there for recalling alone.

    sent   of answers that an earlier request sent as well, without the client's own texts in their places
    new    of those that this request is the first to send
    tool   of the tool's definition
    """

    sent: int = 0
    new: int = 0
    tool: int = 0


def recall_tokens(conversation: Conversation, dialect: str, counter: Counter) -> RecallTokens:
    """The tokens of answers and of the tool in a conversation; all 0 where it does not recall by a tool."""
    if conversation.mode != TOOL:
        return RecallTokens()
    context = conversation.context
    start = max((end for end in boundaries(context) if end < len(context.segments)), default=0)

    sent = new = 0
    for position, segment in enumerate(context.segments):
        if segment.ref in conversation.answers:
            replaced = conversation.replaced.get(segment.ref, "")
            more = counter(conversation.answers[segment.ref]) - counter(replaced)
            sent, new = (sent + more, new) if position < start else (sent, new + more)
    return RecallTokens(sent, new, counter(tool_schema(dialect)))


def with_recall_tokens(report: Report, extra: RecallTokens) -> Report:
    """The report with the answers left out of what the client sent, and the tool counted in what is sent."""
    if not any(extra):
        return report
    kinds = dict(report.by_kind)
    results, tools = kinds.get(Kind.TOOL_RESULT, (0, 0)), kinds.get(Kind.TOOLS, (0, 0))
    if any(extra[:2]):
        kinds[Kind.TOOL_RESULT] = results[0] - extra.sent - extra.new, results[1]
    kinds[Kind.TOOLS] = tools[0], tools[1] + extra.tool

    prompts = tuple(_prompt(prompt, extra) for prompt in report.prompts)
    before = report.before - extra.sent - extra.new
    return replace(report, before=before, after=report.after + extra.tool, by_kind=kinds, prompts=prompts)


def _prompt(prompt: Prompt, extra: RecallTokens) -> Prompt:
    """The prompt of a request; a conversation's first one is the first to send the tool."""
    (old_before, old_after), (before, after) = prompt.same, prompt.new
    if not old_before:
        return replace(prompt, new=(before - extra.sent - extra.new, after + extra.tool))
    return replace(
        prompt, same=(max(0, old_before - extra.sent), old_after + extra.tool), new=(before - extra.new, after)
    )
