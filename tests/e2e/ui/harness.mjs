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
import net from 'node:net';
import { join } from 'node:path';
import AxeBuilder from '@axe-core/playwright';
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

export class World {
  reports = [];
  errors = [];

  static async create() {
    const world = new World();
    if (!real) {
      assert.ok(process.env.NF_UI_FILES, 'NF_UI_FILES: where is the built page?');
      world.mock = await Mock.start(process.env.NF_UI_FILES);
    }
    world.line = new Line(real ? process.env.NEXFLOW_URL : world.mock.url);
    await world.line.up();
    world.browser = await chromium.launch({
      executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium', headless: true, args: ARGS });
    await world.signIn();
    return world;
  }

  // A link works once: sign in, and let every later window begin with that cookie.
  async signIn() {
    const context = await this.browser.newContext();
    const page = await context.newPage();
    const link = real ? execSync(process.env.NEXFLOW_LINK, { encoding: 'utf8' }) : this.mock.link();
    await page.goto(`${this.line.url}/${new URL(/http[^\s"]+/.exec(link)[0]).hash}`);
    await page.getByRole('textbox', { name: 'Message' }).waitFor();
    assert.equal(await page.evaluate(() => location.hash), '');
    this.state = await context.storageState();
    this.state.origins = [];
    await context.close();
  }

  async window(options = {}) {
    const context = await this.browser.newContext({ storageState: this.state, locale: 'en-GB', ...options });
    await context.grantPermissions(['clipboard-read', 'clipboard-write'], { origin: this.line.url });
    context.setDefaultTimeout(15000);
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
      if (m.type() !== 'error' || /ERR_|Failed to load resource|WebSocket connection/.test(m.text())) return;
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

  async close() {
    await this.browser.close();
    await this.line.down();
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

export const composer = (page) => page.getByRole('textbox', { name: 'Message' });
export const answers = (page) => page.locator('.message.assistant');

export async function say(page, text) {
  await composer(page).fill(text);
  await composer(page).press('Enter');
}

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

export async function accessible(page, what) {
  const result = await new AxeBuilder({ page })
    .withTags(['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'])
    .analyze();
  const found = result.violations.map((v) => `${v.id}: ${v.nodes.map((n) => `${n.target} ${n.failureSummary}`).join('; ')}`);
  assert.deepEqual(found, [], what);
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
