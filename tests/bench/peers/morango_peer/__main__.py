"""`found` makes a county and its two certificates, `serve` answers for it, `push` sends events to it; each prints one JSON line.

python -m morango_peer found DATABASE CERTIFICATE | serve DATABASE PORT | push DATABASE CERTIFICATE URL EVENTS NEWS
"""

import json
import secrets
import sys
import time
from pathlib import Path

import django
from django.conf import settings

CHUNK = 500
SCOPE = "county"


def _open(database: str) -> None:
    settings.configure(
        SECRET_KEY=secrets.token_hex(),
        ALLOWED_HOSTS=["127.0.0.1"],
        ROOT_URLCONF="morango.urls",
        DATABASES={"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": database}},
        INSTALLED_APPS=[
            "django.contrib.auth",
            "django.contrib.contenttypes",
            "rest_framework",
            "mptt",
            "morango",
            "morango_peer",
        ],
        DEFAULT_AUTO_FIELD="django.db.models.AutoField",
        USE_TZ=True,
    )
    django.setup()
    from django.core.management import call_command

    call_command("migrate", run_syncdb=True, verbosity=0)


def found(database: str, certificate: str) -> None:
    """Make the county's root certificate and one hall's, signed by it."""
    _open(database)
    from morango.models.certificates import Certificate, Key

    _scope()
    root = Certificate.generate_root_certificate(SCOPE)
    hall = Certificate(
        parent=root,
        profile=root.profile,
        scope_definition=root.scope_definition,
        scope_version=root.scope_version,
        scope_params=root.scope_params,
        private_key=Key(),
    )
    hall.public_key = Key(public_key_string=hall.private_key.get_public_key_string())
    root.sign_certificate(hall)
    hall.save()
    kept = {
        "chain": [[one.serialized, one.signature] for one in (root, hall)],
        "key": hall.private_key.get_private_key_string(),
    }
    Path(certificate).write_text(json.dumps(kept))


def serve(database: str, port: str) -> None:
    """Answer until ended."""
    _open(database)
    from django.core.servers.basehttp import run
    from django.core.wsgi import get_wsgi_application

    _scope()
    run("127.0.0.1", int(port), get_wsgi_application(), threading=True)


def push(database: str, certificate: str, url: str, events: str, news: str) -> None:
    """Put events into the hall's database, push them, then as many news as asked; the server has applied both."""
    _open(database)
    from morango.models.certificates import Certificate, Key

    _scope()
    kept = json.loads(Path(certificate).read_text())
    chain = [Certificate.deserialize(*one) for one in kept["chain"]]
    chain[-1].private_key = Key(private_key_string=kept["key"])
    for one in chain:
        one.check_certificate()
        one.save()
    lines = Path(events).read_text(encoding="utf-8").splitlines()
    cut = len(lines) - int(news)
    whole = _pushed(url, chain, lines[:cut], 0)
    print(json.dumps({"moved_s": whole, "news_s": _pushed(url, chain, lines[cut:], cut)}))


def _pushed(url: str, chain: list, lines: list[str], first: int) -> float:
    """Seconds from the first serialisation to the server's last row; the rows are in the hall's own table before."""
    from morango.models.certificates import Filter
    from morango.sync.controller import MorangoProfileController
    from morango_peer.models import PROFILE, Event

    root, hall = chain
    rows = [Event(number=first + n, county=root.id, told=line) for n, line in enumerate(lines)]
    for row in rows:
        row.id = row.calculate_uuid()
        row._morango_partition = row.calculate_partition()
    Event.objects.bulk_create(rows, batch_size=100)
    begun = time.perf_counter()
    connection = MorangoProfileController(PROFILE).create_network_connection(url, chunk_size=CHUNK)
    session = connection.create_sync_session(hall, root)
    client = session.get_push_client()
    client.initialize(Filter(root.id))
    client.run()
    client.finalize()
    session.close_sync_session()
    return time.perf_counter() - begun


def _scope() -> None:
    from morango.models.certificates import ScopeDefinition
    from morango_peer.models import PROFILE

    ScopeDefinition.objects.get_or_create(
        id=SCOPE,
        profile=PROFILE,
        version=1,
        primary_scope_param_key="county",
        description="one county",
        read_filter_template="${county}",
        write_filter_template="${county}",
        read_write_filter_template="${county}",
    )


if __name__ == "__main__":
    {"found": found, "serve": serve, "push": push}[sys.argv[1]](*sys.argv[2:])
