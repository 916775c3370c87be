"""The inspector page as who looks at it and types into it sees it."""

from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote

from selenium.webdriver import Keys
from selenium.webdriver.remote.webelement import WebElement

from tests.support.browser import Browser, Tab
from tests.support.waiting import wait_until

_WATCH = (Path(__file__).parent / "watch.js").read_text()
_ROWS = """
const rows = [...document.querySelectorAll("#grid-body [role=row]")];
return rows
  .filter((row) => !row.hidden)
  .sort((a, b) => a.ariaRowIndex - b.ariaRowIndex)
  .map((row) => [
    [...row.querySelectorAll("[role=gridcell]")].map((cell) => cell.firstChild.data),
    row.className.split(" "),
  ]);
"""


class Row(NamedTuple):
    """One row of the table that is in the document."""

    cells: list[str]
    classes: set[str]


def rows_of(tab: Tab) -> list[Row]:
    """Return the rows that are in a tab's document, from the top."""
    return [Row(cells, set(classes)) for cells, classes in tab.run(_ROWS)]


def fragment(*bindings: tuple[str, str], **others: str) -> str:
    """Return the part of the URL that asks for a view."""
    pairs = [f"b={quote(exchange, safe='/')}={quote(pattern)}" for exchange, pattern in bindings]
    return "#" + "&".join(
        pairs + [f"{name}={quote(text, safe=',')}" for name, text in others.items()]
    )


class Inspector:
    """The page in a tab of its own.

    Args:
        browser: Opens the tab.
        url: Of the server.
        view: The URL's fragment.
        bypass_policy: Let in scripts that are not the server's, such as axe-core.
    """

    def __init__(
        self, browser: Browser, url: str, view: str = "", *, bypass_policy: bool = False
    ) -> None:
        self.tab: Tab = browser.open("about:blank")
        self.tab.command("Page.enable")
        self.tab.command("Page.setBypassCSP", enabled=bypass_policy)
        self.tab.command("Page.addScriptToEvaluateOnNewDocument", source=_WATCH)
        self.tab.go(url + view)
        wait_until(lambda: self.texts("#editor .binding"), "the page's parts")
        wait_until(lambda: self.texts("#snippets pre"), "what is loaded after them")

    def look(self, *, width: int, height: int = 800, scheme: str = "light") -> None:
        """Change the size of the window and the colour scheme."""
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self.tab.command("Emulation.setDeviceMetricsOverride", **metrics)
        feature = {"name": "prefers-color-scheme", "value": scheme}
        self.tab.command("Emulation.setEmulatedMedia", features=[feature])

    # What is seen

    def text(self, css: str) -> str:
        """Return an element's text, hidden or not."""
        return str(self.tab.run("return document.querySelector(args[0]).textContent;", css))

    def texts(self, css: str) -> list[str]:
        """Return the text of each such element."""
        script = "return [...document.querySelectorAll(args[0])].map((each) => each.textContent);"
        return list(self.tab.run(script, css))

    def rows(self) -> list[Row]:
        """Return the rows that are in the document, from the top."""
        return rows_of(self.tab)

    def column(self, number: int) -> list[str]:
        """Return the texts of one column, from the top."""
        return [row.cells[number] for row in self.rows()]

    def watched(self) -> dict[str, Any]:
        """Return what ``watch.js`` noted."""
        return dict(self.tab.run("return watched;"))

    @property
    def phase(self) -> str:
        """Return what the page says of its connection."""
        return self.text("#phase")

    @property
    def fragment(self) -> str:
        """Return the view as the URL has it."""
        return str(self.tab.run("return location.hash;"))

    # What is waited for

    def wait(self, css: str, text: str, *, within_s: float = 10.0) -> None:
        """Wait until an element's text contains ``text``."""

        def is_there() -> bool:
            return any(text in found for found in self.texts(css))

        try:
            wait_until(is_there, f"{text!r} in {css}", within_s=within_s)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; it says {self.texts(css)}") from None

    def wait_listening(self) -> None:
        """Wait until what is published will come."""
        self.wait("#phase", "listening")

    def wait_column(self, number: int, wanted: list[str]) -> None:
        """Wait until the column holds exactly these texts, from the top."""
        try:
            wait_until(lambda: self.column(number) == wanted, f"column {number} is {wanted}")
        except TimeoutError as error:
            raise TimeoutError(f"{error}; it is {self.column(number)}") from None

    # What is done

    def button(self, label: str, within: str = "body") -> WebElement:
        """Return the visible button with this text or accessible name."""
        script = """
            return [...document.querySelectorAll(`${args[1]} button`)].find((button) =>
              button.checkVisibility() &&
              [button.textContent.trim(), button.ariaLabel].includes(args[0]));
        """
        found = self.tab.run(script, label, within)
        assert isinstance(found, WebElement), f"there is no button {label!r} in {within}"
        return found

    def click(self, label: str, within: str = "body") -> None:
        """Click the button with this text or accessible name."""
        button = self.button(label, within)
        self.tab.bring(button)
        button.click()

    def type(self, css: str, text: str) -> None:
        """Replace what an input holds."""
        field = self.tab.find(css)
        field.send_keys(Keys.CONTROL, "a")
        field.send_keys(text or Keys.DELETE)

    def filter(self, text: str) -> None:
        """Filter the table."""
        self.type("#filter", text)
        self.tab.find("#filter").send_keys(Keys.ENTER)

    def bind(self, row: int, exchange: str, pattern: str) -> None:
        """Fill one row of the bindings editor."""
        place = f"#editor .binding:nth-child({row + 1})"
        self.type(f"{place} .exchange", exchange)
        self.type(f"{place} .pattern", pattern)
