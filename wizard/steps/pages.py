"""Which page each step has."""

from __future__ import annotations

from collections.abc import Callable

from wizard.rotation.flow import Flow
from wizard.rotation.model import Step
from wizard.steps.apply import ApplyPresenter
from wizard.steps.by_api import credentials_presenter
from wizard.steps.delete import DeletePresenter
from wizard.steps.egress import EgressPresenter
from wizard.steps.presenter import Face, Presenter
from wizard.steps.probe import ProbePresenter
from wizard.steps.retire import RetirePresenter
from wizard.steps.whitelist import WhitelistPresenter

PAGES: dict[Step | None, Callable[[Flow, Face], Presenter]] = {
    Step.DELETE: DeletePresenter,
    Step.EGRESS: EgressPresenter,
    Step.WHITELIST: WhitelistPresenter,
    Step.APPLY: ApplyPresenter,
    Step.CREDENTIALS: credentials_presenter,
    Step.PROBE: ProbePresenter,
    Step.RETIRE: RetirePresenter,
}
