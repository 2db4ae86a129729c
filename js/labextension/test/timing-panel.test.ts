import { expect, test } from "vitest";
import { timingPanel } from "../src/answers/timing-panel.ts";

const inside = (panel: string) =>
  `<div><p>x</p><details><summary>s</summary>${panel}</details></div>`;

test("what the kernel makes comes through as it is", () => {
  const panel =
    '<div style="display:flex;flex-wrap:wrap;gap:10px 32px;margin:8px 0 0"><table style="width:100%;border-collapse:collapse">' +
    '<tbody><tr style="background-color:transparent"><td style="color:var(--jp-ui-font-color2,#757575)">connect</td>' +
    '<td><svg width="100%" height="18" style="display:block" aria-hidden="true"><rect x="1.00%" y="5" width="3%" height="8" rx="1" style="fill:var(--jp-brand-color1,#1976d2)" opacity="0.4"></rect></svg></td></tr></tbody></table></div>' +
    '<details name="ipyllm-tokens" open=""><summary>t</summary><div><span style="background-color:#f57c0038" title="31 ms">a &lt; b</span></div></details>';
  expect(timingPanel(inside(panel))).toBe(
    panel.replace("border-collapse:collapse", "border-collapse:collapse"),
  );
});

test.each([
  "<script>window.bad = 1</script>",
  '<img src="x" onerror="window.bad = 1">',
  '<div onclick="window.bad = 1">x</div>',
  '<a href="javascript:window.bad = 1">x</a>',
  '<iframe srcdoc="<script>window.bad = 1</script>"></iframe>',
  "<svg><script>window.bad = 1</script><foreignObject><img src=x></foreignObject></svg>",
  '<svg><style><img src=x onerror="window.bad = 1"></style></svg>',
  "<svg><rect><title>&lt;/title>&lt;img src=x onerror=1></title></rect></svg>",
  '<div style="background:url(https://x/?q)">x</div>',
  '<div style="background-color:url(https://x)">x</div>',
  '<div style="color:expression(alert(1))">x</div>',
  '<div style="position:fixed;inset:0;z-index:9">x</div>',
  '<div style="width:calc(9px)">x</div>',
  '<form action="https://x"><input name="q"><button>x</button></form>',
  '<math><mtext><table><mglyph><style><img src=x onerror="1">',
  '<details ontoggle="window.bad = 1" open>x</details>',
  '<span id="getElementById" class="x">x</span>',
  "<style>*{display:none}</style>",
  '<object data="x"></object><embed src="x"><link rel="x" href="x"><base href="x"><meta http-equiv="refresh">',
])("nothing harmful comes out of %s", (attack) => {
  const html = timingPanel(inside(attack));
  expect(html).not.toMatch(
    /<(?:script|img|a|iframe|style|object|embed|link|base|meta|form|input|button|math|foreignobject|title)\b|\bon\w+=|url\(|https?:|javascript|expression|position|inset|z-index|calc|\bid=|class=/i,
  );
});

test.each([
  "",
  "<p>x</p>",
  "<div></div>",
  "<div><details><summary>x</summary></details></div>",
  "<",
])("where there is no panel it says so: %j", (html) => {
  expect(timingPanel(html)).toContain("No times were saved");
});
