"""Pages for the documents' snippets: what is around one."""

_AROUND_A_SNIPPET = """<!doctype html>
<meta charset="utf-8">
<pre id="said"></pre>
<script>
  const said = document.getElementById("said");
  const say = (...words) => said.append(words.join(" ") + "\\n");
  console.log = say;
  addEventListener("error", (event) => say(event.message));
</script>
<script type="module">
"""


def page_of(snippet: str) -> str:
    """Return a page that runs ``snippet`` and shows what it logs."""
    return f"{_AROUND_A_SNIPPET}{snippet}\n</script>"
