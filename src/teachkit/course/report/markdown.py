"""Markdown to HTML with nbconvert's own parser, formulae drawn as MathML."""

from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from teachkit.course.report.mathml import mathml


class MathRenderer(IPythonRenderer):
    """nbconvert's renderer, which leaves formulae to a script from the network, drawing them itself."""

    def block_math(self, body: str) -> str:
        return mathml(body, block=True)

    def inline_math(self, body: str) -> str:
        return mathml(body)

    def latex_environment(self, name: str, body: str) -> str:
        return mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", block=True)


def markdown_to_html(source: str, attachments: dict[str, dict[str, str]] | None = None) -> str:
    """HTML of a Markdown text; headings carry ids, code is highlighted."""
    renderer = MathRenderer(escape=False, attachments=attachments or {})
    return MarkdownWithMath(renderer=renderer).render(source)
