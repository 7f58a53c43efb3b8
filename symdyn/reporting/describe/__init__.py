"""What a report says of each kind of result: its tables, its sentences, its figures.

One module for each kind of result, all with the same functions where they apply: `groups`, `findings`, `draw`. It knows
what a reader sees, and must not know how results are computed, where they are kept, or which job asks for them.
"""
