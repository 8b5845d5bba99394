// The browser's database, for what is too big for its storage: files on their way, and what was read.
export type Store = 'files' | 'history';

function database(): Promise<IDBDatabase> {
  return new Promise((resolve, reject) => {
    const opening = indexedDB.open('nexflow', 1);
    opening.onupgradeneeded = () => {
      opening.result.createObjectStore('files');
      opening.result.createObjectStore('history');
    };
    opening.onsuccess = () => resolve(opening.result);
    opening.onerror = () => reject(opening.error ?? new Error('no database'));
  });
}

async function run<T>(name: Store, mode: IDBTransactionMode, work: (store: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  const db = await database();
  try {
    return await new Promise((resolve, reject) => {
      const request = work(db.transaction(name, mode).objectStore(name));
      request.onsuccess = () => resolve(request.result);
      request.onerror = () => reject(request.error ?? new Error('database'));
    });
  } finally {
    db.close();
  }
}

// None of them fails: where there is no database nothing is kept and nothing is found.
export const idb = {
  get: <T>(name: Store, key: string): Promise<T | undefined> =>
    run<T | undefined>(name, 'readonly', (store) => store.get(key)).catch(() => undefined),
  put: (name: Store, key: string, value: unknown): Promise<unknown> =>
    run(name, 'readwrite', (store) => store.put(value, key)).catch(() => undefined),
  drop: (name: Store, key: string): Promise<unknown> =>
    run(name, 'readwrite', (store) => store.delete(key)).catch(() => undefined),
  clear: (name: Store): Promise<unknown> =>
    run(name, 'readwrite', (store) => store.clear()).catch(() => undefined),
};
