"""Firing: starting chains, of an application that is deployed or by anything that triggers one."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass
from typing import Final

import aiohttp
import msgspec

from providers.errors import UserError
from providers.fire_application import Shot, shot_of
from providers.fire_targets import Target, checked_payload, shot_at
from providers.manifest import LoadedApplication
from providers.operations import Fired, Report, Step, StepState
from providers.place import AWS_ERRORS, Place, open_place
from providers.session import AwsSession, is_local, user_error

_AT_ONCE: Final = 32
# A local AWS starts a process for each invocation that finds the others busy, and drops what
# exceeds its limit instead of queueing it for hours as AWS does. So there we wait for the
# function's answer, which keeps a handful of warm processes busy.
_AT_ONCE_LOCALLY: Final = 4


@dataclass(frozen=True, slots=True)
class Volley:
    """How often and how fast to fire, and with what.

    Attributes:
        rate: firings begun a second; None: as many at once as makes sense.
        payload: text with {run} (another one each time) and {number}; None: the application's.
    """

    count: int = 1
    rate: float | None = None
    payload: str | None = None


async def fire(
    session: AwsSession, application: LoadedApplication, volley: Volley, report: Report
) -> Fired:
    """Start chains of an application in the way that its manifest says.

    On AWS an Invoke is asynchronous: this returns when they are accepted. A local AWS is waited
    for. Whether a function succeeds is not told here but by the records that it leaves.

    Returns:
        The request ids of those that were accepted, and an error text for each other one.

    Raises:
        UserError: none was accepted: not deployed, no credentials, ...; or the payload is no JSON.
    """
    payload = volley.payload
    if payload is None:
        payload = msgspec.json.encode(application.manifest.fire.payload).decode()
    payload = checked_payload("function", payload)
    local = _is_local(session)
    async with (
        open_place(session, application.regions[0], application.name) as place,
        shot_of(session, place, application, local=local) as shot,
    ):
        return await _Gun(place, shot, volley, report, local=local).fire(application.id, payload)


async def fire_target(session: AwsSession, target: Target, volley: Volley, report: Report) -> Fired:
    """Invoke a function, put an object, publish, put an item, send a message, POST.

    Returns:
        The ids that the service gave, and an error text for each that failed.

    Raises:
        UserError: none was accepted, or there is no such function in any region.
    """
    payload = checked_payload(target.kind, volley.payload or "")
    local = _is_local(session)
    async with (
        open_place(session, session.regions[0]) as place,
        shot_at(target, place, local=local) as shot,
    ):
        return await _Gun(place, shot, volley, report, local=local).fire(target.name, payload)


class _Gun:
    """Fires; counts what was accepted and what was not."""

    def __init__(
        self, place: Place, shot: Shot, volley: Volley, report: Report, *, local: bool
    ) -> None:
        self._place, self._shot, self._volley, self._report = place, shot, volley, report
        self._limit = asyncio.Semaphore(_AT_ONCE_LOCALLY if local else _AT_ONCE)
        self._accepted: dict[int, str] = {}
        self._errors: list[UserError] = []

    async def fire(self, name: str, payload: str) -> Fired:
        """Fire as often and as fast as the volley says."""
        volley, shot = self._volley, self._shot
        began_at_s = time.time()
        self._tell("running")
        async with asyncio.TaskGroup() as group:
            for number in range(1, volley.count + 1):
                group.create_task(self._one(number, payload))
                if volley.rate and number < volley.count:
                    await asyncio.sleep(1 / volley.rate)
        self._tell("failed" if self._errors else "done")
        if self._errors and not self._accepted:
            raise self._errors[0]
        return Fired(
            name,
            tuple(self._accepted[number] for number in sorted(self._accepted)),
            tuple(str(error) for error in self._errors),
            began_at_s=began_at_s,
            kind=shot.kind,
            resource=shot.resource,
        )

    async def _one(self, number: int, payload: str) -> None:
        text = payload.replace("{run}", uuid.uuid4().hex).replace("{number}", str(number))
        text = self._place.filled(text, self._shot.region)
        async with self._limit:
            try:
                self._accepted[number] = await self._shot.start(text.encode())
            except (UserError, aiohttp.ClientError, *AWS_ERRORS) as error:
                failure = user_error(
                    error,
                    profile=self._place.clients.session.profile,
                    region=self._shot.region,
                    resource=self._shot.text,
                )
                self._errors.append(failure)
        self._tell("running")

    def _tell(self, state: StepState) -> None:
        detail = f"{len(self._accepted)} of {self._volley.count} accepted"
        if self._errors:
            detail += f", {len(self._errors)} failed: {self._errors[0].what}"
        self._report(Step("fire", self._shot.text, self._shot.region, state, detail))


def _is_local(session: AwsSession) -> bool:
    return session.endpoint_url is not None and is_local(session.endpoint_url)
