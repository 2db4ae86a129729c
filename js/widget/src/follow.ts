/** How far (px) an answer's end may be below the edge of what is seen and still count as seen. */
const SLACK = 8;

/**
 * Call it before a write and the function it gives after: the end of `node` stays in sight if it was. A reader who
 * scrolled up, be it by a line, is left alone; so is one who looks at something below.
 */
export function follow(node: HTMLElement): () => void {
  const scroller = scrollerOf(node);
  if (scroller === null) return () => {};
  const view = scroller.getBoundingClientRect();
  const end = node.getBoundingClientRect().bottom;
  if (end > view.bottom + SLACK || end < view.top) return () => {};
  return () => {
    const below = node.getBoundingClientRect().bottom - view.bottom;
    if (below > 0) scroller.scrollTop += below;
  };
}

/** The nearest thing around `node` that scrolls: the output, or the notebook. */
function scrollerOf(node: HTMLElement): HTMLElement | null {
  for (let around = node.parentElement; around !== null; around = around.parentElement) {
    // The cheap question first: computed styles are only asked of the few that could.
    if (around.scrollHeight <= around.clientHeight) continue;
    const { overflowY } = getComputedStyle(around);
    if (overflowY === "auto" || overflowY === "scroll") return around;
  }
  return null;
}
