import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, joined } from '../src/pages/lists';

test('what is not asked for is not in the address, and what is asked for is escaped', () => {
  assert.equal(addressOf('/api/v1/users', {}), '/api/v1/users');
  assert.equal(addressOf('/api/v1/users', { q: '', role: '' }), '/api/v1/users');
  assert.equal(addressOf('/api/v1/users', { q: 'a&b ё', role: '', limit: '50' }), '/api/v1/users?q=a%26b+%D1%91&limit=50');
});

test('pages are put together in order, and a row that is in both is there once, as it is now', () => {
  const idOf = (row: { id: string }): string => row.id;
  const first = [{ id: 'c', n: 2 }, { id: 'b', n: 2 }];
  const later = [{ id: 'b', n: 1 }, { id: 'a', n: 1 }];
  assert.deepEqual(joined(first, later, idOf), [{ id: 'c', n: 2 }, { id: 'b', n: 2 }, { id: 'a', n: 1 }]);
  assert.deepEqual(joined([], later, idOf), later);
  assert.deepEqual(joined(first, [], idOf), first);
});
