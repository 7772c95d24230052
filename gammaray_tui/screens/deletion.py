"""The question before anything is deleted: from which account, and all that goes by name."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby

from gammaray_tui.screens.confirm import ConfirmScreen
from providers.operations import Resource
from widgets import formats
from widgets.look import Look
from widgets.painted_list import Item, pieces_item

KIND_WIDTH = 16


def deletion_question(
    look: Look, account: str, account_id: str, chosen: Sequence[Resource]
) -> ConfirmScreen:
    """Ask for the account's name to be typed before these are deleted.

    Args:
        look: signs and colours.
        account: its name in this session, as the header shows it.
        account_id: its twelve digits.
        chosen: what will be deleted, grouped by region.
    """
    regions = ", ".join(dict.fromkeys(one.region for one in chosen if one.region))
    where = f" in {regions}" if regions else ""
    return ConfirmScreen(
        look,
        f"{look.glyphs.state['error']} delete from {account}",
        f"{formats.plural(len(chosen), 'resource')}{where} of account {account_id} "
        "will be deleted. This cannot be undone. Nothing has been deleted yet.",
        items=_lines(look, chosen),
        agree=f"delete {len(chosen)}",
        refuse="keep them",
        word=account,
        destructive=True,
    )


def _lines(look: Look, chosen: Sequence[Resource]) -> list[Item]:
    palette = look.palette
    items: list[Item] = []
    for region, group in groupby(chosen, lambda resource: resource.region):
        items.append(pieces_item([(look.safe(region) or "everywhere", look.region_style(region))]))
        for resource in group:
            pieces = [
                (f"  {look.glyphs.text('–')} ", palette.error),
                (look.left(look.safe(resource.kind), KIND_WIDTH) + " ", palette.muted),
                (look.safe(resource.name), palette.text),
            ]
            if not resource.managed:
                pieces.append(("  ! not tagged as ours", palette.warn))
            if resource.detail:
                pieces.append((f"  {look.safe(resource.detail)}", palette.muted))
            items.append(pieces_item(pieces))
    return items
