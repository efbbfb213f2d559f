"""The Retire step: what is to be done outside, how the legacy key is watched, and what follows from that."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from wizard.rotation.flow import Flow
from wizard.rotation.report import Report
from wizard.rotation.retirement import POLLS_IN_A_ROW, Death


def to_do(flow: Flow, desk: str) -> tuple[str, str]:
    """Say what the user does about the legacy key; `desk` is how the simulated page is opened, where there is one."""
    legacy = flow.retire.legacy
    page = flow.context.environment.site.key_page
    where = f"at the desk ({desk})" if desk else f"on the exchange's page: {page}"
    return (
        "Restart what uses the key: it has to take the new one.",
        f"Delete {legacy.name if legacy else 'the legacy key'} {where}",
    )


async def watch(flow: Flow, show: Callable[[Death], object], at_most: int | None = None) -> None:
    """Ask with both keys until the death is proven, or `at_most` times; `show` each judgement."""
    count = 0
    while True:
        death = await flow.retire.poll()
        show(death)
        count += 1
        if death.in_a_row >= POLLS_IN_A_ROW or count == at_most:
            return
        await flow.retire.wait()


def purge(flow: Flow, typed: str) -> Awaitable[Report]:
    """Delete the legacy secret, as it was consented to.

    Args:
        flow: The open environment.
        typed: The word of `wizard.steps.consents.purging`. Polls may have changed the judgement since it was asked for:
            a key whose death is not proven goes only where its last four characters were typed.
    """
    legacy, death = flow.retire.legacy, flow.retire.death()
    if legacy is None or death.allows_purge or typed != (legacy.name.last_four or typed):
        return flow.purge()
    return flow.purge(legacy.name.last_four)


def gap(death: Death) -> str:
    """Say what the polls do not prove; nothing where that is nothing."""
    return f"Not proven: {death.does_not_prove}." if death.does_not_prove else ""
