"""A request on its way to the model: what was decided about it, and what that adds to the counters."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import takewhile
from typing import Any

from langchain.agents.middleware.types import ModelRequest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, ToolMessage

from langchain_contextprune.compress import View
from langchain_contextprune.counters import Savings
from langchain_contextprune.figures import Sent
from langchain_contextprune.recall_tool import NAME


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A request as it goes out.

    Attributes:
        request: The request.
        model: The model's name.
        view: None where something failed and it goes out as it came.
        alone: No result points to an older one.
        settled: Results that the state holds otherwise than they are sent.
    """

    request: ModelRequest[Any]
    model: str
    view: View | None
    alone: bool = False
    settled: tuple[ToolMessage, ...] = ()

    @property
    def tokens(self) -> tuple[int, int]:
        """Tokens of the conversation as it came, and as it is handed on; (0, 0) where that is not known."""
        if self.view is None:
            return 0, 0
        return self.view.report.before, self.view.report.after - self.view.fitted

    def counted(self, reasons: Sequence[str], *, begun: bool, cleared: int = 0) -> Savings:
        """Add the request to the counters in the state.

        Args:
            reasons: Why something went through as it is: one of each failure.
            cleared: Tokens that something behind ours took out of what was handed on.
            begun: An epoch began as a result arrived that this request sends.
        """
        past, report = Savings.of(self.request.state), self.view and self.view.report
        before, after = self.tokens
        return Savings(
            requests=past.requests + 1,
            before=past.before + max(0, before - cleared),
            after=past.after + max(0, after - cleared),
            epochs=past.epochs + bool((report and report.epoch) or begun),
            recalls=past.recalls + sum(message.name == NAME for message in newest(self.request.messages)),
            failures=past.failures + len(reasons),
            last=time.time(),
            reason=reasons[-1] if reasons else past.reason,
        )


def newest(messages: Sequence[BaseMessage]) -> list[ToolMessage]:
    """Find the results since the last reply."""
    since = takewhile(lambda message: not isinstance(message, AIMessage), reversed(messages))
    return [message for message in since if isinstance(message, ToolMessage)]


def model_name(model: Any) -> str:
    """Find the model's name, as its class keeps it; "" where it has none."""
    names = (getattr(model, key, None) for key in ("model_name", "model", "model_id"))
    return next((name for name in names if isinstance(name, str) and name), "")


def name_of_reply(asked: str, call: Sent | None) -> str:
    """Find the name of the model that a reply is of: another one's where something behind ours went on to that.

    Args:
        asked: The name of the model that was asked.
        call: The call that the reply came of, with the name that tracers see, which may lack a folder before it.
    """
    return asked if call is None or asked.endswith(call.model) else call.model


def takes_tools(model: Any) -> bool:
    """Tell whether a model can be told of tools; of what is no chat model of LangChain's, that is supposed."""
    return getattr(type(model), "bind_tools", None) is not BaseChatModel.bind_tools


def thinking_of(request: ModelRequest[Any]) -> Mapping[str, Any] | None:
    """Find how the request wants the model to think: it may allow reasoning to be dropped that no longer fits."""
    asked = request.model_settings.get("thinking") or getattr(request.model, "thinking", None)
    return asked if isinstance(asked, Mapping) else None
