"""Figures of one entry on one set: where it stands among all teams, and what it takes for what."""

from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.http import require_safe

from teachkit.big.measuring import RANKED
from teachkit.leaderboard.board.table import Filter, board
from teachkit.leaderboard.submissions import models
from teachkit.leaderboard.submissions.comparing import as_picture, told_entry
from teachkit.leaderboard.submissions.figures import FORMS, content_of, draw_confusion, score_of
from teachkit.leaderboard.submissions.models import Submission
from teachkit.leaderboard.submissions.shown import all_are_told, heading_of
from teachkit.plots.picture import BLUE, GREY, Picture, caption, new_figure, sentences, styled

GOLDEN = 0.618  # spreads neighbours far apart


@require_safe
def set_figure(request: HttpRequest, pk: int, name: str, kind: str, form: str) -> HttpResponse:
    """``standing`` or ``confusion`` of one set, as ``png`` or ``svg``."""
    entry = told_entry(request, pk)
    if form not in FORMS or name not in entry.challenge.suite.names:
        raise Http404(f"{name} {form}")
    content = content_of(lambda: _drawn(entry, name, kind), form)
    return as_picture(request, content, f"entry-{pk}-{name}-{kind}", form)


def _drawn(entry: Submission, name: str, kind: str) -> Picture:
    picture = None
    if kind == "confusion":
        picture = draw_confusion(entry, name)
    if kind == "standing" and all_are_told(entry.challenge, models.now()):
        picture = draw_standing(entry, name)
    if picture is None:
        raise Http404(f"{name} {kind}")
    return picture


@styled
def draw_standing(entry: Submission, name: str) -> Picture:
    """A panel for each ranked score: the best entries of all teams in grey, this one in blue.

    Raises:
        Http404: the entry has no scores on this set.
    """
    now = models.now()
    score = score_of(entry, entry.challenge.part(now))
    if score is None or name not in score.sets:
        raise Http404(name)
    figure = new_figure(8.4, 3.0)
    told = []
    for axes, metric in zip(figure.subplots(1, len(RANKED)), RANKED, strict=True):
        table = board(entry.challenge, Filter(entry.size, metric, name, published=False), now)
        others = [value for one, value in table.values if one != entry.pk]
        own = score.sets[name][metric]
        heights = [0.15 + 0.7 * (index * GOLDEN % 1) for index in range(len(others))]
        axes.plot(others, heights, "o", color=GREY, alpha=0.6, markersize=5)
        interval = score.intervals.get(name, {}).get(metric)
        if interval:
            axes.plot([interval.low, interval.high], [0.5, 0.5], color=BLUE, linewidth=2)
        axes.plot([own], [0.5], "D", color=BLUE, markersize=8)
        axes.locator_params(axis="x", nbins=4)
        axes.set(xlabel=heading_of(metric), ylim=(0, 1), yticks=[])
        axes.spines["left"].set_visible(False)
        better = f"{sum(value > own for value in others)} of {len(others)} others are better"
        told.append(f"{heading_of(metric)} " + (f"{own:.4f}, {better}" if own == own else "is not defined"))
    member = entry.challenge.suite[name]
    title = f"{member.title}: entry {entry.pk} among the best entries of all teams"
    figure.suptitle(title)
    count = (
        f"{entry.challenge.part(now).capitalize()} part of the test"
        if entry.challenge.split
        else f"n = {member.rows:,}"
    )
    bars = f"bar: 95 % bootstrap, {score.bootstrap:,} draws; " if score.bootstrap else ""
    note = f"{count}, size {entry.size}. Blue: this entry; {bars}grey: others, at any height."
    caption(figure, note)
    return Picture(figure, sentences(title, "; ".join(told), note))
