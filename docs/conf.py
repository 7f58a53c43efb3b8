"""How the documentation is built (`make docs`): nothing is loaded from the network, neither here nor by a reader."""

import importlib
import sys
from importlib.metadata import version as version_of
from pathlib import Path

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE / "_ext"), str(HERE.parent)]

from docstrings import MODULES  # noqa: E402

# `sd.candidates` and its siblings are attributes; as modules of these names their functions are found and documented.
sys.modules |= {shown: importlib.import_module(module) for shown, module in MODULES.items()}

project = "symdyn"
author = "The symdyn developers"
project_copyright = author
version = release = version_of("symdyn-workbench")

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_gallery.gen_gallery",
    "sphinx_design",
    "sphinx_copybutton",
    "docstrings",
    "mathml",
]
exclude_patterns = ["_build", "_ext", "gallery", "auto_gallery/*.ipynb", "auto_gallery/*.py", "sg_execution_times.rst"]
templates_path = ["_templates"]
default_role = "code"  # in the text of the gallery; docstrings go their own way (`docstrings`)
highlight_language = "none"
smartquotes_action = "D"  # dashes only: x' = f(x) has a prime
nitpicky = True
# Types in docstrings are words for people ("array `(time, state)`"): those that are public names become links.
nitpick_ignore_regex = [("py:(class|exc|data)", ".*")]

myst_enable_extensions = ["colon_fence", "deflist", "dollarmath"]
myst_heading_anchors = 4

autosummary_generate = True
autosummary_ignore_module_all = False
autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
autodoc_default_options = {
    "members": True,
    "inherited-members": True,
}
autoclass_content = "class"
napoleon_google_docstring = False
napoleon_use_ivar = True
napoleon_use_rtype = False
python_maximum_signature_line_length = 88
toc_object_entries_show_parents = "hide"
add_module_names = False

html_theme = "pydata_sphinx_theme"
html_title = "symdyn"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_copy_source = False
html_show_sourcelink = False
html_theme_options = {
    "logo": {"text": "symdyn"},
    "show_nav_level": 1,
    "navigation_depth": 3,
    "show_toc_level": 2,
    "header_links_before_dropdown": 6,
    "secondary_sidebar_items": ["page-toc", "sg_download_links"],
    "footer_start": ["copyright"],
    "footer_end": [],
    "navbar_align": "left",
    "pygments_light_style": "a11y-high-contrast-light",
    "pygments_dark_style": "a11y-high-contrast-dark",
}
html_sidebars = {"index": [], "start": []}
copybutton_prompt_text = r">>> |\.\.\. |\$ "
copybutton_prompt_is_regexp = True

sphinx_gallery_conf = {
    "examples_dirs": "gallery",
    "gallery_dirs": "auto_gallery",
    "within_subsection_order": "gallery_set_up.StoryOrder",
    "reset_modules": ("gallery_set_up.start_page",),
    "reset_modules_order": "before",
    "thumbnail_size": (480, 200),
    "parallel": 2,
    "show_memory": False,
    "show_signature": False,
    "download_all_examples": False,
    "remove_config_comments": True,
    "write_computation_times": False,
    "ignore_repr_types": "matplotlib",
}
