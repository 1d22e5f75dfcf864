import pytest

from bioccia.lifecycle import paths


@pytest.fixture
def at(monkeypatch):
    return lambda folder: monkeypatch.setenv("BIOCCIA_VAR", str(folder))


@pytest.mark.parametrize(
    ("name", "slug"),
    [
        ("rachel_carson", "rachel_carson"),
        ("Pyrénées-Orientales (66)", "pyrenees_orientales_66"),
        ("日本", "region_"),
        ("postgres", "region_postgres"),
        ("x" * 90, "x" * 40),
    ],
)
def test_a_folder_name_becomes_a_slug_that_clashes_with_no_part(name, slug):
    assert paths.region_slug(name) == slug


def test_the_socket_stands_beside_the_data_when_its_path_is_short(at, tmp_path):
    at("/srv/bioccia")
    assert str(paths.postgres_socket_dir()) == "/srv/bioccia/postgres/run"


def test_a_deep_folder_gets_a_short_socket_path_that_every_process_finds_again(at):
    at("/srv/" + "deep/" * 30)
    first = paths.postgres_socket_dir()
    assert first == paths.postgres_socket_dir()
    assert len(f"{first}/.s.PGSQL.5432.lock") < paths.LONGEST_SOCKET_PATH
    assert first != paths.redis_socket().parent


def test_two_deep_folders_have_two_sockets(at):
    at("/srv/" + "deep/" * 30)
    first = paths.postgres_socket_dir()
    at("/srv/" + "deeper/" * 30)
    assert paths.postgres_socket_dir() != first


def test_each_region_has_its_own_database(at):
    at("/srv/bioccia")
    assert paths.private_database("slovenia")["NAME"] == "bioccia_slovenia"
    assert paths.private_redis_url() == "unix:///srv/bioccia/redis/run/redis.sock"
