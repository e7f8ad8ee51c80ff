"""Reading from a Cloud Storage bucket: list it, download a file or a folder; each failure is one sentence.

Credentials are the machine's own (Application Default Credentials); where there are none the bucket is read
anonymously, which public buckets allow. ``STORAGE_EMULATOR_HOST`` is honoured by the client library.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path, PurePosixPath
from typing import Any

from teachkit.cloud.progress import watching
from teachkit.errors import ChecksumError, FetchError, SettingsError
from teachkit.extras import need

PATIENCE_S = 30.0  # how long the client library repeats a failing request; its own default is two minutes
TIMEOUT_S = 20.0  # for a single request
CHUNKED_FROM = 32 * 2**20  # files from this size on travel as parallel chunks
WORKERS = 4


def parse_url(url: str) -> tuple[str, str]:
    """("bucket", "some/prefix") of "gs://bucket/some/prefix/"; the prefix may be empty.

    Raises:
        SettingsError: when `url` does not look like that.
    """
    bucket, _, prefix = url.removeprefix("gs://").partition("/")
    if not url.startswith("gs://") or not bucket:
        raise SettingsError(
            f"'{url}' is not the address of a bucket.",
            "Write it as gs://BUCKET or gs://BUCKET/FOLDER.",
            url=url,
        )
    return bucket, prefix.strip("/")


class Bucket:
    """What lies below one ``gs://bucket/prefix``. Nothing is contacted before the first question."""

    def __init__(self, url: str) -> None:
        self.name, self.prefix = parse_url(url)
        self.url = f"gs://{self.name}/{self.prefix}".rstrip("/")
        self.anonymous = False

    @cached_property
    def contents(self) -> dict[str, int | None]:
        """Direct children: file name → bytes, and folder name with a trailing slash → None."""
        with self._explained():
            listing = self._list(self._full(""), delimiter="/")
            files: dict[str, int | None] = {self._relative(blob.name): blob.size for blob in listing}
            folders = {self._relative(folder): None for folder in listing.prefixes}
        return {**files, **folders}

    def download(self, name: str, target: Path) -> None:
        """Write the file `name` to `target`, overwriting it; the server's checksum is compared on the way.

        Raises:
            FetchError: bucket or file missing, access refused, no credentials, no network.
            ChecksumError: when what arrived is not what the server holds.
        """
        with self._explained():
            blob = self._client.bucket(self.name).get_blob(self._full(name), **self._patience)
        if blob is None:
            self._check_bucket_exists()
            raise FetchError(
                f"Bucket {self.url} holds no '{name}'.",
                "Ask its owner to put the file there, or choose another source.",
                url=self.url,
                name=name,
            )
        with self._explained(), watching(target, name, blob.size):
            if blob.size < CHUNKED_FROM:
                blob.download_to_filename(str(target), **self._patience)
            else:
                self._manager.download_chunks_concurrently(
                    blob,
                    str(target),
                    worker_type=self._manager.THREAD,
                    max_workers=WORKERS,
                    download_kwargs=self._patience,
                )

    def download_folder(self, folder: str, target: Path) -> None:
        """Write all files below `folder` into `target`; files already there with the right length are kept.

        Raises:
            FetchError: as in `download`, and when any of the files did not arrive.
        """
        with self._explained():
            blobs = list(self._list(self._full(folder) + "/"))
        wanted = []
        for blob in blobs:
            if blob.name.endswith("/"):  # consoles create empty objects to stand for folders
                continue
            path = target / safe_path(blob.name.removeprefix(self._full(folder) + "/"))
            if not path.exists() or path.stat().st_size != blob.size:
                path.parent.mkdir(parents=True, exist_ok=True)
                wanted.append((blob, str(path)))
        if not blobs:
            raise FetchError(
                f"Bucket {self.url} holds no folder '{folder}'.",
                "Ask its owner to put the folder there, or choose another source.",
                url=self.url,
                name=folder,
            )
        total = sum(blob.size for blob in blobs)
        with self._explained(), watching(target, folder, total):
            results = self._manager.download_many(
                wanted,
                worker_type=self._manager.THREAD,
                max_workers=WORKERS,
                download_kwargs=self._patience,
            )
        # The manager hands errors back as items of its answer instead of raising them.
        failures = [result for result in results if isinstance(result, Exception)]
        if failures:
            raise FetchError(
                f"{len(failures)} of {len(wanted)} files of '{folder}' did not arrive: {failures[0]}.",
                "Run the same command again; files that did arrive are kept.",
                url=self.url,
                name=folder,
            ) from failures[0]

    @property
    def _patience(self) -> dict[str, Any]:
        from google.cloud.storage.retry import DEFAULT_RETRY

        return {"timeout": TIMEOUT_S, "retry": DEFAULT_RETRY.with_timeout(PATIENCE_S)}

    @cached_property
    def _manager(self) -> Any:
        from google.cloud.storage import transfer_manager

        return transfer_manager

    @cached_property
    def _client(self) -> Any:
        from google.auth.exceptions import DefaultCredentialsError
        from google.cloud import storage

        try:
            # The project only matters for creating buckets and billing, which reading needs neither of.
            return storage.Client(project="teachkit")
        except DefaultCredentialsError:
            self.anonymous = True
            return storage.Client.create_anonymous_client()

    def _list(self, prefix: str, **options: Any) -> Any:
        return self._client.list_blobs(self.name, prefix=prefix, **options, **self._patience)

    def _full(self, name: str) -> str:
        return f"{self.prefix}/{name}" if self.prefix else name

    def _relative(self, full: str) -> str:
        return full.removeprefix(self._full(""))

    def _check_bucket_exists(self) -> None:
        """A missing file and a missing bucket look alike until somebody lists."""
        with self._explained():
            next(iter(self._list("", max_results=1)), None)

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Turn what the cloud libraries raise into one sentence and a remedy."""
        need("google.cloud.storage", "cloud")
        import requests
        from google.api_core import exceptions as api
        from google.auth import exceptions as auth
        from google.cloud.storage.exceptions import DataCorruption

        try:
            yield
        except api.NotFound as error:
            raise FetchError(
                f"There is no bucket gs://{self.name}.",
                "Check the spelling of TEACHKIT_BUCKET.",
                url=self.url,
            ) from error
        except (api.Forbidden, api.Unauthorized, auth.InvalidOperation) as error:
            if self.anonymous or not isinstance(error, api.Forbidden):
                raise FetchError(
                    f"Bucket {self.url} is not public and there are no credentials on this machine.",
                    "Sign in with: gcloud auth application-default login",
                    url=self.url,
                ) from error
            raise FetchError(
                f"Bucket {self.url} refuses access to your account.",
                "Ask its owner for the role Storage Object Viewer (roles/storage.objectViewer).",
                url=self.url,
            ) from error
        except auth.RefreshError as error:
            raise FetchError(
                f"The saved sign-in no longer works for {self.url}.",
                "Sign in again with: gcloud auth application-default login",
                url=self.url,
            ) from error
        except DataCorruption as error:
            raise ChecksumError(
                f"A file of {self.url} was damaged on the way.", "Run the same command again.", url=self.url
            ) from error
        except (api.RetryError, api.ServerError, auth.TransportError, requests.RequestException) as error:
            raise FetchError(
                f"No answer from the bucket {self.url}.",
                "Check the network, or use local data: TEACHKIT_DATA=FOLDER or TEACHKIT_OFFLINE=1.",
                url=self.url,
            ) from error


def safe_path(name: str) -> PurePosixPath:
    """`name` as a relative path, refused when it could leave the folder it is written to."""
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts:
        raise FetchError(
            f"The bucket holds an unsafe file name: '{name}'.", "Ask its owner to rename it.", name=name
        )
    return path
