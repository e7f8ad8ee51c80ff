"""Boards and their exports."""

from django.http import HttpRequest, HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from teachkit.big.measuring import AVERAGED, TITLES
from teachkit.big.scoring import MEAN
from teachkit.leaderboard.board.exports import as_csv, as_dict
from teachkit.leaderboard.board.table import SHOWN, TRACKS, VIEWS, board
from teachkit.leaderboard.board.table import Filter as BoardFilter
from teachkit.leaderboard.challenges.models import Challenge
from teachkit.leaderboard.submissions import models


@require_safe
def leaderboard(request: HttpRequest, slug: str) -> HttpResponse:
    """The table of places; ``format=csv`` or ``json`` gives all rows as data."""
    challenge = get_object_or_404(Challenge, slug=slug)
    now = models.now()
    wanted = BoardFilter.read(challenge, request.GET.dict(), over=challenge.is_over(now))
    table = board(challenge, wanted, now)
    form = request.GET.get("format", "")
    if form == "json":
        rows = [as_dict(row, table) for row in table.rows]
        return JsonResponse({"challenge": slug, "suite": challenge.suite.digest, "rows": rows})
    if form == "csv":
        answer = HttpResponse(as_csv(table), content_type="text/csv; charset=utf-8")
        answer["Content-Disposition"] = f'attachment; filename="{slug}-{wanted.size}-{wanted.metric}.csv"'
        return answer
    asked = request.GET.get("page", "1")
    page = min(max(int(asked) if asked.isdecimal() else 1, 1), table.pages)
    suite = challenge.suite
    return render(
        request,
        "board/leaderboard.html",
        {
            "challenge": challenge,
            "wanted": wanted,
            "table": table,
            "rows": table.page(page),
            "page": page,
            "my_team": request.user.team if request.user.is_authenticated else None,
            "metrics": {name: TITLES[name] for name in AVERAGED},
            "sets": {MEAN: f"mean of all {len(suite)}", **{one.name: one.title for one in suite}},
            "tracks": TRACKS,
            "shown": SHOWN,
            "views": VIEWS,
        },
    )
