"""Where the database stands decides whether a command may give up its network."""

import pytest

from central.settings import Settings


@pytest.mark.parametrize(
    ("dsn", "by_file"),
    [
        ("", True),
        ("postgresql://yizhan_app@/yizhan?host=/run/postgresql", True),
        ("postgresql://yizhan_app@%2Frun%2Fpostgresql/yizhan", True),
        ("postgresql://yizhan_app@db.example/yizhan", False),
        ("postgresql://yizhan_app@127.0.0.1:5432/yizhan", False),
        ("postgresql://yizhan_app@db.example/yizhan?host=db.example", False),
        ("postgresql:///yizhan", False),
    ],
)
def test_a_database_behind_a_socket_in_the_file_system_needs_no_network(dsn: str, by_file: bool) -> None:
    assert Settings(database=dsn).database_by_file is by_file
