"""Takes pictures of the page's main states for the documents: ``python -m tests.screenshots``."""
