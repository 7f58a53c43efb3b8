"""Formulas as MathML, which browsers draw by themselves.

MathJax would have to be fetched from the network by every reader, or put beside the pages with megabytes of fonts;
pictures of formulas need LaTeX. docutils translates TeX to MathML and comes with Sphinx.
"""

from docutils import nodes
from docutils.utils.math import MathError
from docutils.utils.math.latex2mathml import tex2mathml
from sphinx.util.logging import getLogger


def _mathml(node, *, as_block: bool) -> str:
    try:
        return tex2mathml(node.astext(), as_block=as_block)
    except MathError as error:
        getLogger(__name__).warning("formula %r: %s", node.astext(), error, location=node)
        return ""


def inline(writer, node) -> None:
    """Write a formula inside a line."""
    writer.body.append(_mathml(node, as_block=False))
    raise nodes.SkipNode


def block(writer, node) -> None:
    """Write a formula on a line of its own, which scrolls where the page is narrow."""
    writer.body.append(f'<div class="math-block">{_mathml(node, as_block=True)}</div>\n')
    raise nodes.SkipNode


def setup(app) -> dict:
    """Register the renderer under the name `mathml` and choose it."""
    app.add_html_math_renderer("mathml", inline_renderers=(inline, None), block_renderers=(block, None))
    app.config.html_math_renderer = "mathml"
    return {"parallel_read_safe": True, "parallel_write_safe": True}
