// The service worker: keeps the page's own files, so that it opens without the daemon. It answers
// nothing but those files; what the API says never passes through it.
//
// NF_FILES and NF_VERSION are filled in by build.mjs: all files of this build, and a hash over them.
declare const NF_FILES: string[];
declare const NF_VERSION: string;

interface Worker {
  addEventListener(type: string, listener: (event: never) => void): void;
  skipWaiting(): Promise<void>;
  clients: { claim(): Promise<void> };
  location: Location;
}
interface Extendable extends Event {
  waitUntil(work: Promise<unknown>): void;
}
interface Fetching extends Extendable {
  request: Request;
  respondWith(answer: Promise<Response> | Response): void;
}

const worker = globalThis as unknown as Worker;
const CACHE = `nexflow-${NF_VERSION}`;

worker.addEventListener('install', (event: Extendable) => {
  event.waitUntil(caches.open(CACHE).then((cache) => cache.addAll(NF_FILES)).then(() => worker.skipWaiting()));
});

worker.addEventListener('activate', (event: Extendable) => {
  event.waitUntil((async () => {
    for (const name of await caches.keys()) if (name.startsWith('nexflow-') && name !== CACHE) await caches.delete(name);
    await worker.clients.claim();
  })());
});

// The daemon first: it may have another version. What has a hash in its name cannot change.
async function answer(request: Request, path: string): Promise<Response> {
  const cache = await caches.open(CACHE);
  if (path.startsWith('/chunk-')) {
    const kept = await cache.match(path);
    if (kept) return kept;
  }
  try {
    return await fetch(request);
  } catch (error) {
    const kept = await cache.match(path);
    if (kept) return kept;
    throw error;
  }
}

worker.addEventListener('fetch', (event: Fetching) => {
  const url = new URL(event.request.url);
  if (event.request.method !== 'GET' || url.origin !== worker.location.origin) return;
  if (!NF_FILES.includes(url.pathname)) return;
  event.respondWith(answer(event.request, url.pathname));
});
export {};
