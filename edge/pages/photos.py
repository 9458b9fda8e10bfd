"""Pictures of the document camera: taking one into a case, looking at one, and a camera's test picture."""

from litestar import Response, get, post
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from edge.actions import devices, photos
from edge.pages import doors
from edge.pages.doors import TheForm, TheNode, TheVisitor
from ui import headers


@post("/cases/{number:str}/photos")
async def take(node: TheNode, visitor: TheVisitor, form: TheForm, number: FromPath[str]) -> Redirect:
    """One picture of what lies under the camera, into the case."""
    assert "csrf" in form
    await photos.take(node, visitor.session, number)
    return doors.go(f"/cases/{number}#photos")


@get("/cases/{number:str}/photos/{digest:str}")
async def picture(
    node: TheNode, visitor: TheVisitor, number: FromPath[str], digest: FromPath[str]
) -> Response[bytes]:
    """One picture of a case: looking at it is on the ledger before the bytes go."""
    return _jpeg(await photos.look(node, visitor.session, number, digest))


@get("/devices/picture")
async def tried_picture(node: TheNode, visitor: TheVisitor, device: FromQuery[str] = "") -> Response[bytes]:
    """What a camera's last test showed, for some minutes, to who may test it."""
    return _jpeg(devices.test_picture(node, visitor.session, device))


def _jpeg(picture: bytes) -> Response[bytes]:
    kept = {"Cache-Control": headers.PAGE_CACHE, "X-Content-Type-Options": "nosniff"}
    return Response(picture, media_type="image/jpeg", headers=kept)
