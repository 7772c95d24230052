"""What the actions do. Each gets the application; screens are imported when first needed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from causality.service_map import MapNodeId, node_filter
from gammaray_tui import leaving, past
from widgets.line_list import LineList

if TYPE_CHECKING:
    from gammaray_tui.actions import Group
    from gammaray_tui.app import GammarayApp


def on_pane(target: str, action: str) -> Callable[[GammarayApp], Awaitable[None]]:
    """Make a handler that runs a pane's own action; "" is the list in focus."""

    async def run(app: GammarayApp) -> None:
        pane = app.main.query_one(f"#{target}", LineList) if target else app.focused
        if isinstance(pane, LineList):
            await app.run_action(action, default_namespace=pane)

    return run


def on_screen(action: str) -> Callable[[GammarayApp], Awaitable[None]]:
    """Make a handler that runs an action of the screen on top, or of what is in focus there."""

    async def run(app: GammarayApp) -> None:
        name = action.partition("(")[0]
        owner = app.focused if hasattr(app.focused, f"action_{name}") else app.screen
        await app.run_action(action, default_namespace=owner)

    return run


# The invocation


async def why(app: GammarayApp) -> None:
    """Say why the edge to the selected invocation is drawn."""
    detail = app.snapshot.detail
    if detail is None or not detail.edges:
        text = "nothing is selected" if detail is None else "no edge leads to it: it is a root"
        app.notify(text, timeout=3)
        return
    from gammaray_tui.screens.why import WhyScreen

    await app.push_screen(WhyScreen(app.look, detail))


def copy(app: GammarayApp) -> None:
    """Copy what the pane in focus points at."""
    value = app.main.copy_value()
    if not value:
        app.notify("nothing to copy here", timeout=2)
        return
    copy_text(app, value)


def copy_text(app: GammarayApp, value: str) -> None:
    """Copy a value through the terminal (OSC 52), and say so."""
    app.copy_to_clipboard(value)
    app.notify(f"copied {app.look.cut(app.look.safe(value), 60)}", timeout=3, markup=False)


# The view


def pause(app: GammarayApp) -> None:
    """Freeze what is shown and go on collecting; again: show what came meanwhile.

    A replay stands still instead: nothing comes meanwhile.
    """
    if _is_past(app):
        return
    if app.player is not None:
        app.player.toggle_pause()
        app.refresh_views()
        return
    app.paused = not app.paused
    app.model.set_paused(app.paused)
    app.refresh_views()
    app.main.show_hints()


def clear(app: GammarayApp) -> None:
    """Show only the chains that begin from now on."""
    if _is_past(app):
        return
    app.model.clear()
    app.refresh_views()
    text = "the tree shows chains that begin from now on, all else counts on; esc shows all again"
    app.notify(text, timeout=4)


def next_pane(app: GammarayApp) -> None:
    """Go to the next pane."""
    app.main.step_pane(1)


def previous_pane(app: GammarayApp) -> None:
    """Go to the previous pane."""
    app.main.step_pane(-1)


def show_tree(app: GammarayApp) -> None:
    """Go to the tree."""
    app.main.go_to_pane("tree")


def show_latency(app: GammarayApp) -> None:
    """Go to the latency table."""
    app.main.go_to_pane("latency")


def show_detail(app: GammarayApp) -> None:
    """Go to the selected invocation."""
    app.main.go_to_pane("detail")


def maximise(app: GammarayApp) -> None:
    """Show the pane in focus alone, or all panes again."""
    app.main.set_maximised(not app.main.maximised)


def next_layout(app: GammarayApp) -> None:
    """Go through the layouts; the last choice is by size again."""
    app.notify(f"layout: {app.main.next_layout()}", timeout=2)


def next_density(app: GammarayApp) -> None:
    """Give everything more room, or less again."""
    app.density = "roomy" if app.density == "compact" else "compact"


async def jump(app: GammarayApp) -> None:
    """Show letters on what is in sight; the one that is pressed goes there."""
    from gammaray_tui.screens.jump import Go, JumpScreen, targets

    def go(chosen: Go | None) -> None:
        if chosen is not None:
            chosen()

    await app.push_screen(JumpScreen(targets(app.screen)), go)


async def back(app: GammarayApp) -> None:
    """Show all panes again, then all chains, then what is live."""
    if await app.main.back():
        return
    if app.model.show_cleared():
        app.refresh_views()
        app.notify("all chains are shown again", timeout=3)
    else:
        past.leave(app)


def _is_past(app: GammarayApp) -> bool:
    """Say whether a chain of the past is shown, and tell the user that nothing comes to it."""
    if app.live is not None:
        app.notify("this is history: nothing comes here; esc goes back", timeout=3)
    return app.live is not None


async def service_map(app: GammarayApp) -> None:
    """Show the map; the function that is chosen there becomes the filter."""
    from gammaray_tui.screens.service_map import ServiceMapScreen

    async def chosen(node: MapNodeId | None) -> None:
        if node is not None:
            await app.main.start_filter(node_filter(node))
            app.main.go_to_pane("tree")

    await app.push_screen(ServiceMapScreen(app.look), chosen)


async def waterfall(app: GammarayApp) -> None:
    """Show the chain of the line under the cursor in time; what is chosen there is gone to."""
    from gammaray_tui.screens.waterfall import WaterfallScreen

    current = app.main.causal_tree.current
    if current is None or current.kind in ("group", "offer", "note"):
        app.notify("no chain is under the cursor", timeout=3)
        return
    await app.push_screen(WaterfallScreen(app.look, current.node), app.main.go_to_node)


async def open_chain(app: GammarayApp) -> None:
    """Ask for a request id, and go to its invocation."""
    from gammaray_tui.screens.open_chain import OpenChainScreen

    await app.push_screen(OpenChainScreen(app.look), app.main.go_to_node)


async def compare(app: GammarayApp) -> None:
    """Compare two sets of chains: at first, those before and after the last thing done."""
    from gammaray_tui.screens.compare import CompareScreen

    middle_s = app.model.middle_s()
    before = after = ""
    if middle_s is not None:
        at = datetime.fromtimestamp(middle_s, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        before, after = f"root started<{at}", f"root started>={at}"
    await app.push_screen(CompareScreen(app.look, before, after))


async def mark(app: GammarayApp) -> None:
    """Ask what happens now, and note it beside what comes."""
    from gammaray_tui.screens.mark import MarkScreen

    if _is_past(app):
        return
    if app.player is not None:
        app.notify("a replay keeps the marks that it has", timeout=3)
        return

    def note(words: str | None) -> None:
        if words is not None:
            app.watched.mark("marked", words)
            app.notify(f"marked {app.look.safe(words)}".rstrip(), timeout=3, markup=False)

    await app.push_screen(MarkScreen(app.look), note)


async def problems(app: GammarayApp) -> None:
    """List the problems."""
    from gammaray_tui.screens.problems import ProblemsScreen

    await app.push_screen(ProblemsScreen(app.look, app.snapshot), app.main.go_to_node)


async def regions(app: GammarayApp) -> None:
    """Show how reading goes in each region."""
    from gammaray_tui.screens.regions import RegionsScreen

    await app.push_screen(RegionsScreen(app.look, app.snapshot))


# Acts


async def fire(app: GammarayApp) -> None:
    """Ask what to fire and how often."""
    from gammaray_tui.screens.fire import FireScreen

    operations = app.need_operations()
    await app.push_screen(FireScreen(app.look, operations, app.last_shot), app.fire)


def fire_again(app: GammarayApp) -> Awaitable[None] | None:
    """Fire what was fired last, as often."""
    if app.last_shot is None:
        return fire(app)
    app.fire(app.last_shot)
    return None


async def deploy(app: GammarayApp) -> None:
    """Ask what to deploy, show the plan, and do it."""
    from gammaray_tui.screens.deploy import DeployScreen

    await app.push_screen(DeployScreen(app.look, app.need_operations(), app.account_name))


async def cleanup(app: GammarayApp) -> None:
    """List what was deployed and delete what the user chooses."""
    from gammaray_tui.screens.cleanup import CleanupScreen

    await app.push_screen(CleanupScreen(app.look, app.need_operations(), app.account_name))


async def instrument(app: GammarayApp) -> None:
    """List the functions of the account, and attach or detach the recorder."""
    from gammaray_tui.screens.instrument import InstrumentScreen

    await app.push_screen(InstrumentScreen(app.look, app.need_operations(), app.account_name))


async def set_up(app: GammarayApp) -> None:
    """Show the tables, the role and the policy that are wanted, and make them."""
    from gammaray_tui.screens.setup import SetupScreen

    await app.push_screen(SetupScreen(app.look, app.need_operations(), app.account_name))


async def unfinished(app: GammarayApp) -> None:
    """List what was stopped half-way, and finish or undo it."""
    from gammaray_tui.screens.unfinished import UnfinishedScreen

    await app.push_screen(UnfinishedScreen(app.look, app.need_operations(), app.account_name))


async def tell_unfinished(app: GammarayApp) -> None:
    """Say when something was stopped half-way, and which key finishes or undoes it."""
    stopped = await app.need_inspections().unfinished()
    if not stopped:
        return
    from gammaray_tui.actions import BY_ID

    more = f", and {len(stopped) - 1} more" if len(stopped) > 1 else ""
    text = f"{app.look.safe(str(stopped[0].act))} was stopped half-way{more}."
    if app.operations is not None:
        text += f" {app.keymap.shown(BY_ID['unfinished'])} finishes or undoes it."
    app.notify(text, severity="warning", timeout=20, markup=False)


async def logs(app: GammarayApp) -> None:
    """Show the logs of the selected invocation, or of its chain."""
    from gammaray_tui.screens.logs import LogsScreen

    inspections = app.need_inspections()
    model, detail = app.model, app.snapshot.detail
    node = detail.node if detail is not None else ""
    own = next((one for one in model.logs_wanted(node) if one.request_id == node), None)
    if own is None:
        app.notify("nothing is selected that has logs", timeout=3)
        return
    await app.push_screen(LogsScreen(app.look, inspections, own, lambda: model.logs_wanted(node)))


async def profile(app: GammarayApp) -> None:
    """Go over to another profile or other regions: the watch begins anew there."""
    from gammaray_tui.screens.profile import ProfileScreen

    if app.switching is None:
        app.notify("there are no profiles to choose from here", timeout=3)
        return

    def leave_when(tried: bool | None) -> None:
        if tried:
            leaving.leave(app)

    await app.push_screen(ProfileScreen(app.look, app.switching), leave_when)


async def doctor(app: GammarayApp) -> None:
    """Check account, permissions, tables and functions."""
    from gammaray_tui.screens.doctor import DoctorScreen

    await app.push_screen(DoctorScreen(app.look, app.need_inspections(), app.operations))


async def export(app: GammarayApp) -> None:
    """Ask what to write where, and write it."""
    from gammaray_tui.screens.export import ExportScreen

    await app.push_screen(ExportScreen(app.look, app.model.exports(), app.snapshot))


# The program


async def theme(app: GammarayApp) -> None:
    """Let the user choose a theme; each is shown as it is pointed at."""
    from gammaray_tui.screens.theme import ThemeScreen

    await app.push_screen(ThemeScreen(app.look))


def palette(app: GammarayApp) -> None:
    """Offer every command by its words."""
    app.action_command_palette()


async def show_help(app: GammarayApp) -> None:
    """Show keys and signs, those of the screen that is open first."""
    from gammaray_tui.screens.help import HelpScreen

    first: Group | None = getattr(app.screen, "HELP_GROUP", None)
    await app.push_screen(
        HelpScreen(
            app.look,
            app.keymap,
            can_operate=app.operations is not None,
            replaying=app.player is not None,
            first=first,
        )
    )


def leave(app: GammarayApp) -> None:
    """Leave the program."""
    leaving.leave(app)
