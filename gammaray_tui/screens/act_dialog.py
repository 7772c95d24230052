"""The base of the dialogs over acts of many steps, such as deploying and cleaning up."""

from __future__ import annotations

from collections.abc import Coroutine

from textual.content import Content
from textual.widgets import Static

from gammaray_tui.leaving import ACTS
from gammaray_tui.screens.dialog import Dialog
from providers.errors import UserError
from providers.operations import Operations, Step
from widgets.look import Look
from widgets.step_list import StepList


class ActDialog(Dialog[None]):
    """A dialog that loads what can be done, does it, and shows each step of it.

    What was begun goes on when the dialog is closed; how it ended is told by the screen below.
    A subclass composes `#state` and a `StepList`, and loads in `load`.
    """

    WIDE = True
    VERTICAL_BREAKPOINTS = [(0, "-short"), (34, "-tall")]  # noqa: RUF012 -- as Textual has it

    def __init__(self, look: Look, operations: Operations, account: str) -> None:
        super().__init__(look)
        self.operations = operations
        self.account = account

    def on_mount(self) -> None:
        """Load, behind the dialog that stands already."""
        super().on_mount()
        self.reload()

    def reload(self) -> None:
        """Load again; what goes wrong is shown in the dialog."""
        self.run_worker(self.looking(self.load()), exit_on_error=False)

    async def load(self) -> None:
        """Look for what can be done. Raises UserError."""

    def begin(self, work: Coroutine[None, None, None], what: str) -> None:
        """Do it. The application runs it, so that it goes on when the dialog is closed.

        Args:
            work: what is done.
            what: what to call it when somebody leaves meanwhile.
        """
        self.show_trouble(None)
        self.query_one(StepList).replace(())
        self.gammaray.run_worker(work, name=what, group=ACTS, exit_on_error=False)

    def report(self, step: Step) -> None:
        """Show a step, as long as there is a dialog."""
        if self.is_attached:
            self.query_one(StepList).report(step)

    def say(self, text: str) -> None:
        """Say above the steps how it stands."""
        self.query_one("#state", Static).update(Content(self.look.safe(text)))

    def outlived(self, error: UserError | None, text: str) -> bool:
        """Tell the end of an act that outlived its dialog; False while the dialog is there."""
        if self.is_attached:
            return False
        if error is not None:
            self.gammaray.show_error(error)
        else:
            self.gammaray.notify(text, markup=False)
        return True
