"""Tables, figures, and one static page per run."""
