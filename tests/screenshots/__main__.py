"""Shows the page what it is to show, and takes the pictures."""

import base64
import time
from pathlib import Path

from selenium.webdriver import Keys
from selenium.webdriver.common.by import By

from tests.screenshots.png import shrink
from tests.support.browser import Browser
from tests.support.server import Server

IMAGES = Path(__file__).parents[2] / "docs" / "images"
ROOT_URL = "https://tc.example.com"
RATE = "20"
WARM_UP_S = 75
"""So that the chart has something to show."""
SETTLE_S = 2.0


class Camera:
    """The browser at one page."""

    def __init__(self, browser: Browser, url: str) -> None:
        self._driver = browser.driver
        self.look(1280, 800)
        self._driver.get(url)

    def look(self, width: int, height: int, scheme: str = "light") -> None:
        """Change the window's size and the colour scheme."""
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        self._driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        features = [{"name": "prefers-color-scheme", "value": scheme}]
        self._driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def type(self, css: str, *keys: str) -> None:
        """Type into the first such element."""
        self._driver.find_element(By.CSS_SELECTOR, css).send_keys(*keys)

    def click(self, css: str) -> None:
        """Click the first such element."""
        self._driver.find_element(By.CSS_SELECTOR, css).click()

    def press(self, key: str) -> None:
        """Press a key of the whole page."""
        self.type("body", key)

    def take(self, name: str) -> None:
        """Save a picture of what is seen."""
        time.sleep(SETTLE_S)
        shot = self._driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png"})
        png = shrink(base64.b64decode(shot["data"]))
        (IMAGES / f"{name}.png").write_bytes(png)
        print(f"docs/images/{name}.png, {len(png) >> 10} KiB")  # noqa: T201 - for who waits


def main() -> None:
    """Take all pictures."""
    IMAGES.mkdir(exist_ok=True)
    options = ("--demo", RATE, "--taskcluster-root-url", ROOT_URL)
    with Server(*options) as server, Browser() as browser:
        camera = Camera(browser, server.url)
        time.sleep(WARM_UP_S)
        camera.take("overview")
        camera.look(1280, 800, "dark")
        camera.take("overview-dark")
        camera.look(1440, 860)
        camera.press("t")
        camera.type("#grid", *[Keys.ARROW_DOWN] * 4, Keys.ENTER)
        camera.take("detail")
        camera.type("#grid", Keys.ESCAPE)
        camera.look(1280, 800)
        camera.click(".binding:nth-child(4) button[aria-expanded]")
        camera.type(".binding:nth-child(4) label:nth-of-type(6) input", "gecko-t", Keys.ESCAPE)
        camera.take("builder")
        camera.look(360, 740)
        camera.click("#bindings > summary")
        camera.click("#rates > summary")
        camera.take("narrow")


if __name__ == "__main__":
    main()
