import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Outbox, type Storage, type Unsent } from '../src/outbox';

class MemoryStorage implements Storage {
  map = new Map<string, string>();
  full = false;
  get length(): number {
    return this.map.size;
  }
  key(i: number): string | null {
    return [...this.map.keys()][i] ?? null;
  }
  getItem(key: string): string | null {
    return this.map.get(key) ?? null;
  }
  setItem(key: string, value: string): void {
    if (this.full) throw new Error('quota');
    this.map.set(key, value);
  }
  removeItem(key: string): void {
    this.map.delete(key);
  }
}

const unsent = (messageId: string, chat: string, sessionId: string | null, at = 1): Unsent =>
  ({ messageId, chat, sessionId, content: messageId, at });

test('a message survives a new page', () => {
  const storage = new MemoryStorage();
  new Outbox(storage).add(unsent('a', 's1', 's1'));
  assert.deepEqual(new Outbox(storage).sendable().map((i) => i.messageId), ['a']);
});

test('what was accepted is gone for good', () => {
  const storage = new MemoryStorage();
  const outbox = new Outbox(storage);
  outbox.add(unsent('a', 's1', 's1'));
  assert.equal(outbox.accepted('a', 's1')?.messageId, 'a');
  assert.equal(outbox.accepted('a', 's1'), undefined);
  assert.equal(storage.length, 0);
});

test('of a chat without a session only the first is sent, the rest follows to its session', () => {
  const outbox = new Outbox(new MemoryStorage());
  outbox.add(unsent('a', 'new:1', null, 1));
  outbox.add(unsent('b', 'new:1', null, 2));
  outbox.add(unsent('c', 'new:2', null, 3));
  assert.deepEqual(outbox.sendable().map((i) => i.messageId), ['a', 'c']);
  outbox.accepted('a', 's9');
  assert.deepEqual(outbox.sendable().map((i) => [i.messageId, i.sessionId]), [['b', 's9'], ['c', null]]);
});

test('a refused message waits for the person and blocks no other', () => {
  const outbox = new Outbox(new MemoryStorage());
  outbox.add(unsent('a', 'new:1', null, 1));
  outbox.add(unsent('b', 'new:1', null, 2));
  outbox.fail('a', 'too long');
  assert.deepEqual(outbox.sendable().map((i) => i.messageId), ['b']);
  outbox.fail('a', undefined);
  assert.deepEqual(outbox.sendable().map((i) => i.messageId), ['a']);
});

test('messages are sent in the order in which they were written', () => {
  const storage = new MemoryStorage();
  const outbox = new Outbox(storage);
  outbox.add(unsent('z', 's', 's', 1));
  outbox.add(unsent('a', 's', 's', 2));
  assert.deepEqual(new Outbox(storage).list().map((i) => i.messageId), ['z', 'a']);
});

test('what another tab adds or drops is followed', () => {
  const storage = new MemoryStorage();
  const mine = new Outbox(storage);
  const other = new Outbox(storage);
  other.add(unsent('a', 's', 's'));
  assert.equal(mine.follow('nexflow.unsent.a', 'x'), true);
  assert.equal(mine.list().length, 1);
  assert.equal(mine.follow('nexflow.unsent.a', null), true);
  assert.equal(mine.list().length, 0);
  assert.equal(mine.follow('other', 'x'), false);
});

test('a full or missing storage loses nothing while the page lives', () => {
  const storage = new MemoryStorage();
  storage.full = true;
  for (const outbox of [new Outbox(storage), new Outbox(null)]) {
    outbox.add(unsent('a', 's', 's'));
    assert.equal(outbox.sendable().length, 1);
  }
});

test('damaged entries are dropped', () => {
  const storage = new MemoryStorage();
  storage.map.set('nexflow.unsent.x', '{');
  assert.equal(new Outbox(storage).list().length, 0);
  assert.equal(storage.length, 0);
});

test('a late word of another tab does not bring back what the daemon has', () => {
  const storage = new MemoryStorage();
  const other = new Outbox(storage);
  const outbox = new Outbox(storage);
  outbox.accepted('a', 's1');
  other.add(unsent('a', 's1', 's1'));
  outbox.follow('nexflow.unsent.a', storage.getItem('nexflow.unsent.a'));
  assert.deepEqual(outbox.list(), []);
});
