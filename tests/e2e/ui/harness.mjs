// A browser, a daemon (or its stand-in), and a line between them that can be cut.
//
//   NF_UI_FILES        where the built page is; for the stand-in
//   NEXFLOW_URL        a running daemon to test instead, whose model is tests/fakes/provider.py's
//                      "echo;delay=0.012;piece=24", which repeats what it is told
//   NEXFLOW_LINK       a command that prints a fresh one-time link of it
//   NEXFLOW_MODEL      where that model is controlled
//   NEXFLOW_SLOW       so many times slower the browser shall be: what passes then does not depend on time
//   NEXFLOW_SHOTS      a directory for screenshots
//   CHROMIUM           the browser, /usr/bin/chromium
import assert from 'node:assert/strict';
import { execSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import net from 'node:net';
import { join } from 'node:path';
import { after, afterEach, before } from 'node:test';
import { chromium } from 'playwright-core';
import { slowDown } from './measuring.mjs';
import { Mock } from './mock/server.mjs';

const SLOW = Number(process.env.NEXFLOW_SLOW ?? 1);
export const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync'];

export const real = Boolean(process.env.NEXFLOW_URL);

// What the model answers to a text.
export const reply = (text) => (real ? `echo: ${text}` : text);

// A TCP proxy that names the daemon by its own address, so that its Host check is content.
class Line {
  sockets = new Set();

  constructor(target) {
    this.target = new URL(target);
  }

  async up(port = 0) {
    this.server = net.createServer((near) => this.join(near));
    await new Promise((resolve) => this.server.listen(port, '127.0.0.1', resolve));
    this.port = this.server.address().port;
    this.url = `http://127.0.0.1:${this.port}`;
  }

  join(near) {
    const far = net.connect(Number(this.target.port || 80), this.target.hostname);
    for (const socket of [near, far]) {
      this.sockets.add(socket);
      socket.on('error', () => {});
      socket.on('close', () => {
        near.destroy();
        far.destroy();
        this.sockets.delete(socket);
      });
    }
    near.on('data', (data) => {
      const text = data.toString('latin1').replaceAll(`127.0.0.1:${this.port}`, this.target.host);
      far.write(Buffer.from(text, 'latin1'));
    });
    far.pipe(near);
  }

  cut() {
    for (const socket of this.sockets) socket.destroy();
  }

  async down() {
    const closed = new Promise((resolve) => this.server.close(resolve));
    this.cut();
    await closed;
  }
}

class World {
  reports = [];
  errors = [];

  async open() {
    if (!real) {
      assert.ok(process.env.NF_UI_FILES, 'NF_UI_FILES: where is the built page?');
      this.mock = await Mock.start(process.env.NF_UI_FILES);
    }
    this.line = new Line(real ? process.env.NEXFLOW_URL : this.mock.url);
    await this.line.up();
    this.browser = await this.launch();
    await this.signIn();
  }

  launch(options = {}) {
    return chromium.launch({ executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: ARGS, ...options });
  }

  link() {
    if (!real) return this.mock.link();
    return /http[^\s"]+/.exec(execSync(process.env.NEXFLOW_LINK, { encoding: 'utf8' }))[0];
  }

  // A link works once: sign in, and let every later window begin with that cookie.
  async signIn() {
    const context = await this.browser.newContext();
    const page = await context.newPage();
    await page.goto(`${this.line.url}/${new URL(this.link()).hash}`);
    await online(page); // with the cookie, which the page asks for before
    assert.equal(await page.evaluate(() => location.hash), '');
    this.state = await context.storageState();
    this.state.origins = [];
    await context.close();
  }

  async window(options = {}) {
    const context = await this.browser.newContext({ storageState: this.state, locale: 'en-GB', ...options });
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: this.line.url });
    context.setDefaultTimeout(WITHIN_MS);
    if (SLOW > 1) context.on('page', (page) => void slowDown(page, SLOW).catch(() => {})); // it may be gone again
    await context.addInitScript(() => {
      addEventListener('securitypolicyviolation', (e) => {
        console.error(`CSP ${e.violatedDirective} ${e.blockedURI} ${e.sample}`);
      });
    });
    return context;
  }

  async tab(context, path = '/') {
    const page = await context.newPage();
    page.on('console', (m) => {
      // A cut line and a missing sign-in are what some tests are about.
      if (m.type() !== 'error' || /ERR_|Failed to load resource|WebSocket connection|fetching the script/.test(m.text())) return;
      this.errors.push(m.text());
    });
    page.on('pageerror', (e) => this.errors.push(String(e)));
    page.on('dialog', (d) => {
      this.errors.push(`a dialog: ${d.message()}`);
      void d.dismiss();
    });
    await page.goto(this.line.url + path);
    return page;
  }

  // The model says no more than so many pieces of an answer, also of one under way, until it is released.
  async hold(pieces) {
    if (real) await control('POST', { from: pieces + 1 }); // behind the one that opens it
    else this.mock.heldFrom = pieces;
  }

  async release() {
    if (real) await control('DELETE', {});
    else this.mock.heldFrom = Infinity;
  }

  // What a test leaves open would go on working beside the next.
  async tidy() {
    await this.release();
    for (const context of this.browser?.contexts() ?? []) await context.close();
  }

  async close() {
    await this.browser?.close();
    await this.line?.down();
    await this.mock?.stop();
    assert.deepEqual(this.errors, [], 'console errors and reports');
  }

  // What the daemon says, past the line.
  async ask(path) {
    const cookie = this.state.cookies.map(({ name, value }) => `${name}=${value}`).join('; ');
    return (await fetch((real ? process.env.NEXFLOW_URL : this.mock.url) + path, { headers: { cookie } })).json();
  }

  async stored(page) {
    return page.evaluate(async () => {
      const session = location.hash.slice(4);
      const answer = await fetch(`/api/v1/sessions/${session}/messages?limit=200`);
      return (await answer.json()).messages;
    });
  }
}

async function control(method, body) {
  const answer = await fetch(`${process.env.NEXFLOW_MODEL}/_hold`, { method, body: JSON.stringify(body) });
  assert.equal(answer.status, 200);
}

// The world of a file of tests.
export function openWorld() {
  const world = new World();
  before(() => world.open());
  afterEach(() => world.tidy());
  after(() => world.close()); // fails on any report, console error or dialog
  return world;
}

const WITHIN_MS = 45000; // other suites run beside it

// Until `check` no longer throws, and what it says then: for all that comes soon, but not at once.
export async function eventually(check, within = WITHIN_MS) {
  const end = performance.now() + within;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() >= end) throw error;
    }
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
}

export const composer = (page) => page.getByRole('textbox', { name: 'Message' });
export const answers = (page) => page.locator('.message.assistant');

export async function say(page, text) {
  await composer(page).fill(text);
  await composer(page).press('Enter');
}

// As another device of the person would: text that is too long for a test to type.
export const sayElsewhere = (page, text) => page.evaluate(async (content) => {
  await fetch('/api/v1/messages', { method: 'POST', headers: { 'Content-Type': 'application/json' },
                                    body: JSON.stringify({ message_id: crypto.randomUUID(), session_id: location.hash.slice(4), content }) });
}, text);

export async function online(page) {
  await page.locator('.link-dot.online').waitFor({ state: 'attached' });
}

// The page knows that the line is gone.
export async function offline(page) {
  await page.locator('.link-dot.offline').waitFor({ state: 'attached' });
}

// It has begun so many attempts to find the daemon from now on. Whether one failed is not told of those that
// the service worker makes for it.
export async function triesAgain(page, n) {
  for (let i = 0; i < n; i++) await page.waitForEvent('request', (request) => request.url().endsWith('/api/v1/auth'));
}

export async function ended(page, n = 1, state = 'done') {
  await page.locator(`.turn[data-state="${state}"]`).nth(n - 1).waitFor();
}

// What a button copies, byte for byte.
export async function copiedBy(page, button) {
  await page.evaluate(() => navigator.clipboard.writeText(''));
  await button.click();
  return eventually(async () => {
    const text = await page.evaluate(() => navigator.clipboard.readText());
    assert.notEqual(text, '', 'nothing was copied');
    return text;
  });
}

export const copied = (page, n = 0) => copiedBy(page, page.getByRole('button', { name: 'Copy answer' }).nth(n));

// That the element has the focus, or gets it soon.
export const focused = (locator) => eventually(async () =>
  assert.ok(await locator.evaluate((element) => element === document.activeElement), `the focus is not on ${locator}`));

// What a locator finds, as soon as it is so many; what it says, as soon as it is that.
export const counts = (locator, n, why) => eventually(async () => assert.equal(await locator.count(), n, why));
export const says = (locator, text) => eventually(async () => {
  const said = await locator.innerText();
  if (text instanceof RegExp) assert.match(said, text);
  else assert.equal(said, text);
});

// That nothing has to be scrolled sideways, in the page and in this part of it.
export const fits = (page, part, what) => eventually(async () => assert.deepEqual(await page.evaluate((selector) => {
  const box = document.querySelector(selector);
  return [document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth, box.scrollWidth - box.clientWidth];
}, part), [0, 0], what));

export async function shot(page, name) {
  if (process.env.NEXFLOW_SHOTS) await page.screenshot({ path: join(process.env.NEXFLOW_SHOTS, `${name}.png`) });
}

// In both schemes.
export async function shots(page, name) {
  for (const colorScheme of ['dark', 'light']) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' }); // at once
    await shot(page, `${name}-${colorScheme}`);
  }
  await page.emulateMedia({ reducedMotion: 'no-preference' });
}

const AXE = readFileSync(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');
const TAGS = ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'];

const violations = (page, runOnly) => page.evaluate(async (only) => {
  const { violations: found } = await window.axe.run(document, { runOnly: only, resultTypes: ['violations'], preload: false });
  return found.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join('; ')}`);
}, runOnly);

// All rules in the light scheme; in the dark one those of colour, for nothing else differs.
export async function accessible(page, what) {
  if (!await page.evaluate(() => 'axe' in window)) await page.evaluate(AXE);
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'reduce' });
  assert.deepEqual(await violations(page, { type: 'tag', values: TAGS }), [], what);
  await page.emulateMedia({ colorScheme: 'dark' });
  assert.deepEqual(await violations(page, { type: 'rule', values: ['color-contrast', 'link-in-text-block'] }), [], `${what}, dark`);
  await page.emulateMedia({ colorScheme: 'light', reducedMotion: 'no-preference' });
}

// About `kilobytes` of text with every kind of block, that is different in every line.
export function longText(kilobytes) {
  const parts = [];
  for (let i = 1; parts.join('').length < kilobytes * 1024; i++) {
    parts.push(`## Part ${i}\n\nSome **bold ${i}** text with \`code ${i}\`, ünïcödé → €${i} 🙂 and a [link](https://example.org/${i}).\n\n`);
    parts.push(`- first ${i}\n- second ${i}\n  - inner ${i}\n\n`);
    parts.push(`\`\`\`python\ndef part_${i}(x):\n\n    return x * ${i}  # ünï\n\`\`\`\n\n`);
    parts.push(`| a | b |\n|---|--:|\n| ${i} | ${i * i} |\n\n`);
  }
  return parts.join('').trim();
}
