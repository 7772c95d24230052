from __future__ import annotations

from collections import Counter

import pytest
from textual.binding import Binding

from gammaray_tui.actions import ACTIONS, BY_ID, GROUPS, key_bindings, key_sign
from gammaray_tui.hints import footer_hints
from gammaray_tui.keymap import Keymap
from providers.errors import UserError
from widgets.causal_tree import CausalTree
from widgets.detail_pane import DetailPane
from widgets.latency_table import LatencyTable

_TEXTUALS_OWN = {"ctrl+q", "ctrl+c", "ctrl+p"}


def test_ids_are_unique_and_every_action_is_told_of() -> None:
    assert len(BY_ID) == len(ACTIONS)
    for action in ACTIONS:
        assert action.label
        assert action.text
        assert action.group in GROUPS
        assert action.keys


def test_no_key_does_two_things_on_the_screen() -> None:
    keys = Counter(key for action in ACTIONS if not action.widget for key in action.keys)
    assert [key for key, count in keys.items() if count > 1] == []
    assert not _TEXTUALS_OWN & set(keys)


def test_no_pane_takes_a_key_from_the_screen() -> None:
    of_screen = {key for action in ACTIONS if not action.widget for key in action.keys}
    for pane in (CausalTree, LatencyTable, DetailPane):
        for binding in pane.BINDINGS:
            assert isinstance(binding, Binding)
            assert not of_screen & set(binding.key.split(",")), binding


def test_the_screens_bindings_are_the_registry() -> None:
    bindings = {binding.id: binding for binding in key_bindings() if isinstance(binding, Binding)}
    assert set(bindings) == {action.id for action in ACTIONS if not action.widget}
    assert bindings["pause"].action == "app.act('pause')"


def test_destructive_acts_need_operations() -> None:
    assert [action.id for action in ACTIONS if action.destructive] == ["cleanup"]
    assert all(action.needs_operations for action in ACTIONS if action.destructive)


def test_footers_offer_what_can_be_done() -> None:
    for pane in ("tree", "latency", "detail"):
        labels = [
            hint.label
            for hint in footer_hints(
                pane, Keymap(), can_operate=False, paused=True, empty=False, filtered=True
            )
        ]
        assert labels[0] == "resume"
        assert "fire" not in labels
        assert {"help", "quit"} <= set(labels[:7])
    empty = footer_hints(
        "tree", Keymap(), can_operate=True, paused=False, empty=True, filtered=False
    )
    assert empty[0].label == "fire"


def test_keys_are_written_as_users_read_them() -> None:
    assert key_sign("ctrl+d") == "^d"
    assert key_sign("down") == "↓"
    assert key_sign("G") == "G"
    assert Keymap().shown(BY_ID["list.down"]) == "j ↓"


def test_users_keys_stand_in_the_place_of_ours() -> None:
    keymap = Keymap({"pause": "p, ctrl+s", "fire": ""})
    assert keymap.shown(BY_ID["pause"]) == "p ^s"
    assert keymap.keys(BY_ID["fire"]) == ()
    hints = footer_hints(
        "tree", keymap, can_operate=True, paused=False, empty=False, filtered=False
    )
    assert hints[0].key == "p ^s"


@pytest.mark.parametrize(
    ("changes", "says", "todo"),
    [
        ({"paus": "p"}, 'no action "paus"', 'Did you mean "pause"?'),
        ({"pause": "q"}, 'both "pause" and "quit"', "another key"),
        ({"tree.left": "l"}, 'both "tree.left" and "tree.right"', "another key"),
    ],
)
def test_keys_that_cannot_be_are_refused(changes: dict[str, str], says: str, todo: str) -> None:
    with pytest.raises(UserError) as caught:
        Keymap(changes)
    assert says in caught.value.what
    assert todo in caught.value.todo
