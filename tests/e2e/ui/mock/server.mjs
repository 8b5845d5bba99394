// The daemon's API as docs/api.md has it, with a model that repeats what it is told. In memory, for
// one user: enough to run the page without a daemon.
//
// A message "mock:error" ends in RUN_ERROR, "mock:tool" calls a tool, "mock:fail" one that fails,
// "mock:slow" one that tells how far it is until release() is called, "mock:ask" one that a person
// has to allow, "mock:refuse" is not taken.
import { createServer } from 'node:http';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { WebSocketServer } from 'ws';
import { People } from './people.mjs';
import { Skills } from './skills.mjs';

const ATTEMPT = 2 ** 24;
const CHUNK = 24; // characters of a delta
export const CSP =
  "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data: blob:; " +
  "font-src 'self'; connect-src 'self'; manifest-src 'self'; worker-src 'self'; " +
  "media-src 'self' blob:; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; " +
  "require-trusted-types-for 'script'; trusted-types nexflow-sw";

const sleep = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const id = (n) => n.toString(32).padStart(13, '0');

export class Mock {
  delayMs = 12;
  listMs = 0; // how long the list of sessions is under way
  infoMs = []; // and what is said of one, in turn
  approvalsMs = []; // and the list of approvals
  models = [{ name: 'mock/echo-1', provider: 'mock', context_tokens: 8192, output_tokens: 1024 }];
  sessions = new Map();
  outcomes = new Map();
  received = []; // every user_message, also doubles
  tokens = new Set();
  cookies = new Set();
  sockets = new Set();
  files = new Map();
  approvals = new Map();
  approvalMs = 30 * 60 * 1000;
  skills = new Skills();
  people = new People(id);
  health = {};
  tasks = [];
  searching = null; // who answers searches instead
  reasons = []; // why it is not ready: texts with codes
  role = 'owner';
  release = () => {};
  heldFrom = Infinity; // the model stops before this piece of an answer
  nextId = 1;

  static async start(folder) {
    const mock = new Mock();
    for (const row of (await readFile(join(folder, 'assets.tsv'), 'utf8')).trim().split('\n')) {
      const [path, file, type] = row.split('\t');
      mock.files.set(path, { type, body: gunzipSync(await readFile(join(folder, file))) });
    }
    mock.server = createServer((request, response) => void mock.handle(request, response));
    mock.ws = new WebSocketServer({ noServer: true });
    mock.server.on('upgrade', (request, socket, head) => mock.upgrade(request, socket, head));
    await new Promise((resolve) => mock.server.listen(0, '127.0.0.1', resolve));
    mock.url = `http://127.0.0.1:${mock.server.address().port}`;
    return mock;
  }

  link() {
    const token = `token-${this.nextId++}`;
    this.tokens.add(token);
    return `${this.url}/#t=${token}`;
  }

  async stop() {
    for (const socket of this.sockets) socket.terminate();
    this.server.closeAllConnections();
    await new Promise((resolve) => this.server.close(resolve));
  }

  /* ---- HTTP ---- */

  signedIn(request) {
    const match = /nexflow_session=([^;]+)/.exec(request.headers.cookie ?? '');
    return Boolean(match && this.cookies.has(match[1]));
  }

  async handle(request, response) {
    const url = new URL(request.url, this.url);
    const chunks = [];
    for await (const chunk of request) chunks.push(chunk);
    const body = chunks.length ? JSON.parse(Buffer.concat(chunks).toString()) : {};
    const reply = (status, value, headers = {}) => {
      response.writeHead(status, {
        'Content-Type': 'application/json', 'Cache-Control': 'no-store', ...headers });
      response.end(value === undefined || Buffer.isBuffer(value) ? value : JSON.stringify(value));
    };
    reply.raw = (status, type, text) => {
      response.writeHead(status, { 'Content-Type': type });
      response.end(text);
    };
    const file = this.files.get(url.pathname);
    if (file) {
      response.writeHead(200, { 'Content-Type': file.type, 'Content-Security-Policy': CSP,
        'X-Content-Type-Options': 'nosniff', 'Referrer-Policy': 'no-referrer' });
      return response.end(file.body);
    }
    if (url.pathname === '/api/v1/auth/exchange') return this.exchange(body, reply);
    if (url.pathname === '/api/v1/auth') {
      return reply(200, { user: this.signedIn(request) ? { ...this.people.users[0], role: this.role } : null });
    }
    if (!this.signedIn(request)) return fail(reply, 401, 'denied', 'sign in first');
    return this.route(request.method, url, body, reply);
  }

  exchange(body, reply) {
    if (!this.tokens.delete(body.token)) return fail(reply, 401, 'denied', 'token: unknown or used');
    const cookie = `c${this.nextId++}`;
    this.cookies.add(cookie);
    return reply(204, undefined, {
      'Set-Cookie': `nexflow_session=${cookie}; HttpOnly; SameSite=Strict; Path=/` });
  }

  route(method, url, body, reply) {
    const path = url.pathname.replace('/api/v1/', '');
    if (/^(users|pairings|channels|status$)/.test(path)) return this.people.route(method, path, body, reply, this.role, url.searchParams);
    if (path === 'auth/logout') {
      this.cookies.clear();
      return reply(204);
    }
    if (path === 'models') {
      return reply(200, { default: this.models[0]?.name ?? null, models: this.models, next_cursor: null, aliases: [] });
    }
    if (path === 'sessions') {
      const all = [...this.sessions.values()].sort((a, b) => (a.updated_at < b.updated_at ? 1 : -1));
      const answer = { sessions: all.map(publicSession), pinned: all.filter((s) => s.pinned).map(publicSession), next_cursor: null };
      return void setTimeout(() => reply(200, answer), this.listMs);
    }
    if (path === 'search') return this.search(url, reply);
    if (path === 'messages') return this.postMessage(body, reply);
    if (path === 'tasks') return reply(200, { tasks: this.tasks, next_cursor: null });
    if (path === 'usage') return reply(200, { usage: [] });
    if (path.startsWith('tasks/')) {
      return reply(200, { id: path.slice(6), steps: [
        { n: 1, kind: 'tool', call_id: `call-${path.slice(6)}`, duration_us: 420000, level: 'L2', worker: 7, bytes: 210 }] });
    }
    if (path.startsWith('approvals')) return this.approvalRoute(path.slice(10), body, reply);
    if (path.startsWith('skills')) return this.skills.route(method, path.slice(7), body, reply, url.search.slice(1));
    if (path === '/health') return reply(200, { status: 'ok', version: '1', uptime_s: 60, not_ready: this.reasons.map((r) => r.text), unready: this.reasons, sandbox: this.skills.sandbox, ...this.health });
    if (/^sessions\/\w+\/runs\/\w+\/files\/0$/.test(path)) return reply(200, this.filed, { 'Content-Type': 'image/png' });
    const match = /^sessions\/(\w+)(\/messages)?$/.exec(path);
    const session = match && this.sessions.get(match[1]);
    if (!session) return fail(reply, 404, 'not-found', 'no such session');
    if (match[2]) return this.page(session, url, reply);
    if (method === 'DELETE') return this.removeSession(session, reply);
    if (method === 'PATCH') {
      Object.assign(session, body);
      this.broadcast({ type: 'session', session_id: session.id, title: session.title, pinned: Boolean(session.pinned) });
    }
    return later(this.infoMs, reply, publicSession(session));
  }

  search(url, reply) {
    if (this.searching) return this.searching(url.searchParams, reply);
    const words = url.searchParams.get('q').toLowerCase().split(/\s+/).filter(Boolean);
    const hits = [...this.sessions.values()].flatMap((s) => s.messages
      .filter((m) => m.role !== 'tool' && words.every((word) => m.content.toLowerCase().includes(word)))
      .map((m) => ({ session_id: s.id, title: s.title, seq: m.seq, run_id: m.run_id, role: m.role, at: m.created_at,
                     snippet: m.content.slice(0, 80).replace(new RegExp(words[0], 'i'), '\u0002$&\u0003') })));
    return reply(200, { hits: hits.reverse().slice(0, 20), complete: true, next_cursor: null });
  }

  // With files, whose names stand in the text.
  postMessage(body, reply) {
    const marks = (body.files ?? []).map((f) => `[file ${f.name}: ${/^image/.test(f.media_type) ? 'a picture' : 'nothing that I can read'}]`);
    const content = [body.content, ...marks].filter(Boolean).join('\n\n');
    this.filed = body.files?.[0] ? Buffer.from(body.files[0].data, 'base64') : undefined;
    let answer;
    this.userMessage({ send: (text) => (answer = JSON.parse(text)) }, { ...body, content });
    answer ??= this.outcomes.get(body.message_id);
    return answer.type === 'accepted' ? reply(202, answer) : reply(429, { error: answer });
  }

  approvalRoute(approvalId, body, reply) {
    if (!approvalId) {
      return later(this.approvalsMs, reply, { approvals: [...this.approvals.values()].map((a) => ({ ...a.shown })) });
    }
    const found = this.approvals.get(approvalId);
    if (!found) return fail(reply, 409, 'conflict', 'it was decided already, or its time is over');
    const allowed = body.decision === 'allow';
    this.settle(found.shown, allowed ? 'allowed' : 'denied', allowed ? '' : `denied${body.reason ? `: ${body.reason}` : ''}`);
    return reply(200, found.shown);
  }

  // Wait for a decision; "" if it was allowed, else why not.
  ask(session, runId, tool, args) {
    const shown = { id: id(this.nextId++), run_id: runId, session_id: session?.id ?? null,
      user: { id: id(1), name: 'Owner' }, tool, arguments: args, workspace: '', version: 'ab'.repeat(32),
      status: 'pending', yours: true, created_at: new Date().toISOString(),
      expires_at: new Date(Date.now() + this.approvalMs).toISOString() };
    return new Promise((decided) => {
      const timer = setTimeout(() => this.settle(shown, 'expired', 'denied: nobody decided in time'), this.approvalMs);
      this.approvals.set(shown.id, { shown, decided, timer });
      this.broadcast({ type: 'approval', approval: shown });
    });
  }

  settle(shown, status, why) {
    const { decided, timer } = this.approvals.get(shown.id);
    clearTimeout(timer);
    this.approvals.delete(shown.id);
    shown.status = status;
    this.broadcast({ type: 'approval', approval: shown });
    decided(why);
  }

  removeSession(session, reply) {
    if (session.pending) return fail(reply, 409, 'conflict', 'a turn is running: stop it first');
    this.sessions.delete(session.id);
    this.broadcast({ type: 'session', session_id: session.id, deleted: true });
    return reply(204);
  }

  page(session, url, reply) {
    const limit = this.pageOf ?? Number(url.searchParams.get('limit') ?? 50);
    const end = Number(url.searchParams.get('cursor') ?? session.messages.length);
    const start = Math.max(0, end - limit);
    return reply(200, { messages: session.messages.slice(start, end),
                        next_cursor: start > 0 ? String(start) : null });
  }

  /* ---- WebSocket ---- */

  upgrade(request, socket, head) {
    if (request.url !== '/ws' || !this.signedIn(request)) return socket.destroy();
    return this.ws.handleUpgrade(request, socket, head, (ws) => {
      this.sockets.add(ws);
      for (const { shown } of this.approvals.values()) ws.send(JSON.stringify({ type: 'approval', approval: shown }));
      ws.on('close', () => this.sockets.delete(ws));
      ws.on('message', (data) => this.frame(ws, JSON.parse(data.toString())));
    });
  }

  broadcast(frame) {
    for (const socket of this.sockets) socket.send(JSON.stringify(frame));
  }

  frame(ws, frame) {
    if (frame.type === 'user_message') return this.userMessage(ws, frame);
    const session = this.sessions.get(frame.session_id);
    if (!session) {
      return ws.send(JSON.stringify({ type: 'error', code: 'not-found', message: 'no such session' }));
    }
    if (frame.type === 'stop') session.stopping = true;
    if (frame.type === 'resume') this.resume(ws, session, frame.after);
  }

  resume(ws, session, after) {
    for (const event of session.events) {
      if (event.seq <= after) continue;
      const bytes = Buffer.from(event.delta ?? '');
      const skip = after - (event.seq - bytes.length);
      const rest = bytes.length && skip > 0 ? { delta: bytes.subarray(skip).toString() } : {};
      ws.send(JSON.stringify({ ...event, ...rest }));
    }
  }

  userMessage(ws, frame) {
    this.received.push(frame.message_id);
    const first = this.outcomes.get(frame.message_id);
    if (first) return ws.send(JSON.stringify({ ...first, duplicate: true }));
    if (frame.content === 'mock:refuse') {
      return ws.send(JSON.stringify({ type: 'error', code: 'limit', message: 'too many messages wait',
                                      message_id: frame.message_id }));
    }
    const session = this.sessions.get(frame.session_id) ?? this.newSession(frame.content);
    const runId = id(this.nextId++);
    const seq = session.messages.length + 1;
    session.messages.push({ seq, role: 'user', content: frame.content, run_id: runId,
      message_id: frame.message_id, created_at: new Date().toISOString(),
      ...(frame.parent_seq === undefined || frame.parent_seq === null ? {} : { parent_seq: frame.parent_seq }) });
    session.pending++;
    session.updated_at = new Date().toISOString();
    const accepted = { type: 'accepted', message_id: frame.message_id, session_id: session.id,
      run_id: runId, seq, content: frame.content,
      ...(frame.parent_seq === undefined || frame.parent_seq === null ? {} : { parent_seq: frame.parent_seq }) };
    this.outcomes.set(frame.message_id, accepted);
    this.broadcast(accepted);
    session.work = session.work.then(() => this.answer(session, runId, seq, frame.content));
  }

  newSession(content) {
    const now = new Date().toISOString();
    const session = { id: id(this.nextId++), title: content.split('\n')[0].slice(0, 60), channel: 'web',
      created_at: now, updated_at: now, pending: 0, messages: [], events: [], fence: 0,
      stopping: false, work: Promise.resolve() };
    this.sessions.set(session.id, session);
    return session;
  }

  // A question and its answer, as if they had been said long ago.
  wrote(session, question, answer) {
    const about = { run_id: id(this.nextId++), created_at: new Date().toISOString() };
    const seq = session.messages.length + 1;
    session.messages.push({ seq, role: 'user', content: question, message_id: `m${seq}`, ...about },
                          { seq: seq + 1, role: 'assistant', content: answer, ...about });
  }

  async answer(session, runId, inputSeq, content) {
    const run = new Run(this, session, runId, content);
    run.emit({ type: 'RUN_STARTED', input_seq: inputSeq });
    await sleep(this.delayMs);
    if (content === 'mock:limited') {
      return run.fail('mock/echo-1: too many requests (429): try again in 30 s', { code: 'rate-limited', values: ['mock/echo-1', '30'] });
    }
    if (content === 'mock:error') return run.fail('mock: the provider answered 401: check llm.providers[0].api_key');
    if (content === 'mock:tool') await run.callTool('read_file', { path: 'notes/week.md' });
    if (content === 'mock:fail') await run.callTool('web_fetch', { url: 'https://example.org/' }, run.failed);
    if (content === 'mock:slow') await run.callTool('web_fetch', { url: 'https://example.org/big' }, run.slow);
    if (content === 'mock:ask') await run.callTool('notes_remove', { name: 'shopping list', all: true }, run.asks);
    return run.say(/^mock:(tool|fail|slow|ask)$/.test(content) ? 'It is **done**.' : content);
  }
}

class Run {
  pos = 0;
  messages = []; // stored all at once, when the run ends

  constructor(mock, session, runId, content) {
    Object.assign(this, { mock, session, runId, content, fence: ++session.fence });
    session.stopping = false;
  }

  emit(event) {
    this.pos += 'delta' in event ? Buffer.byteLength(event.delta) : 1;
    const full = { ...event, seq: this.fence * ATTEMPT + this.pos, session_id: this.session.id,
                   run_id: this.runId };
    this.session.events.push(full);
    this.mock.broadcast(full);
  }

  // `work` says what comes back: { content, is_error? }.
  async callTool(name, args, work = this.works) {
    const call = { toolCallId: `call-${this.runId}` };
    const text = JSON.stringify(args);
    this.emit({ type: 'TOOL_CALL_START', ...call, toolCallName: name });
    for (const delta of [text.slice(0, 11), text.slice(11)]) this.emit({ type: 'TOOL_CALL_ARGS', ...call, delta });
    this.emit({ type: 'TOOL_CALL_END', ...call });
    const result = { is_error: false, ...(await work.call(this, call, text)) };
    this.emit({ type: 'TOOL_CALL_RESULT', ...call, ...result });
    this.store({ role: 'assistant', content: '', tool_calls: [{ id: call.toolCallId, name, arguments: text }] });
    this.store({ role: 'tool', tool_call_id: call.toolCallId, ...result });
  }

  meanwhile(name, value) {
    this.mock.broadcast({ type: 'CUSTOM', name, value, session_id: this.session.id, run_id: this.runId });
  }

  async works(call) {
    this.meanwhile('tool_status', { ...call, status: 'running' });
    await sleep(this.mock.delayMs * 4);
    return { content: '{"lines": 3}' };
  }

  async failed(call) {
    this.meanwhile('tool_status', { ...call, status: 'running' });
    await sleep(this.mock.delayMs * 4);
    return { content: 'error: url: example.org is not granted to this skill', is_error: true };
  }

  async slow(call) {
    this.meanwhile('tool_status', { ...call, status: 'running' });
    this.meanwhile('tool_progress', { ...call, percent: 40, text: 'Fetched 2 of 5 MiB' });
    await new Promise((resolve) => (this.mock.release = resolve));
    return { content: 'A long page.' };
  }

  async asks(call, text) {
    this.meanwhile('tool_status', { ...call, status: 'waiting_approval' });
    const why = await this.mock.ask(this.session, this.runId, 'notes_remove', text);
    return why ? { content: `error: ${why}`, is_error: true } : { content: '{"removed": 1}' };
  }

  async say(text) {
    const messageId = `${this.runId}-${this.fence}-0`;
    let said = '';
    this.emit({ type: 'TEXT_MESSAGE_START', messageId, role: 'assistant' });
    for (const [n, delta] of (text.match(new RegExp(`[^]{1,${CHUNK}}`, 'gu')) ?? []).entries()) {
      while (n >= this.mock.heldFrom && !this.session.stopping) await sleep(5);
      if (this.session.stopping) break;
      this.emit({ type: 'TEXT_MESSAGE_CONTENT', messageId, delta });
      said += delta;
      await sleep(this.mock.delayMs);
    }
    this.emit({ type: 'TEXT_MESSAGE_END', messageId });
    const stopped = this.session.stopping;
    const model = 'mock/echo-1';
    this.end({ role: 'assistant', content: said, model });
    this.emit({ type: 'RUN_FINISHED', model, usage: { input_tokens: 42, output_tokens: said.length },
                ...(stopped ? { stopped } : {}) });
  }

  fail(message, said = {}) {
    this.end({ role: 'notice', content: message, ...said });
    this.emit({ type: 'RUN_ERROR', message, ...said });
  }

  store(message) {
    this.messages.push({ run_id: this.runId, created_at: new Date().toISOString(), ...message });
  }

  end(message) {
    this.store(message);
    for (const m of this.messages) this.session.messages.push({ seq: this.session.messages.length + 1, ...m });
    this.session.pending--;
    this.session.updated_at = new Date().toISOString();
  }
}

// What is so now, after the first of these pauses.
function later(pauses, reply, answer) {
  const pause = pauses.shift() ?? 0;
  return pause ? void setTimeout(() => reply(200, answer), pause) : reply(200, answer);
}

export function fail(reply, status, code, message) {
  return reply(status, { error: { code, message } });
}

function publicSession(s) {
  return { id: s.id, title: s.title, channel: s.channel, created_at: s.created_at,
           updated_at: s.updated_at, pending: s.pending, last_seq: s.messages.length,
           pinned: Boolean(s.pinned),
           resume_after: s.pending ? s.fence * ATTEMPT - 1 : (s.fence + 1) * ATTEMPT - 1 };
}
