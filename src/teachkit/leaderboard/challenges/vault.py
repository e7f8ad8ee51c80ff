"""Where the true labels lie, and who may not get at them."""

from pathlib import Path

from django.conf import settings

from teachkit.errors import SettingsError

FOR_OTHERS = 0o077


def vault() -> Path:
    """The folder of the true labels, for workers and commands.

    Raises:
        SettingsError: in the web server, which has no way to the labels.
    """
    if settings.SITE_ROLE == "web":
        raise SettingsError(
            "The web server asked for the labels; it has no way to them.", "Read them in a worker."
        )
    return Path(settings.LABELS_FOLDER or Path(settings.SITE_FOLDER) / "labels")


def check_that_labels_are_private() -> None:
    """Before a worker starts: no other account of the machine may read a file of labels.

    Raises:
        SettingsError: naming the files that others can read.
    """
    folder = vault()
    found = sorted(folder.glob("*.npz")) if folder.is_dir() else []
    if open_to_others := [path.name for path in found if path.stat().st_mode & FOR_OTHERS]:
        raise SettingsError(
            f"Other accounts can read these labels in '{folder}': {', '.join(open_to_others)}.",
            f"chmod 400 {folder}/*.npz; a mounted bucket takes the mount option file-mode=400.",
            folder=str(folder),
        )
