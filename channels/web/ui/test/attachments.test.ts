import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addFile, becameSession, BYTES_MAX, dropAll, setWaiting, splitMarks, waitingIn } from '../src/attachments';

// A browser's reader that is done when a test says so.
const reading: (() => void)[] = [];
class Reader {
  result = 'data:text/plain;base64,aGk=';
  onload?: () => void;
  onerror?: () => void;
  error = null;
  readAsDataURL(blob: Blob): void {
    reading.push(() => (blob.type === 'bad/file' ? this.onerror?.() : this.onload?.()));
  }
}
Object.assign(globalThis, { FileReader: Reader });

async function add(chat: string, size = 2, type = 'text/plain', meanwhile = async (): Promise<void> => {}): Promise<string> {
  const outcome = addFile(chat, Object.assign(new Blob([new Uint8Array(size)], { type }), { name: 'a.txt' }) as unknown as File);
  while (!reading.length) await Promise.resolve();
  await meanwhile();
  reading.shift()?.();
  return outcome;
}

test('a file that is read when somebody signs out is not for who comes next', async () => {
  assert.equal(await add('new'), 'added');
  assert.deepEqual(waitingIn('new').map((f) => f.name), ['a.txt']);
  assert.equal(await add('new', 2, 'text/plain', dropAll), 'gone');
  assert.equal(await add('new', 2, 'bad/file', dropAll), 'gone');
  assert.deepEqual(waitingIn('new'), []);
  assert.equal(await add('new'), 'added');
  becameSession('new', '01A');
  assert.equal(waitingIn('01A').length, 1);
  await dropAll();
  setWaiting('new', [{ name: 'b', media_type: 'text/plain', bytes: 1, data: 'YQ==' }]);
  assert.deepEqual([waitingIn('new').length, waitingIn('01A').length], [1, 0]);
  await dropAll();
});

test('what cannot be read and what is too big is told', async () => {
  assert.equal(await add('new', 2, 'bad/file'), 'unreadable');
  assert.equal(await add('new', BYTES_MAX + 1), 'tooBig');
  assert.deepEqual(waitingIn('new'), []);
});

test('what stands for files is taken out of a question', () => {
  assert.deepEqual(splitMarks('look\n\n[file cat.png: a picture]\n\n[file n.txt]\n~~~~~~\nline\n~~~~~~'),
    { text: 'look', marks: [{ name: 'cat.png', what: 'a picture' }, { name: 'n.txt', what: '' }] });
  assert.deepEqual(splitMarks('[file a.pdf: a document]'), { text: '', marks: [{ name: 'a.pdf', what: 'a document' }] });
  assert.deepEqual(splitMarks('no [file here] at all'), { text: 'no [file here] at all', marks: [] });
});
