"""Small pictures of numbers: a value with its interval beside its band, and a budget with what was used."""

from collections.abc import Sequence
from html import escape

from markupsafe import Markup

WIDTH, HEIGHT, MARGIN = 180, 24, 8


def range_bar(
    values: Sequence[float], low: float, high: float, *, interval: Sequence[float] | None, label: str
) -> Markup:
    """An SVG bar: the band is shaded, the interval is a line, each value a dot.

    Args:
        values: One number, or one per seed.
        low, high: The band.
        interval: Low and high end of the value's interval, or None.
        label: The sentence that a screen reader gets.
    """
    everything = [*values, low, high, *(interval or [])]
    least, most = min(everything), max(everything)
    span = (most - least) or max(abs(most), 1.0)
    least, most = least - 0.08 * span, most + 0.08 * span

    def x(value: float) -> float:
        return round(MARGIN + (WIDTH - 2 * MARGIN) * (value - least) / (most - least), 1)

    middle = HEIGHT / 2
    inside = all(low <= value <= high for value in values)
    parts = [
        f'<line class="axis" x1="{MARGIN}" x2="{WIDTH - MARGIN}" y1="{middle}" y2="{middle}"/>',
        f'<rect class="band" x="{x(low)}" y="4" rx="3" '
        f'width="{max(x(high) - x(low), 2):.1f}" height="{HEIGHT - 8}"/>',
    ]
    if interval:
        parts.append(
            f'<line class="interval" y1="{middle}" y2="{middle}" '
            f'x1="{x(interval[0])}" x2="{x(interval[1])}"/>'
        )
    shape = "value" if inside else "value missed"
    parts += [f'<circle class="{shape}" cx="{x(value)}" cy="{middle}" r="4.5"/>' for value in values]
    return Markup(  # built from numbers and an escaped label only
        f'<svg class="range" role="img" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f"<title>{escape(label)}</title>{''.join(parts)}</svg>"
    )


def number(value: object) -> str:
    """A recorded value as the report prints it."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, list):
        return ", ".join(number(item) for item in value)
    return str(value)
