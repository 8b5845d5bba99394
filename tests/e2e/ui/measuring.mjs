// How long and how much: told, and judged only where the machine is known to be quiet (script/page).
import assert from 'node:assert/strict';
import { appendFile } from 'node:fs/promises';

export async function tell(name, figures) {
  console.log(`${name}: ${JSON.stringify(figures)}`);
  if (process.env.NEXFLOW_FIGURES) await appendFile(process.env.NEXFLOW_FIGURES, `${name}\t${JSON.stringify(figures)}\n`);
}

// Each [name, figure, most]; or least, as [name, figure, undefined, least]. Only where time is known to
// be ours.
export function judge(...bars) {
  if (!process.env.NF_PAGE_FIGURES) return;
  const missed = bars.filter(([, figure, most = Infinity, least = -Infinity]) => !(figure <= most && figure >= least));
  assert.deepEqual(missed, [], 'bars that were missed');
}

export const at = (values, part) => values.toSorted((a, b) => a - b)[Math.min(values.length - 1, Math.floor(values.length * part))];

// From now on the pages of the context note how long each answer's first piece of text took to the
// picture: from its frame, and from the key that sent the question. A picture is there when the task ends
// that drew it: what a frame's callbacks send to themselves comes right behind it.
export const watchTokens = (context) => context.addInitScript(() => {
  const noted = [];
  window.firstTokens_ = noted;
  const { port1, port2 } = new MessageChannel();
  const ask = window.requestAnimationFrame.bind(window);
  const afterFrame = [];
  let inFrame = false;
  port1.onmessage = () => {
    inFrame = false;
    for (const work of afterFrame.splice(0)) work();
  };
  window.requestAnimationFrame = (work) => ask((now) => {
    if (!inFrame) port2.postMessage(0);
    inFrame = true;
    work(now);
  });
  const whenPainted = (work) => (inFrame ? afterFrame.push(work) : requestAnimationFrame(() => afterFrame.push(work)));

  let last = '';
  let sent = 0;
  const follow = (run, frame, key) => {
    const observer = new MutationObserver(() => {
      if (!document.querySelector(`[data-run="${run}"] .markdown`)?.textContent) return;
      observer.disconnect();
      whenPainted(() => noted.push({ frame: performance.now() - frame, send: performance.now() - key }));
    });
    observer.observe(document, { subtree: true, childList: true, characterData: true });
  };
  addEventListener('keydown', (event) => {
    if (event.key === 'Enter') sent = performance.now();
  }, { capture: true });
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener('message', ({ data }) => {
        const frame = JSON.parse(data);
        if (frame.type !== 'TEXT_MESSAGE_CONTENT' || frame.run_id === last) return;
        last = frame.run_id;
        follow(frame.run_id, performance.now(), sent);
      });
    }
  };
});

// Percentiles over n answers, in ms.
export async function tokens(page, n) {
  await page.waitForFunction((count) => window.firstTokens_.length >= count, n);
  const noted = await page.evaluate(() => window.firstTokens_);
  return Object.fromEntries(['frame', 'send'].map((name) => {
    const times = noted.map((one) => one[name]);
    return [name, { p50_ms: Math.round(at(times, 0.5)), p95_ms: Math.round(at(times, 0.95)) }];
  }));
}

// How long each frame of the page takes, from now on.
export const watchFrames = (page) => page.evaluate(() => {
  const frames = [];
  window.frames_ = frames;
  let last = performance.now();
  const frame = (now) => {
    frames.push(now - last);
    last = now;
    requestAnimationFrame(frame);
  };
  requestAnimationFrame(frame);
});

export async function frames(page) {
  const all = await page.evaluate(() => window.frames_);
  return { fps: Math.round(1000 / (all.reduce((a, b) => a + b) / all.length)), worst_ms: Math.round(Math.max(...all)) };
}

// What the page's own thread computes from now on, in ms, whoever else uses the machine.
export async function workOf(context, page) {
  const line = await context.newCDPSession(page);
  await line.send('Performance.enable', { timeDomain: 'threadTicks' });
  const now = async () => (await line.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration').value * 1000;
  const before = await now();
  return async () => await now() - before;
}

export async function slowDown(page, rate) {
  const line = await page.context().newCDPSession(page);
  await line.send('Emulation.setCPUThrottlingRate', { rate });
}
