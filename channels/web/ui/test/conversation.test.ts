import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Conversation, type ToolItem } from '../src/conversation';
import type { RunEvent, StoredMessage } from '../src/protocol';

const S = 's';
const bytes = (text: string): number => new TextEncoder().encode(text).length;

// The events of one attempt, with the positions that the daemon gives them.
function attempt(run: string, fence: number, texts: string[], inputSeq = 1, end = true): RunEvent[] {
  let pos = 0;
  const at = (width: number) => {
    pos += width;
    return { seq: fence * 2 ** 24 + pos, session_id: S, run_id: run };
  };
  const messageId = `${run}-${fence}-0`;
  const events: RunEvent[] = [{ type: 'RUN_STARTED', ...at(1), input_seq: inputSeq }];
  events.push({ type: 'TEXT_MESSAGE_START', ...at(1), messageId });
  for (const delta of texts) events.push({ type: 'TEXT_MESSAGE_CONTENT', ...at(bytes(delta)), messageId, delta });
  if (end) {
    events.push({ type: 'TEXT_MESSAGE_END', ...at(1), messageId });
    events.push({ type: 'RUN_FINISHED', ...at(1), model: 'p/m', usage: { input_tokens: 3, output_tokens: 4 } });
  }
  return events;
}

function opened(): Conversation {
  const chat = new Conversation(S);
  chat.loaded = true;
  return chat;
}

const text = (chat: Conversation, i = 0): string =>
  chat.turns[i].items.map((item) => (item.kind === 'text' ? item.text : '')).join('|');
const say = (chat: Conversation, run: string, seq: number): void => {
  chat.accepted({ type: 'accepted', message_id: `m${seq}`, session_id: S, run_id: run, seq, content: 'hi' });
};
const stored = (seq: number, role: StoredMessage['role'], run: string, content = 'x'): StoredMessage =>
  ({ seq, role, run_id: run, content, created_at: '2026-01-01T00:00:00Z' });

test('a run in order gives its text, model and usage', () => {
  const chat = opened();
  say(chat, 'r1', 1);
  for (const event of attempt('r1', 1, ['Hel', 'lo ', 'wörld'])) assert.equal(chat.apply(event), 'changed');
  assert.equal(text(chat), 'Hello wörld');
  assert.equal(chat.turns[0].state, 'done');
  assert.equal(chat.turns[0].model, 'p/m');
  assert.equal(chat.turns[0].usage?.output_tokens, 4);
});

test('events that come again change nothing', () => {
  const chat = opened();
  const events = attempt('r1', 1, ['a', 'b']);
  for (const event of events) chat.apply(event);
  for (const event of events) assert.equal(chat.apply(event), 'known');
  assert.equal(text(chat), 'ab');
});

test('a text that overlaps what is known is cut at its bytes', () => {
  const chat = opened();
  for (const event of attempt('r1', 1, ['aä'], 1, false)) chat.apply(event);
  const again = attempt('r1', 1, ['aä€z'], 1, false)[2];
  assert.equal(chat.apply(again), 'changed');
  assert.equal(text(chat), 'aä€z');
});

test('a missing event is noticed, and what follows it is not applied', () => {
  const chat = opened();
  const events = attempt('r1', 1, ['one', 'two', 'three']);
  chat.apply(events[0]);
  chat.apply(events[1]);
  chat.apply(events[2]);
  assert.equal(chat.apply(events[4]), 'gap');
  assert.equal(chat.after(), events[2].seq);
  for (const event of events.slice(3)) chat.apply(event);
  assert.equal(text(chat), 'onetwothree');
});

test('events of a run whose beginning is unknown are a gap', () => {
  const chat = opened();
  assert.equal(chat.apply(attempt('r1', 1, ['x'])[2]), 'gap');
});

test('a turn that begins again is void before', () => {
  const chat = opened();
  for (const event of attempt('r1', 1, ['first try'], 1, false)) chat.apply(event);
  for (const event of attempt('r1', 2, ['second'])) chat.apply(event);
  assert.equal(text(chat), 'second');
  assert.equal(chat.turns.length, 1);
});

test('an earlier attempt that arrives late is ignored', () => {
  const chat = opened();
  for (const event of attempt('r1', 2, ['new'], 1, false)) chat.apply(event);
  for (const event of attempt('r1', 1, ['old'])) assert.equal(chat.apply(event), 'known');
  assert.equal(text(chat), 'new');
});

test('every cut of a stream resumes to the same text', () => {
  const all = [...attempt('r1', 1, ['Ä', 'bc', '€uro', 'd'], 1), ...attempt('r2', 2, ['more', ' text'], 3)];
  for (let cut = 0; cut <= all.length; cut++) {
    const chat = opened();
    for (const event of all.slice(0, cut)) chat.apply(event);
    const after = chat.after();
    for (const event of all.filter((e) => e.seq > after)) chat.apply(event);
    assert.deepEqual([text(chat, 0), text(chat, 1)], ['Äbc€urod', 'more text']);
  }
});

test('a resume starts before the first turn that has not ended', () => {
  const chat = opened();
  const first = attempt('r1', 1, ['a'], 1, false);
  for (const event of first) chat.apply(event);
  for (const event of attempt('r2', 3, ['b'], 2)) chat.apply(event);
  assert.equal(chat.after(), first[first.length - 1].seq);
});

test('what is stored is not told twice by events, but gets its usage', () => {
  const chat = new Conversation(S);
  chat.addPage({ messages: [stored(1, 'user', 'r1'), stored(2, 'assistant', 'r1', 'answer')], next_cursor: null }, false);
  for (const event of attempt('r1', 1, ['answer'])) chat.apply(event);
  assert.equal(text(chat), 'answer');
  assert.equal(chat.turns[0].usage?.input_tokens, 3);
});

test('a page read again adds what is new and doubles nothing', () => {
  const chat = new Conversation(S);
  const page = { messages: [stored(1, 'user', 'r1'), stored(2, 'assistant', 'r1', 'a')], next_cursor: null };
  chat.addPage(page, false);
  chat.addPage({ messages: [...page.messages, stored(3, 'user', 'r2'), stored(4, 'assistant', 'r2', 'b')], next_cursor: null }, false);
  assert.deepEqual([text(chat, 0), text(chat, 1)], ['a', 'b']);
});

test('what is being streamed is not replaced by what is stored', () => {
  const chat = opened();
  for (const event of attempt('r1', 1, ['par'], 1, false)) chat.apply(event);
  chat.addPage({ messages: [stored(1, 'user', 'r1'), stored(2, 'assistant', 'r1', 'partial')], next_cursor: null }, false);
  assert.equal(text(chat), 'par');
  for (const event of attempt('r1', 1, ['par', 'tial'])) chat.apply(event);
  assert.equal(text(chat), 'partial');
});

test('events older than the first page are left to its cursor', () => {
  const chat = new Conversation(S);
  chat.addPage({ messages: [stored(9, 'user', 'r5'), stored(10, 'assistant', 'r5')], next_cursor: 'c' }, false);
  for (const event of attempt('r2', 1, ['old'])) assert.equal(chat.apply(event), 'known');
  assert.equal(chat.turns.length, 1);
});

test('an earlier page goes first and completes the turn that it cuts', () => {
  const chat = new Conversation(S);
  chat.addPage({ messages: [stored(3, 'assistant', 'r1', 'end'), stored(4, 'user', 'r2')], next_cursor: 'c' }, false);
  chat.addPage({ messages: [stored(1, 'user', 'r1'), stored(2, 'assistant', 'r1', 'begin')], next_cursor: null }, true);
  assert.equal(text(chat, 0), 'begin|end');
  assert.equal(chat.turns[0].user?.content, 'x');
  assert.equal(chat.older, null);
});

test('tool calls are put together from fragments', () => {
  const chat = opened();
  const at = (pos: number) => ({ seq: 2 ** 24 + pos, session_id: S, run_id: 'r1' });
  chat.apply({ type: 'RUN_STARTED', ...at(1), input_seq: 1 });
  chat.apply({ type: 'TOOL_CALL_START', ...at(2), toolCallId: 'c', toolCallName: 'read' });
  chat.apply({ type: 'TOOL_CALL_ARGS', ...at(6), toolCallId: 'c', delta: '{"a"' });
  chat.apply({ type: 'TOOL_CALL_ARGS', ...at(9), toolCallId: 'c', delta: ':1}' });
  chat.apply({ type: 'TOOL_CALL_END', ...at(10), toolCallId: 'c' });
  chat.apply({ type: 'TOOL_CALL_RESULT', ...at(11), toolCallId: 'c', content: 'ok' });
  assert.deepEqual(chat.turns[0].items, [{ kind: 'tool', id: 'c', name: 'read', args: '{"a":1}', result: 'ok', failed: undefined }]);
});

test('a call that waits, runs and tells how far it is, until its result comes', () => {
  const chat = opened();
  const at = (pos: number) => ({ seq: 2 ** 24 + pos, session_id: S, run_id: 'r1' });
  const item = () => chat.turns[0].items[0] as ToolItem;
  const custom = { type: 'CUSTOM', session_id: S, run_id: 'r1' } as const;
  const progress = (toolCallId = 'c') => chat.meanwhile(
    { ...custom, name: 'tool_progress', value: { toolCallId, percent: 40, text: 'half' } });
  const status = (value: 'waiting_approval' | 'running') => chat.meanwhile(
    { ...custom, name: 'tool_status', value: { toolCallId: 'c', status: value } });
  assert.equal(progress(), 'known');
  chat.apply({ type: 'RUN_STARTED', ...at(1), input_seq: 1 });
  chat.apply({ type: 'TOOL_CALL_START', ...at(2), toolCallId: 'c', toolCallName: 'read' });
  chat.apply({ type: 'TOOL_CALL_END', ...at(3), toolCallId: 'c' });
  assert.equal(status('waiting_approval'), 'changed');
  assert.equal(item().waits, true);
  assert.equal(status('running'), 'changed');
  assert.equal(item().waits, false);
  assert.ok(item().since);
  assert.equal(progress(), 'changed');
  assert.equal(progress('d'), 'known');
  assert.deepEqual(item().progress, { percent: 40, text: 'half' });
  chat.apply({ type: 'TOOL_CALL_RESULT', ...at(4), toolCallId: 'c', content: 'ok' });
  assert.equal(item().progress, undefined);
  assert.equal(progress(), 'known');
});

test('how a call ran is added to what is shown of it', () => {
  const chat = new Conversation(S);
  const call = { id: 'c', name: 'read', arguments: '{}' };
  chat.addPage({ messages: [stored(1, 'user', 'r1'), { ...stored(2, 'assistant', 'r1', ''), tool_calls: [call] },
    { ...stored(3, 'tool', 'r1', 'ok'), tool_call_id: 'c' }], next_cursor: null }, false);
  assert.ok(chat.hasTools('r1'));
  assert.ok(!chat.hasTools('r2'));
  const before = chat.turns[0].version;
  chat.ran('r1', [{}, { call_id: 'd', duration_us: 1 }, { call_id: 'c', duration_us: 1500, level: 'L3' }]);
  chat.ran('r2', []);
  assert.equal((chat.turns[0].items[0] as ToolItem).ms, 1.5);
  assert.ok(chat.turns[0].version > before);
});

test('stored tool calls get their results', () => {
  const chat = new Conversation(S);
  const call = { id: 'c', name: 'read', arguments: '{"a":1}' };
  chat.addPage({ messages: [
    stored(1, 'user', 'r1'),
    { ...stored(2, 'assistant', 'r1', ''), tool_calls: [call] },
    { ...stored(3, 'tool', 'r1', 'ok'), tool_call_id: 'c', is_error: true },
    stored(4, 'assistant', 'r1', 'end'),
  ], next_cursor: null }, false);
  assert.deepEqual(chat.turns[0].items.map((i) => i.kind), ['tool', 'text']);
  assert.deepEqual(chat.turns[0].items[0], { kind: 'tool', id: 'c', name: 'read', args: '{"a":1}', result: 'ok', failed: true });
});

test('a conversation begins where its messages end', () => {
  assert.equal(new Conversation(S, 77).after(), 77);
});

test('an error ends the turn with a card', () => {
  const chat = opened();
  const at = (pos: number) => ({ seq: 2 ** 24 + pos, session_id: S, run_id: 'r1' });
  chat.apply({ type: 'RUN_STARTED', ...at(1), input_seq: 1 });
  chat.apply({ type: 'RUN_ERROR', ...at(2), message: 'no key' });
  assert.equal(chat.turns[0].state, 'failed');
  assert.equal(chat.turns[0].items[0].kind, 'notice');
});

test('turns that the daemon does not count as pending have ended', () => {
  const chat = new Conversation(S);
  chat.addPage({ messages: [stored(1, 'user', 'r1'), stored(2, 'user', 'r2')], next_cursor: null }, false);
  chat.setPending(1);
  assert.deepEqual(chat.turns.map((turn) => turn.state), ['stopped', 'queued']);
});

test('a question put otherwise hides what it replaces, and can be looked at again', () => {
  const chat = new Conversation('s');
  const user = (seq: number, run: string, parent?: number) =>
    ({ seq, role: 'user' as const, content: `q${seq}`, run_id: run, created_at: '', ...(parent === undefined ? {} : { parent_seq: parent }) });
  const said = (seq: number, run: string) => ({ seq, role: 'assistant' as const, content: `a${seq}`, run_id: run, created_at: '' });
  chat.addPage({ next_cursor: null, messages: [user(1, 'a'), said(2, 'a'), user(3, 'b'), said(4, 'b'), user(5, 'c', 1), said(6, 'c'), user(7, 'd')] }, false);
  const runs = (): string => chat.shown().map((turn) => turn.runId).join('');
  assert.equal(runs(), 'acd');
  assert.equal(chat.goesOnFrom(), undefined);
  const [, b, c] = chat.turns;
  assert.deepEqual(chat.versions(c), [b, c]);
  chat.choose(b);
  assert.equal(runs(), 'ab');
  assert.equal(chat.goesOnFrom(), 3);
  chat.choose(c);
  assert.equal(runs(), 'acd');
});

test('what a question goes on from is not known before it is loaded', () => {
  const chat = new Conversation('s');
  chat.addPage({ next_cursor: '5', messages: [
    { seq: 5, role: 'user', content: 'q', run_id: 'c', created_at: '' },
    { seq: 7, role: 'user', content: 'q', run_id: 'd', created_at: '', parent_seq: 1 }] }, false);
  assert.equal(chat.parentOf(chat.turns[0]), undefined);
  assert.deepEqual(chat.versions(chat.turns[0]), [chat.turns[0]]);
  assert.deepEqual(chat.shown().map((turn) => turn.runId), ['d']);
});

test('what was seen can be shown again, the newest of it, and is known to be read anew', () => {
  const chat = new Conversation('s');
  const messages = Array.from({ length: 8 }, (_, i) => ({
    seq: i + 1, role: i % 2 ? 'assistant' : 'user', content: `text ${i}`, run_id: `r${Math.floor(i / 2)}`, created_at: '' }));
  chat.addPage({ messages: messages as never, next_cursor: null }, false);
  const seen = structuredClone(chat.seen(3));
  assert.deepEqual(seen.turns.map((turn) => turn.user?.content), ['text 2', 'text 4', 'text 6']);
  assert.equal(seen.complete, false);
  const again = new Conversation('s');
  again.showKept(seen.turns, seen.complete);
  assert.equal(again.kept && again.loaded, true);
  assert.equal(again.older, '');
  assert.deepEqual(again.shown().map((turn) => turn.items.map((item) => item.kind === 'text' && item.text)), [['text 3'], ['text 5'], ['text 7']]);
  assert.equal(chat.seen(4).complete, true);
});

test('an answer under way goes on from what was seen of it, unless it began again', () => {
  const page = { messages: [stored(1, 'user', 'r1')], next_cursor: null };
  const kept = (): Conversation => {
    const chat = opened();
    for (const event of attempt('r1', 1, ['par'], 1, false)) chat.apply(event);
    const seen = chat.seen(5);
    for (const event of attempt('r1', 1, ['par', 'ti'], 1, false)) chat.apply(event); // and is written down later
    const again = new Conversation(S);
    again.showKept(seen.turns, seen.complete);
    return again;
  };
  const reread = (start: number, pending: number): Conversation => {
    const chat = new Conversation(S, start);
    chat.addPage(page, false);
    chat.setPending(pending);
    chat.goOnFrom(kept());
    return chat;
  };

  const same = reread(2 ** 24 - 1, 1);
  assert.equal(text(same), 'par');
  const events = attempt('r1', 1, ['par', 'tial']);
  for (const event of events.filter((e) => e.seq > same.after())) assert.equal(same.apply(event), 'changed');
  assert.equal(text(same), 'partial');
  assert.equal(same.turns[0].state, 'done');

  const anew = reread(2 * 2 ** 24 - 1, 1);
  for (const event of attempt('r1', 2, ['other']).filter((e) => e.seq > anew.after())) anew.apply(event);
  assert.equal(text(anew), 'other');

  const over = reread(2 * 2 ** 24 - 1, 0);
  assert.deepEqual([text(over), over.turns[0].state], ['', 'stopped']);
});
