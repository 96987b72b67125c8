"""Brings the schema to its newest revision; safe to call from several processes at once."""

from pathlib import Path

import psycopg
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from savdo.base.errors import SavdoError

FOLDER = Path(__file__).parents[2] / "migrations"


class SchemaNewer(SavdoError):
    """The database was written by a newer Savdo; upgrade this one."""

    code = "schema_newer"


def migrate(url: str, revision: str = "head") -> None:
    """Runs the missing migrations of the database at `url`, one process at a time. Raises SchemaNewer."""
    config = _config(url)
    with psycopg.connect(url, autocommit=True) as guard:
        # One number for all of Savdo: whoever comes second waits here and then finds nothing to do.
        guard.execute("SELECT pg_advisory_lock(7283640)")
        current = current_revision(url)
        if current is not None and current not in _known():
            raise SchemaNewer(f"The database is at revision {current}, which this Savdo does not know; upgrade Savdo.")
        command.upgrade(config, revision)


def current_revision(url: str) -> str | None:
    with psycopg.connect(url, autocommit=True) as connection:
        if connection.execute("SELECT to_regclass('public.alembic_version')").fetchone() == (None,):
            return None
        row = connection.execute("SELECT version_num FROM alembic_version").fetchone()
        return row[0] if row else None


def newest_revision() -> str | None:
    return ScriptDirectory.from_config(_config("")).get_current_head()


def is_older(revision: str) -> bool:
    """Whether this is an earlier revision than this Savdo's newest; an unknown one is later."""
    return revision != newest_revision() and revision in _known()


def _known() -> set[str]:
    return {script.revision for script in ScriptDirectory.from_config(_config("")).walk_revisions()}


def _config(url: str) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER))
    config.set_main_option("sqlalchemy.url", url.replace("%", "%%"))
    return config
