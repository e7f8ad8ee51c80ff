"""Talking to a bucket politely."""

from teachkit.cloud.bucket import Bucket as Bucket
from teachkit.cloud.bucket_store import BucketStore as BucketStore
from teachkit.cloud.progress import byte_bar as byte_bar
from teachkit.cloud.store import MemoryStore as MemoryStore
from teachkit.cloud.store import Store as Store
from teachkit.cloud.store import Stored as Stored
