"""The report page as a value that can be written as HTML and as JSON."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from pgbraid.page.document import page_document

if TYPE_CHECKING:
    from pgbraid.page.content import PageContent

__all__ = ["Page"]


@dataclass(frozen=True, slots=True)
class Page:
    """The report page of one database: ``content`` has the values of all sections."""

    content: PageContent

    @property
    def html(self) -> str:
        """The page as one self-contained HTML document.

        Raises ConfigError if Jinja2 is not installed.
        """
        from pgbraid.page.html import render  # noqa: PLC0415 - Jinja2 is an extra

        return render(self.content)

    @property
    def json(self) -> dict[str, Any]:
        """The same values as a JSON document; see ``docs/json.md``."""
        return page_document(self.content)
