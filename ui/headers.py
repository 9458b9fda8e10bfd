"""Response headers that both programs send with every page and file."""

from typing import Final

_DIRECTIVES: Final = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "connect-src": "'self'",
    "form-action": "'self'",
    "frame-ancestors": "'none'",
    "base-uri": "'none'",
}

CONTENT_SECURITY_POLICY: Final = "; ".join(f"{name} {allowed}" for name, allowed in _DIRECTIVES.items())
"""Nothing from outside, nothing inline, no eval; forms and event streams only to the program itself."""

SECURITY_HEADERS: Final[dict[str, str]] = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=(), payment=(), usb=(), serial=()",
}
"""Sent with every page, file and word of both programs."""

BYTES_HEADERS: Final = {name: SECURITY_HEADERS[name] for name in ("X-Content-Type-Options",)}
"""Sent with what only programs read (`application/octet-stream`): a browser shows and runs none of it."""

PAGE_CACHE: Final = "no-store"
"""`Cache-Control` of every page: what a citizen's record says never rests in a browser's cache."""

STATIC_CACHE: Final = "public, max-age=31536000, immutable"
"""`Cache-Control` of a static file asked for with its `?v=` mark; without the mark send `no-cache`."""
