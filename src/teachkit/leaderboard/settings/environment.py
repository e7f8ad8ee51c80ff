"""What the environment says, read in one place."""

import os
from pathlib import Path
from typing import Any

from teachkit.errors import SettingsError

MYSQL_MODE = "SET sql_mode='STRICT_TRANS_TABLES', default_storage_engine=INNODB"


def required(name: str, remedy: str) -> str:
    """The variable `name`.

    Raises:
        SettingsError: when it is not set; there is no default for a secret.
    """
    if value := os.environ.get(name, "").strip():
        return value
    raise SettingsError(f"The site does not start: {name} is not set.", remedy, name=name)


def whole_number(name: str, default: int) -> int:
    """The variable `name` as a number that is not negative.

    Raises:
        SettingsError: when it is something else.
    """
    value = os.environ.get(name, "").strip() or str(default)
    if value.isdecimal():
        return int(value)
    raise SettingsError(f"{name} is '{value}'.", f"Give a whole number, such as {default}.", name=name)


def site_folder() -> Path:
    """Where the site keeps its files: ``TEACHKIT_SITE``, else ``build/site`` here."""
    return Path(os.environ.get("TEACHKIT_SITE") or Path("build") / "site").expanduser().resolve()


def database(url: str, folder: Path) -> dict[str, Any]:
    """Django's settings of one database; an empty `url` means SQLite in `folder`."""
    import dj_database_url

    found: dict[str, Any] = dict(dj_database_url.parse(url or f"sqlite:///{folder / 'site.sqlite3'}"))
    options = found.setdefault("OPTIONS", {})
    if found["ENGINE"].endswith("sqlite3"):
        # Writers wait for each other from the start of a transaction, so what one has counted stays true.
        options |= {
            "transaction_mode": "IMMEDIATE",
            "timeout": 20,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;",
        }
    if found["ENGINE"].endswith("mysql"):
        import pymysql

        pymysql.install_as_MySQLdb()
        options |= {
            "charset": "utf8mb4",
            "isolation_level": "read committed",
            "init_command": MYSQL_MODE,
        }
    return found
