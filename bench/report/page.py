"""Parts of a page that a program writes, each between a pair of markers."""

from __future__ import annotations

import re


def with_part(page: str, name: str, by: str, text: str) -> str:
    """Return `page` with `text` in the place of part `name`, which program `by` writes.

    Raises
    ------
    ValueError
        The page has not one such part.
    """
    begin, end = f"<!-- {name}: written by {by} -->", f"<!-- end {name} -->"
    pattern = re.compile(re.escape(begin) + ".*?" + re.escape(end), re.DOTALL)
    page, count = pattern.subn(lambda _: f"{begin}\n{text}\n{end}", page)
    if count != 1:
        msg = f"the page has {count} places for {name!r}, expected 1"
        raise ValueError(msg)
    return page
