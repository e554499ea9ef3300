"""Reading pages back as a browser would."""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from html.parser import HTMLParser

import pytest

VOID = {"meta", "img", "link", "br", "hr", "input"}
ADDRESSES = {"src", "href", "srcset", "action", "poster", "data", "style"}


@dataclass
class Page:
    """What a page holds: text, headings, rows of tables, images, declared policy."""

    text: str = ""
    style: str = ""
    policy: str = ""
    language: str = ""
    title: str = ""
    tags: set[str] = field(default_factory=set)
    headings: list[tuple[str, str]] = field(default_factory=list)
    rows: list[list[str]] = field(default_factory=list)
    scopes: list[str | None] = field(default_factory=list)
    images: list[tuple[str, bytes]] = field(default_factory=list)


class Reader(HTMLParser):
    """Builds a `Page`; a tag that is not closed, or an address outside of the page, is an error."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.page = Page()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        given = dict(attributes)
        self.page.tags.add(tag)
        if tag == "img":
            source, words = given["src"] or "", given["alt"] or ""
            assert source.startswith("data:image/png;base64,")
            assert words
            self.page.images.append((words, base64.b64decode(source.split(",")[1], validate=True)))
        else:
            assert not ADDRESSES & set(given), (tag, given)
        assert not any(name.startswith("on") for name in given)
        if tag == "meta" and given.get("http-equiv") == "Content-Security-Policy":
            self.page.policy = given["content"] or ""
        if tag == "html":
            self.page.language = given["lang"] or ""
        if tag == "th":
            self.page.scopes.append(given.get("scope"))
        if tag == "tr":
            self.page.rows.append([])
        if tag in ("td", "th"):
            self.page.rows[-1].append("")
        if tag in ("h1", "h2", "h3"):
            self.page.headings.append((tag, ""))
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, words: str) -> None:
        inside = self.open[-1] if self.open else ""
        if inside == "style":
            self.page.style += words
            return
        self.page.text += words
        if inside == "title":
            self.page.title += words
        if inside in ("td", "th"):
            self.page.rows[-1][-1] += words
        if inside in ("h1", "h2", "h3"):
            tag, before = self.page.headings[-1]
            self.page.headings[-1] = (tag, before + words)


@pytest.fixture
def read_page() -> Callable[[str], Page]:
    """Parse a page and check what every page must hold."""

    def read(html: str) -> Page:
        reader = Reader()
        reader.feed(html)
        reader.close()
        page = reader.page
        assert reader.open == []
        assert html.startswith("<!doctype html>")
        assert page.language == "en"
        assert page.title
        assert [tag for tag, _ in page.headings].count("h1") == 1
        assert all(words for _, words in page.headings)
        assert set(page.scopes) <= {"col", "row"}
        assert not page.tags & {"script", "iframe", "object", "link", "form", "base"}
        # Nothing is loaded: no address in the style, and the policy forbids all but this page.
        assert not re.search(r"url\(|@import|https?:", page.style)
        assert page.policy.startswith("default-src 'none'; img-src data:; ")
        digest = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
        assert f"style-src 'sha256-{digest}'" in page.policy
        assert "prefers-color-scheme: dark" in page.style
        return page

    return read
