"""Chromium before the portal, as a person has it: pages are opened and forms are filled in, nothing is reached into."""

import os
import pathlib
import subprocess
import time

from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException, TimeoutException
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

BASE = os.environ["TOPRACK_URL"]
TOKEN = os.environ["TOPRACK_TOKEN"]
SHOTS = os.environ.get("TOPRACK_SCREENSHOTS", "")
CHECKER = (pathlib.Path(__file__).parent / "checker.js").read_text()
PATIENCE = 20


class Browser:
    def __init__(self, scripts=True, dark=False, width=1280, height=900):
        options = Options()
        options.binary_location = os.environ.get("TOPRACK_CHROMIUM", "/usr/bin/chromium")
        for argument in [
            "--headless=new", "--no-sandbox", "--disable-dev-shm-usage", "--disable-gpu", "--ignore-certificate-errors",
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--hide-scrollbars",
            f"--window-size={width},{height}",
        ]:
            options.add_argument(argument)
        preferences = {"download.default_directory": os.environ.get("TOPRACK_DOWNLOADS", "/tmp")}
        if not scripts:
            preferences["profile.managed_default_content_settings.javascript"] = 2
        options.add_experimental_option("prefs", preferences)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service("/usr/bin/chromedriver"))
        self.scripts = scripts
        self.view(dark, width, height)

    def view(self, dark, width, height=900):
        self.driver.execute_cdp_cmd(
            "Emulation.setEmulatedMedia",
            {"features": [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]})
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False})

    def close(self):
        self.driver.quit()

    # What a person does.

    def open(self, path):
        self.driver.get(path if path.startswith("http") else BASE + path)

    @property
    def path(self):
        return self.driver.current_url.removeprefix(BASE).split("#")[0]

    @property
    def text(self):
        return self.driver.find_element(By.TAG_NAME, "body").text

    def find(self, css):
        return self.driver.find_element(By.CSS_SELECTOR, css)

    def all(self, css):
        return self.driver.find_elements(By.CSS_SELECTOR, css)

    def has(self, css):
        return bool(self.all(css))

    def field(self, label):
        """By its label, as a person finds it."""
        for element in self.driver.find_elements(By.TAG_NAME, "label"):
            if element.text.strip().startswith(label):
                name = element.get_attribute("for")
                return self.find(f"#{name}") if name else element.find_element(By.CSS_SELECTOR, "input, select")
        raise NoSuchElementException(f"no field {label}")

    def fill(self, label, value):
        element = self.field(label)
        if element.tag_name == "select":
            Select(element).select_by_value(value)
        else:
            element.clear()
            element.send_keys(value)

    def tick(self, element):
        if not element.is_selected():
            self.show(element)
            element.click()

    def show(self, element):
        self.driver.execute_cdp_cmd("DOM.enable", {})
        if self.scripts:
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)

    def press(self, name, inside="body"):
        """A button or link by its text, or by what a screen reader says; waits for the page that follows."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                for element in self.all(f"{inside} button, {inside} a"):
                    if name in (element.text.strip(), element.get_attribute("aria-label")):
                        return self.follow(element)
                raise NoSuchElementException(f"nothing to press called {name} on {self.path}: {self.text[:600]}")
            except StaleElementReferenceException:  # the page was brought up to date just then
                if time.monotonic() > deadline:
                    raise

    def follow(self, element):
        page = self.find("html")
        self.show(element)
        element.click()
        self.until(lambda: page != self.find("html"), "another page")
        if self.scripts:
            self.until(lambda: self.driver.execute_script("return document.readyState") == "complete", "the page")

    def until(self, condition, what, patience=PATIENCE):
        def holds(_):
            try:
                return condition()
            except Exception:  # a page that changes under us is asked again
                return False

        try:
            WebDriverWait(self.driver, patience, poll_frequency=0.05).until(holds)
        except TimeoutException:
            raise TimeoutException(f"not within {patience} s: {what}\n{self.path}\n{self.text[:1500]}") from None

    def sign_in(self, token=TOKEN):
        self.open("/portal")
        self.fill("Token", token)
        self.press("Sign in", "form")

    def refusal(self):
        return [element.text for element in self.all(".refusal")]

    # What is looked at besides.

    def errors(self):
        """What the browser complains of: the script, the policy, a file that is missing."""
        return [entry["message"] for entry in self.driver.get_log("browser") if entry["level"] in ("SEVERE", "WARNING")]

    def check(self, expected_errors=()):
        if self.scripts:
            faults = self.driver.execute_script("return (" + CHECKER + ")")
            assert not faults, f"{self.path}:\n" + "\n".join(faults)
        errors = [error for error in self.errors() if not any(word in error for word in expected_errors)]
        assert not errors, f"{self.path}: the browser says {errors}"

    def shoot(self, name):
        if not SHOTS:
            return
        size = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
        picture = self.driver.execute_cdp_cmd(
            "Page.captureScreenshot",
            {"captureBeyondViewport": True,
             "clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 4000), "scale": 1}})
        import base64
        pathlib.Path(SHOTS).mkdir(parents=True, exist_ok=True)
        (pathlib.Path(SHOTS) / f"{name}.png").write_bytes(base64.b64decode(picture["data"]))


def run(*command, ok=True):
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert not ok or done.returncode == 0, f"{' '.join(command)}: {done.stdout}{done.stderr}"
    return done


def in_namespace(name, *command, ok=True):
    return run("ip", "netns", "exec", name, *command, ok=ok)
