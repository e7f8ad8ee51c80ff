"""nbgrader's exchange over Cloud Storage: release, fetch, submit, collect and feedback without a shared disk.

``TEACHKIT_EXCHANGE=gs://BUCKET/PREFIX`` selects it, through `use_bucket` in ``nbgrader_config.py``. One file
holds one verb of nbgrader's; `teachkit.course.exchange.names` says where things lie in the bucket.
"""

from teachkit.course.exchange.choice import use_bucket as use_bucket

__all__ = ["use_bucket"]
