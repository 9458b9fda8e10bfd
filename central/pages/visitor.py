"""Who asks for a page, in which language, when."""

import msgspec

from central.actions.centre import AdminSession


class Visitor(msgspec.Struct, frozen=True, kw_only=True):
    """One request's person. `mark` goes into every form: the session's, or the browser's own before sign-in.

    `fresh_mark` and `fresh_lang` say that a cookie has to be set with this answer.
    """

    session: AdminSession | None
    lang: str
    mark: str
    now_ms: int
    secure: bool = False
    fresh_mark: bool = False
    fresh_lang: bool = False
