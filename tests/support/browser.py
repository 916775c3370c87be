"""Debian's Chromium, headless, driven by Selenium: one browser, many tabs.

Owns the browser's processes and its empty profile.  What its tabs do with the browser client is
recorded by ``tests/browser/recorder.js``, which each tab loads; knows nothing of servers.
"""

import contextlib
import json
import shutil
import tempfile
from pathlib import Path
from typing import Any, Self

from selenium.common.exceptions import WebDriverException
from selenium.webdriver import ActionChains, Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement

from tests.support import reaper
from tests.support.waiting import wait_until

_RECORDER = Path(__file__).parent.parent / "browser" / "recorder.js"
_FLAGS = (
    "--headless",
    "--no-sandbox",  # the tests may run as root, for whom Chromium has no sandbox
    "--disable-dev-shm-usage",  # containers have a /dev/shm of 64 MB
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1280,900",
)
_SCRIPT_LIMIT_S = 10
BLANK_PATH = "static/package.json"
"""Of a server: something small to open that has no script and no policy of its own, and may be kept
in the back/forward cache."""


def _program(name: str) -> str:
    found = shutil.which(name)
    if found is None:
        raise FileNotFoundError(f"{name} is not installed; `make test` installs it on Debian")
    return found


def _entries(bindings: tuple[tuple[str, str], ...]) -> list[dict[str, str]]:
    return [{"exchange": e, "routingKeyPattern": p} for e, p in bindings]


class Tab:
    """One tab; its calls bring it to the front first."""

    def __init__(self, driver: Chrome, handle: str) -> None:
        self._driver = driver
        self._handle = handle

    def run(self, script: str, *arguments: object) -> Any:
        """Return what ``script``, an async function's body, returns; it finds ``args``."""
        self._front()
        outcome = self._driver.execute_async_script(
            "const args = [...arguments], done = args.pop();"
            f"(async () => {{ {script} }})().then((value) => done({{ value }}),"
            "(error) => done({ error: String(error) }));",
            *arguments,
        )
        assert "error" not in outcome, outcome["error"]
        return outcome.get("value")

    def go(self, url: str) -> None:
        """Open another page in this tab."""
        self._front()
        self._driver.get(url)

    def back(self) -> None:
        """Go back in this tab's history."""
        self._front()
        self._driver.back()

    def find(self, css: str) -> WebElement:
        """Return the first element that the selector fits."""
        self._front()
        return self._driver.find_element(By.CSS_SELECTOR, css)

    def bring(self, element: WebElement) -> dict[str, float]:
        """Bring an element into sight, wait until it rests there, and return where its middle is.

        What comes into sight with it may have its true height two frames later, and move it: a
        click would go where it was.
        """
        script = """
            const [element] = args;
            element.scrollIntoView({ block: "nearest", behavior: "instant" });
            for (let top, still = 0; still < 3; top = element.getBoundingClientRect().top) {
              await new Promise(requestAnimationFrame);
              still = element.getBoundingClientRect().top === top ? still + 1 : 0;
            }
            const { left, top, width, height } = element.getBoundingClientRect();
            return { x: left + width / 2, y: top + height / 2 };
        """
        return dict(self.run(script, element))

    def press(self, *keys: str) -> None:
        """Press keys, one after the other, where the focus is."""
        self._front()
        ActionChains(self._driver).send_keys(*keys).perform()

    def command(self, name: str, **parameters: object) -> Any:
        """Give a command of the DevTools protocol."""
        self._front()
        return self._driver.execute_cdp_cmd(name, parameters)

    def set_offline(self, offline: bool) -> None:
        """Take this tab's network away, or give it back."""
        endless = {"latency": 0, "downloadThroughput": -1, "uploadThroughput": -1}
        self.command("Network.enable")
        self.command("Network.emulateNetworkConditions", offline=offline, **endless)

    def close(self) -> None:
        """Close this tab."""
        self._front()
        self._driver.close()

    def listen(self, name: str, *bindings: tuple[str, str], **options: object) -> None:
        """Start to listen, under a name for `told`; the client is the page's server's."""
        self.run(
            f"if (!globalThis.recorder) {{ {_RECORDER.read_text()} }}"
            "await recorder.begin(...args);",
            name,
            _entries(bindings),
            options,
        )

    def rebind(self, name: str, *bindings: tuple[str, str]) -> None:
        """Ask for other bindings; what becomes of it is told as ``rebinds``."""
        self.run("recorder.rebind(...args);", name, _entries(bindings))

    def told(self, name: str) -> dict[str, Any]:
        """Return what a listener was told so far, by kind."""
        return dict(self.run("return recorder.told(args[0]);", name))

    def wait(self, name: str, kind: str, count: int = 1, *, within_s: float = 10.0) -> list[Any]:
        """Wait until a listener was told ``count`` times of ``kind``, and return those."""
        found: list[Any] = []

        def enough() -> bool:
            found[:] = self.told(name)[kind]
            return len(found) >= count

        try:
            wait_until(enough, f"{count} {kind} of {name}", within_s=within_s)
        except TimeoutError as error:
            raise TimeoutError(f"{error}; told: {json.dumps(self.told(name))[:3000]}") from None
        return found

    def _front(self) -> None:
        self._driver.switch_to.window(self._handle)


class Browser:
    """Chromium: ``with Browser() as browser: tab = browser.open(url)``."""

    def __init__(self) -> None:
        self._profile = Path(tempfile.mkdtemp(prefix="pulse-events-chromium-"))
        reaper.watch(self._profile)
        options = ChromeOptions()
        options.binary_location = _program("chromium")
        for flag in (*_FLAGS, f"--user-data-dir={self._profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self._service = Service(_program("chromedriver"), popen_kw={"start_new_session": True})
        self.driver = Chrome(options, self._service)
        reaper.watch(self._service.process.pid)
        self.driver.set_script_timeout(_SCRIPT_LIMIT_S)
        self._home = self.driver.current_window_handle

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def open(self, url: str) -> Tab:
        """Open a page in a new tab."""
        self.driver.switch_to.window(self._home)
        self.driver.switch_to.new_window("tab")
        tab = Tab(self.driver, self.driver.current_window_handle)
        tab.go(url)
        return tab

    def end_shared_workers(self) -> int:
        """End all SharedWorkers, as the browser does when it lacks memory; return how many."""
        self.driver.switch_to.window(self._home)
        targets = self.driver.execute_cdp_cmd("Target.getTargets", {"filter": [{}]})["targetInfos"]
        workers = [target["targetId"] for target in targets if target["type"] == "shared_worker"]
        for worker in workers:
            self.driver.execute_cdp_cmd("Target.closeTarget", {"targetId": worker})
        return len(workers)

    def tabs(self) -> list[Tab]:
        """Return the tabs that were opened and not closed."""
        return [Tab(self.driver, each) for each in self.driver.window_handles if each != self._home]

    def close_tabs(self) -> None:
        """Close all tabs that were opened."""
        for tab in self.tabs():
            tab.close()
        self.driver.switch_to.window(self._home)

    def close(self) -> None:
        """End the browser and remove its profile."""
        with contextlib.suppress(WebDriverException):
            self.driver.quit()
        reaper.forget(self._service.process.pid)
        shutil.rmtree(self._profile, ignore_errors=True)
        reaper.forget(self._profile)
