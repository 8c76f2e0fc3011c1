"""What a browser would see of a page: its elements and their attributes."""

from __future__ import annotations

from html.parser import HTMLParser


class Elements(HTMLParser):
    """The elements and attributes of a page, in their order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str]] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Collect one element."""
        self.tags.append(tag)
        self.attributes += [(name, value or "") for name, value in attrs]

    @property
    def loading(self) -> list[tuple[str, str]]:
        """Attributes that would fetch or run something, addresses within the page aside."""
        loads = {"src", "srcset", "href", "xlink:href", "action", "formaction", "data", "style"}
        return [
            (name, value)
            for name, value in self.attributes
            if name.startswith("on") or (name in loads and not value.startswith("#"))
        ]
