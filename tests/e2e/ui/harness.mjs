// A browser, a daemon (or its stand-in), and a line between them that can be cut.
//
//   NF_UI_FILES        where the built page is; for the stand-in
//   NEXFLOW_URL        a running daemon to test instead, whose model is tests/fakes/provider.py's
//                      "echo;delay=0.012;piece=24", which repeats what it is told
//   NEXFLOW_LINK       a command that prints a fresh one-time link of it
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
import { Mock } from './mock/server.mjs';

const ARGS = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
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
    this.browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: ARGS });
    await this.signIn();
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
    await page.getByRole('textbox', { name: 'Message' }).waitFor();
    assert.equal(await page.evaluate(() => location.hash), '');
    this.state = await context.storageState();
    this.state.origins = [];
    await context.close();
  }

  async window(options = {}) {
    const context = await this.browser.newContext({ storageState: this.state, locale: 'en-GB', ...options });
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: this.line.url });
    context.setDefaultTimeout(WITHIN_MS);
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

  // What a test leaves open would go on working beside the next.
  async tidy() {
    for (const context of this.browser?.contexts() ?? []) await context.close();
  }

  async close() {
    await this.browser?.close();
    await this.line?.down();
    await this.mock?.stop();
    assert.deepEqual(this.errors, [], 'console errors and reports');
  }

  async stored(page) {
    return page.evaluate(async () => {
      const session = location.hash.slice(4);
      const answer = await fetch(`/api/v1/sessions/${session}/messages?limit=200`);
      return (await answer.json()).messages;
    });
  }
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

export async function ended(page, n = 1, state = 'done') {
  await page.locator(`.turn[data-state="${state}"]`).nth(n - 1).waitFor();
}

// What the person gets who copies the answer: its text, byte for byte.
export async function copied(page, n = 0) {
  await page.getByRole('button', { name: 'Copy answer' }).nth(n).click();
  return page.evaluate(() => navigator.clipboard.readText());
}

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
