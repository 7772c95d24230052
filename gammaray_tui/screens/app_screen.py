"""What all screens of this application share: its own type, and where trouble is shown."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar, cast

from textual.content import Content
from textual.screen import Screen
from textual.widgets import Static

from providers.errors import UserError
from widgets.text import shortened

if TYPE_CHECKING:
    from gammaray_tui.app import GammarayApp

Result = TypeVar("Result")
_LONGEST_LINE = 400  # cells


class AppScreen(Screen[Result]):
    """A screen; one that shows trouble has a `#trouble`, in sight while its class is -trouble."""

    @property
    def gammaray(self) -> GammarayApp:
        """The application, by its own type."""
        return cast("GammarayApp", self.app)

    def show_trouble(self, error: UserError | None) -> None:
        """Say in the screen what went wrong and what to do; None takes it away."""
        look = self.gammaray.look
        text = "" if error is None else f"{look.glyphs.state['error']} {error}"
        # What was pasted by mistake can stand in it, and must not push away what is said of it.
        lines = (shortened(look.safe(line), _LONGEST_LINE) for line in text.splitlines())
        safe = "\n".join(lines)
        self.query_one("#trouble", Static).update(Content(safe))
        self.set_class(error is not None, "-trouble")
