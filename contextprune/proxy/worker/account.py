"""The money of a decision, as the front needs it: dollars, tokens by how they are paid for, and the prices of these.

With the last two the front can set the provider's own counts beside what was reckoned here, without price lists.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import astuple, replace
from typing import NamedTuple

from contextprune.money.cost import Prompt
from contextprune.money.expiry import asks_for_hour
from contextprune.money.tariff import Tariff, family_of, tariff_of
from contextprune.proxy.job import Four


class Account(NamedTuple):
    """Money of one request: see the fields of the same names in `job.Answer`."""

    dollars: tuple[float, float] | None = None
    bills: tuple[Four[int], Four[int]] | None = None
    prices: Four[float] | None = None


def account(prompts: Sequence[Prompt], body: bytes) -> Account:
    """The money of a request; `prompts` is its one prompt, or none where no conversation was decided."""
    if not prompts:
        return Account()
    prompt = replace(prompts[0], hour=asks_for_hour(body))
    tariff = tariff_of(prompt.model, prompt.tariffs)
    cost = prompt.cost_at(tariff)

    dollars = (cost.before, cost.after) if cost.known else None
    return Account(dollars, (astuple(cost.was), astuple(cost.sent)), _prices(tariff or family_of(prompt.model)))


def _prices(tariff: Tariff) -> Four[float]:
    """Prices in the order in which a Bill has its tokens."""
    return tariff.input, tariff.write, tariff.read, tariff.hour or tariff.write
