"""Talking to a bucket politely."""

from teachkit.cloud.bucket import Bucket as Bucket
from teachkit.cloud.progress import byte_bar as byte_bar
