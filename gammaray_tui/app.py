"""The application: a model, one timer that drains it, and screens that show its snapshots."""

from __future__ import annotations

import asyncio
import inspect
import os
import time
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from textual.app import SystemCommand
from textual.binding import Binding, BindingType
from textual.reactive import reactive
from textual.screen import Screen

from causality.snapshot import Header, Snapshot
from gammaray_tui import allowed
from gammaray_tui.actions import BY_ID
from gammaray_tui.crash import defect_of
from gammaray_tui.firing import fire_and_follow
from gammaray_tui.keymap import Keymap
from gammaray_tui.log_reports import LogReports
from gammaray_tui.past import ArchivePlaces, Live
from gammaray_tui.screens.main import MainScreen
from gammaray_tui.screens.main_css import APP_CSS
from gammaray_tui.screens.shows import ShowsSnapshots
from gammaray_tui.system_commands import system_commands
from gammaray_tui.theming import UserThemes, known_theme, textual_theme, variable_defaults
from gammaray_tui.toasts import FewToasts
from providers.errors import UserError
from themes import load_themes
from widgets.line_list import LineList
from widgets.look import Look
from widgets.palette import Palette

if TYPE_CHECKING:
    from gammaray_tui.config import Density
    from gammaray_tui.model import Model
    from gammaray_tui.recording import WatchRecording
    from gammaray_tui.screens.fire import Shot
    from gammaray_tui.switching import Switching
    from providers.operations import Inspections, Operations, Step
    from providers.replay import Player

_DRAIN_EVERY_S = 0.1
_DRAIN_S, _BREATH_S = 0.008, 0.002  # at a time, when there is more than that
_BEHIND_EVERY_S = 0.25  # a frame, while there is more than can be taken up
_FIGURES_EVERY_S = 1.0  # lag and rates change even when nothing comes
_TICK_EVERY_S = 0.5  # the time of running invocations, when one is on screen
_THEMES_EVERY_S = 1.0
_REST_S = 1.0  # so long the selection stands still before its log is asked for
_DARK, _NO_COLOR_THEME = "gammaray-dark", "ansi-dark"


class GammarayApp(FewToasts):
    """The screen over a model.

    Args:
        model: what is known of the data.
        operations: the acts on AWS; None when there are none (yet).
        title: profile, "demo" or the file that is replayed.
        read_only: refuse every act on AWS, whatever `operations` says.
        theme: name of a theme; None chooses ours.
        theme_folder: the user's own themes, read again as they are edited.
        keys: the user's own keys, by the action's id.
        ascii_only: draw with plain ASCII.
        density: how close things stand.
        switching: how to go over to another profile; None where there is none.
        sources: what feeds the model; each runs until it ends or fails.
        on_start: runs once the screen stands, with the application.
        before_firing: tells the sources that records will come soon.
        recording: what the key R starts and stops; None where nothing is to be recorded.
        player: what plays the replay; None when things are live.
        archives: where the History screen finds archives.
    """

    CSS = APP_CSS
    density: reactive[Density] = reactive("compact")
    # What ends programs in a terminal ends this one, also in a dialog.
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+backslash", "quit", show=False, priority=True)
    ]

    def __init__(
        self,
        model: Model,
        *,
        operations: Operations | None = None,
        title: str,
        read_only: bool = False,
        theme: str | None = None,
        theme_folder: Path | None = None,
        keys: Mapping[str, str] | None = None,
        ascii_only: bool = False,
        density: Density = "compact",
        switching: Switching | None = None,
        sources: Sequence[Callable[[], Awaitable[None]]] = (),
        on_start: Callable[[GammarayApp], Awaitable[None]] | None = None,
        before_firing: Callable[[], None] | None = None,
        recording: WatchRecording | None = None,
        player: Player | None = None,
        archives: ArchivePlaces | None = None,
    ) -> None:
        self.keymap = Keymap(keys)
        self._look: Look | None = None
        self._ascii_only = ascii_only
        # Without colours Textual sends greys, unless the terminal's own colours are in use.
        no_color = bool(os.environ.get("NO_COLOR"))
        super().__init__(ansi_color=True if no_color else None)
        for spec in load_themes():
            self.register_theme(textual_theme(spec))
        self._user_themes = UserThemes(theme_folder) if theme_folder is not None else None
        self._take_user_themes()
        wanted = theme or (_NO_COLOR_THEME if no_color else _DARK)
        self.theme = known_theme(wanted, self.available_themes)
        self.title = f"gammaray-tui: {self.look.safe(title)}"
        self.density = density
        self.set_class(ascii_only, "-ascii")
        self.model = model
        self.account_name = title
        self.switching = switching
        self.read_only = read_only
        self.before_firing = before_firing
        self.recording = recording
        self.player = player
        self.archives = archives or ArchivePlaces()
        self.live: Live | None = None  # what stands behind a chain of the past, while one is shown
        self.paused, self.calls_shown = False, True
        self.last_shot: Shot | None = None
        self.snapshot = Snapshot(Header(title))
        self._operations = operations
        self._sources = list(sources)
        self._on_start = on_start
        self._main: MainScreen | None = None
        self._shown_at_s = float("-inf")
        self._behind = False  # more waits than was taken up
        self._changed = False  # since the last frame
        self._defects: set[str] = set()
        self._reports = LogReports()

    # Parts

    @property
    def look(self) -> Look:
        """Signs and colours, shared by all widgets."""
        if self._look is None:
            self.get_css_variables()
            assert self._look is not None
        return self._look

    @property
    def main(self) -> MainScreen:
        """The main screen."""
        if self._main is None:
            self._main = MainScreen(self.look)
        return self._main

    @main.setter
    def main(self, main: MainScreen) -> None:
        self._main = main

    @property
    def watched(self) -> Model:
        """The model that the sources feed, whatever is shown."""
        return self.model if self.live is None else self.live.model

    @property
    def operations(self) -> Operations | None:
        """The acts on AWS that may be done now."""
        return None if self.read_only or self.live is not None else self._operations

    @property
    def can_look(self) -> bool:
        """Whether there is an AWS to look at, if only to read."""
        return self._operations is not None

    def need_inspections(self) -> Inspections:
        """Give what only looks at AWS, in read-only mode as well.

        Raises:
            UserError: there is no AWS to look at.
        """
        return allowed.inspections(self._operations, self.account_name)

    def need_operations(self) -> Operations:
        """Give the acts on AWS.

        Raises:
            UserError: there are none; it says why and what to do.
        """
        past = self.live is not None
        return allowed.operations(self._operations, self.account_name, self.read_only, past)

    def set_operations(self, operations: Operations | None) -> None:
        """Offer these acts from now on."""
        self._operations = operations
        self.main.show_hints()

    def add_source(self, source: Callable[[], Awaitable[None]]) -> None:
        """Feed the model from one more source; its failure becomes a message."""
        self._begin(source, "reading")

    def report(self, step: Step) -> None:
        """Show a step until the first rows come; a failure in any case."""
        self.main.report(step)
        if step.state == "failed" and len(self.snapshot.rows):
            self.notify(step.detail or step.text, title=step.text, severity="error", markup=False)

    # Life

    def get_default_screen(self) -> MainScreen:
        """Give the main screen."""
        return self.main

    def on_mount(self) -> None:
        """Start the timer, the sources and what the command wants started."""
        self.set_keymap(self.keymap.changes)
        self.model.set_calls_shown(self.calls_shown)
        self.theme_changed_signal.subscribe(self, lambda _: self._repaint())
        self.set_interval(_DRAIN_EVERY_S, self._drain)
        self.set_interval(_REST_S, self._fetch_report)
        if self.recording is not None:
            loop = asyncio.get_running_loop()

            def tell(error: UserError) -> None:  # called by the thread that writes
                loop.call_soon_threadsafe(self.call_later, self.show_error, error)

            self.recording.on_failure = tell
        if self._user_themes is not None:
            self.set_interval(_THEMES_EVERY_S, self._take_user_themes)
        for source in self._sources:
            self.add_source(source)
        start = self._on_start
        if start is not None:
            self._begin(lambda: start(self), "the start")
        self.refresh_views()

    def _begin(self, work: Callable[[], Awaitable[None]], what: str) -> None:
        """Work in the background; what goes wrong becomes a message."""
        self.run_worker(self._guarded(work, what), group=what, exit_on_error=False)

    async def _guarded(self, work: Callable[[], Awaitable[None]], what: str) -> None:
        try:
            await work()
        except UserError as error:
            self.show_error(error)
        except Exception as error:  # whatever fails out there must not take the screen down
            self.show_defect(error, what)

    def _drain(self) -> None:
        if not self._behind:
            self._take_up()
        with self._defects_shown("taking up what came"):
            waited_s = time.monotonic() - self._shown_at_s
            if self._behind and waited_s < _BEHIND_EVERY_S:
                return
            changed, self._changed = self._changed, False
            due_s = _TICK_EVERY_S if self.main.ticks else _FIGURES_EVERY_S
            if changed or waited_s >= due_s:
                self.refresh_views()

    def _take_up(self) -> None:
        """Take up what came for a moment, and as long as there is more again and again.

        In between, keys and readers have their turn; the screen follows ten times a second.
        """
        began_s = time.monotonic()
        with self._defects_shown("taking up what came"):
            self._changed |= self.watched.drain(_DRAIN_S)
        self._behind = time.monotonic() - began_s >= _DRAIN_S
        if self._behind:
            asyncio.get_running_loop().call_later(_BREATH_S, self._take_up)

    def refresh_soon(self) -> None:
        """Show what changed with the timer's next turn."""
        self._changed = True

    def refresh_views(self) -> None:
        """Take a snapshot of the model and show it wherever it is wanted."""
        self._shown_at_s = time.monotonic()
        with self._defects_shown("showing what came"), self.batch_update():
            self.snapshot = self.model.snapshot()
            for screen in reversed(self.screen_stack):
                if isinstance(screen, ShowsSnapshots):
                    screen.show_snapshot(self.snapshot)
                if screen is self.main:
                    break  # those below it show what is live

    def _fetch_report(self) -> None:
        """Ask for the logs' REPORT of the selection when it rests, and of what is on screen."""
        rows, operations = self.snapshot.rows, self._operations
        if operations is None:
            return
        shown = (rows.row(at) for at in self.main.causal_tree.window if at < len(rows))
        nodes = self._reports.wanted(self.snapshot.detail, shown)
        if nodes:
            work = self._reports.fetch(nodes, self.model, operations)
            self.run_worker(work, group="report", exit_on_error=False)

    @contextmanager
    def _defects_shown(self, what: str) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # one bad record must not end the watch over all others
            self.show_defect(error, what)

    # Actions

    async def action_act(self, action_id: str) -> None:
        """Do what an action of the registry says; what stands in its way becomes a message."""
        action = BY_ID[action_id]
        self.main.take_selection()
        try:
            result = action.run(self)
            if inspect.isawaitable(result):
                await result
        except UserError as error:
            self.show_error(error)
        except Exception as error:  # a key that fails must not end the watch
            self.show_defect(error, f"doing this: {action.text}")

    def action_help_quit(self) -> None:
        """Leave on ctrl+c where it had nothing to copy: whoever presses it wants out."""
        self.exit()

    def get_system_commands(self, screen: Screen[object]) -> Iterable[SystemCommand]:
        """Offer the registry's actions in the palette."""
        return system_commands(self)

    def fire(self, shot: Shot | None) -> None:
        """Fire an application in the background and tell what came of it; None does nothing."""
        if shot is None:
            return
        self.last_shot = shot
        self._begin(lambda: fire_and_follow(self, shot), "firing")

    # Errors

    def show_error(self, error: UserError) -> None:
        """Say what happened, on what, and what to do; several errors share one dialog."""
        from gammaray_tui.screens.error import ErrorScreen

        if isinstance(self.screen, ErrorScreen):
            self.screen.add(error)
        else:
            self.push_screen(ErrorScreen(self.look, error))

    def show_defect(self, error: Exception, what: str) -> None:
        """Show an error that nobody foresaw, each kind once, and go on."""
        name = f"{type(error).__name__}: {error}"
        if name in self._defects:
            return
        self._defects.add(name)
        self.show_error(defect_of(error, what, self.account_name))

    # Looks

    def get_theme_variable_defaults(self) -> dict[str, str]:
        """Give our variables to the themes that are not ours."""
        return variable_defaults(self.current_theme)

    def get_css_variables(self) -> dict[str, str]:
        """Give the variables of the theme, and take them over for what is painted by line."""
        variables = super().get_css_variables()
        palette = Palette.from_theme(variables, ansi=self.native_ansi_color)
        if self._look is None:
            self._look = Look(palette, ascii_only=self._ascii_only)
        else:
            self._look.palette = palette
        return variables

    def _take_user_themes(self) -> None:
        """Take up what the user has written; what cannot be read leaves the old one in place."""
        if self._user_themes is None:
            return
        specs, errors = self._user_themes.changed()
        for spec in specs:
            self.register_theme(textual_theme(spec))
            if self.is_running and spec.name == self.theme:
                self.theme = _DARK if spec.name != _DARK else _NO_COLOR_THEME
                self.theme = spec.name
        for error in errors:
            title = "a theme cannot be read"
            self.notify(str(error), title=title, severity="warning", markup=False)

    def watch_density(self, density: Density) -> None:
        """Let everything stand closer or wider."""
        self.set_class(density == "roomy", "-roomy")

    def _repaint(self) -> None:
        for screen in self.screen_stack:
            for widget in screen.walk_children():
                if isinstance(widget, LineList):
                    widget.repaint_all()
                else:
                    widget.refresh()
