"""How a page lies on its screen."""


def width_of(page) -> int:
    """How wide the page is, in pixels, once its style sheets are there: wider than its screen, it scrolls sideways."""
    page.wait_for_load_state()
    return page.evaluate("document.documentElement.scrollWidth")
