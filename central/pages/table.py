"""Every page of the console, one row each; `ROUTES` is what the program mounts.

The program puts the running centre into `app.state.centre` and serves `STATIC` beside `ui.look.STATIC` under
`/static/`.
"""

from litestar import Router
from litestar.di import Provide
from litestar.exceptions import HTTPException, NotAuthorizedException, PermissionDeniedException
from litestar.types import ControllerRouterHandler

from central.errors import CentralError
from central.pages import (
    account,
    consent,
    corrections,
    doors,
    fleet,
    held,
    incarnations,
    papers,
    reconciliation,
    releases,
    rights,
    screens,
    subject,
    trail,
    trips,
    verify,
)
from ui.icon import favicon

STATIC = screens.STATIC
FORM_BYTES_MAX = 6 * 1024 * 1024
"""The largest form: a report's PDF for verification."""

PAGES = (
    account.sign_in_form,
    account.sign_in_now,
    account.password_form,
    account.password_now,
    account.sign_out,
    fleet.fleet_page,
    fleet.new_node_form,
    fleet.new_node,
    fleet.node_page,
    fleet.new_code,
    fleet.revoke,
    incarnations.incarnations_page,
    incarnations.decide,
    trail.trail_form,
    trail.trail_search,
    trail.trail_found,
    subject.subject_form,
    subject.subject_search,
    subject.subject_found,
    subject.subject_paper,
    reconciliation.findings_page,
    reconciliation.settle,
    reconciliation.reconciliation_page,
    reconciliation.reconcile_now,
    corrections.corrections_page,
    corrections.ask,
    rights.rights_page,
    rights.set_level,
    trips.trips_page,
    trips.plan,
    trips.take_list,
    trips.end,
    consent.consent_page,
    consent.change_consent,
    held.held_form,
    held.held_search,
    held.held_found,
    papers.reports_page,
    papers.administrators_page,
    papers.acts_page,
    releases.releases_page,
    releases.publish_now,
    verify.verify_form,
    verify.verify_now,
)

ROUTES: tuple[ControllerRouterHandler, ...] = (
    favicon,
    Router(
        path="/",
        route_handlers=PAGES,
        dependencies={
            "centre": Provide(doors.provide_centre),
            "visitor": Provide(doors.provide_visitor),
            "form": Provide(doors.provide_form),
        },
        exception_handlers={
            NotAuthorizedException: doors.not_signed_in,
            PermissionDeniedException: doors.not_allowed,
            CentralError: doors.trouble,
            HTTPException: doors.not_understood,
        },
        include_in_schema=False,
        request_max_body_size=FORM_BYTES_MAX,
    ),
)
