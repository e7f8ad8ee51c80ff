"""Published figures as rows of a board."""

import tomllib
from pathlib import Path

from django.db import transaction

from teachkit.leaderboard.challenges.models import Challenge, Reference

SHIPPED = Path(__file__).with_name("shipped") / "published.toml"


def rows() -> list[dict[str, object]]:
    """The shipped figures, one for each model and image size."""
    told = tomllib.loads(SHIPPED.read_text(encoding="utf-8"))
    found: list[dict[str, object]] = []
    for table in told["tables"]:
        for name, scores in table["rows"].items():
            for index, size in enumerate(told["sizes"]):
                found.append(
                    {
                        "name": name,
                        "size": size,
                        "recipe": table["recipe"],
                        "source": f"{told['source']}, {table['title']}",
                        **{metric: scores[metric][index] for metric in ("auc", "balacc", "kappa")},
                    }
                )
    return found


def load_into(challenge: Challenge) -> int:
    """Put the figures beside the entries of `challenge`, in place of those before; how many there are."""
    wanted = rows()
    with transaction.atomic():
        challenge.references.all().delete()
        Reference.objects.bulk_create(Reference(challenge=challenge, **one) for one in wanted)
    return len(wanted)
