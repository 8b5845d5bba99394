// Builds the page: bundles, compresses, and lists the files for embedding.
//
//   node build.mjs [OUT]     into OUT, or $NF_UI_OUT, or ./dist
//   node build.mjs --test    runs test/*.test.ts
//
// OUT then holds every file as NAME.gz and assets.tsv, one line per file:
// path, file, content type, bytes, ETag (SHA-256 of the plain bytes), immutable (0 or 1).
// $NF_UI_MODULES is the directory that holds node_modules, if it is not this one.
import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { icon } from './icons.mjs';

const here = dirname(fileURLToPath(import.meta.url));
const modules = resolve(process.env.NF_UI_MODULES ?? here);
const esbuild = createRequire(join(modules, 'package.json'))('esbuild');

// Bounds on what a visitor loads, in compressed bytes.
const FIRST_LOAD_MAX = 60 * 1024;
const CHUNK_MAX = 80 * 1024; // of what comes later, each
const TOTAL_MAX = 250 * 1024;

const TYPES = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
  svg: 'image/svg+xml',
  png: 'image/png',
  txt: 'text/plain; charset=utf-8',
  webmanifest: 'application/manifest+json',
};

const common = {
  absWorkingDir: here,
  bundle: true,
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  nodePaths: [join(modules, 'node_modules')],
  logLevel: 'warning',
};

async function runTests() {
  const out = await mkdtemp(join(tmpdir(), 'nexflow-ui-'));
  try {
    const tests = (await readdir(join(here, 'test'))).filter((f) => f.endsWith('.test.ts'));
    await esbuild.build({
      ...common,
      platform: 'node',
      entryPoints: tests.map((f) => join('test', f)),
      outdir: out,
      outExtension: { '.js': '.mjs' },
      sourcemap: 'inline',
    });
    const files = tests.map((f) => join(out, f.replace(/\.ts$/, '.mjs')));
    const env = { ...process.env, NF_TREE: resolve(here, '../../..') };
    return spawnSync(process.execPath, ['--test', ...files], { stdio: 'inherit', env }).status ?? 1;
  } finally {
    await rm(out, { recursive: true, force: true });
  }
}

// The licences of all packages that end up in the bundle.
async function notices(metafile) {
  const names = new Set();
  for (const input of Object.keys(metafile.inputs)) {
    const match = /node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input.replaceAll('\\', '/'));
    if (match) names.add(match[1]);
  }
  const parts = [];
  for (const name of [...names].sort()) {
    const folder = join(modules, 'node_modules', name);
    const about = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'));
    const licence = (await readdir(folder)).find((f) => /^licen[cs]e/i.test(f));
    const text = licence ? await readFile(join(folder, licence), 'utf8') : about.license;
    parts.push(`${about.name} ${about.version} (${about.license})\n\n${text.trim()}\n`);
  }
  return parts.join(`\n${'-'.repeat(72)}\n\n`);
}

// Parts that are loaded later import the core as a whole. esbuild makes a file for each set of parts
// that share something; so they all share the same, and the core is one file instead of ten.
const wholeCore = {
  name: 'whole-core',
  setup(build) {
    build.onLoad({ filter: /[\\/]src[\\/](pages[\\/]\w+|view[\\/](thread|palette))\.tsx$/ }, async ({ path }) => ({
      contents: `${await readFile(path, 'utf8')}\nimport '../core';\n`,
      loader: 'tsx',
    }));
  },
};

async function bundle() {
  // Sources and packages always lie in the same way to one another: the hashes in the names of
  // chunks depend on their paths, and a build shall give the same bytes wherever it runs.
  if (modules !== here) {
    await rm(join(modules, 'src'), { recursive: true, force: true });
    await cp(join(here, 'src'), join(modules, 'src'), { recursive: true });
  }
  const result = await esbuild.build({
    ...common,
    absWorkingDir: modules,
    entryPoints: { app: 'src/main.tsx', style: 'src/style.css', pages: 'src/css/pages.css' },
    outdir: 'out',
    plugins: [wholeCore],
    chunkNames: 'chunk-[name]-[hash]',
    splitting: true,
    minify: true,
    legalComments: 'none',
    metafile: true,
    write: false,
  });
  const files = new Map();
  for (const file of result.outputFiles) {
    files.set(relative(join(modules, 'out'), file.path), Buffer.from(file.contents));
  }
  const start = atStart(result.metafile);
  files.delete('app.js');
  files.set('index.html', await page(start));
  const mark = await readFile(join(here, 'src/favicon.svg'), 'utf8');
  files.set('favicon.svg', Buffer.from(mark));
  files.set('icon-192.png', icon(mark, 192));
  files.set('icon-512.png', icon(mark, 512));
  files.set('icon-mask.png', icon(mark, 512, true));
  files.set('manifest.webmanifest', await readFile(join(here, 'src/manifest.webmanifest')));
  files.set('licenses.txt', Buffer.from(await notices(result.metafile)));
  files.set('sw.js', await worker(files));
  return { files, first: new Set([...start, 'style.css', 'index.html', 'favicon.svg']) };
}

// The service worker, which knows all files of its build.
async function worker(files) {
  const paths = [...files.keys()].filter((name) => name !== 'licenses.txt').sort();
  const hash = createHash('sha256');
  for (const name of paths) hash.update(name).update(files.get(name));
  const result = await esbuild.build({
    ...common,
    absWorkingDir: modules,
    entryPoints: ['src/sw.ts'],
    define: {
      NF_FILES: JSON.stringify(paths.map((name) => (name === 'index.html' ? '/' : `/${name}`))),
      NF_VERSION: JSON.stringify(hash.digest('hex').slice(0, 16)),
    },
    minify: true,
    write: false,
  });
  return Buffer.from(result.outputFiles[0].contents);
}

// The scripts that run before anything is shown: the core, first, and what it imports at once.
function atStart({ outputs }) {
  const core = Object.keys(outputs).find((name) => 'src/core.tsx' in outputs[name].inputs);
  const found = new Set([core]);
  for (const name of found) {
    for (const { path, kind } of outputs[name].imports) {
      if (kind === 'import-statement') found.add(path);
    }
  }
  return [...found].map((name) => relative('out', name));
}

// The core is named itself, and not the entry that only imports it: one request and one wait less. What
// it imports is named too, so that a browser asks for all of it at the same time.
async function page([core, ...others]) {
  const text = await readFile(join(here, 'src/index.html'), 'utf8');
  const links = others.sort().map((name) => `<link rel="modulepreload" href="/${name}" />\n    `);
  return Buffer.from(text.replace('<script type="module" src="/app.js">', `${links.join('')}<script type="module" src="/${core}">`));
}

async function build(out) {
  const { files, first: atFirst } = await bundle();
  await mkdir(out, { recursive: true });
  for (const old of await readdir(out)) {
    if (old.endsWith('.gz')) await rm(join(out, old)); // an earlier build's chunks
  }

  const rows = [];
  let first = 0;
  let total = 0;
  const large = [];
  for (const [name, bytes] of [...files].sort(([a], [b]) => (a < b ? -1 : 1))) {
    const packed = gzipSync(bytes, { level: 9 });
    packed[9] = 255; // "unknown system", so that every build gives the same bytes
    const hashed = name.startsWith('chunk-');
    total += packed.length;
    if (atFirst.has(name)) first += packed.length;
    else if (packed.length > CHUNK_MAX) large.push(name);
    const etag = createHash('sha256').update(bytes).digest('hex');
    const path = name === 'index.html' ? '/' : `/${name}`;
    const type = TYPES[name.slice(name.lastIndexOf('.') + 1)];
    rows.push([path, `${name}.gz`, type, bytes.length, etag, hashed ? 1 : 0].join('\t'));
    await writeFile(join(out, `${name}.gz`), packed);
  }
  await writeFile(join(out, 'assets.tsv'), `${rows.join('\n')}\n`);

  console.log(`page: ${first} bytes at first, ${total} in all, compressed`);
  if (first > FIRST_LOAD_MAX || total > TOTAL_MAX || large.length) {
    console.error(`page: over the bound of ${FIRST_LOAD_MAX} at first, ${TOTAL_MAX} in all or ${CHUNK_MAX} for ${large.join(', ') || 'one file'}`);
    return 1;
  }
  return 0;
}

const argument = process.argv[2];
process.exitCode =
  argument === '--test'
    ? await runTests()
    : await build(resolve(argument ?? process.env.NF_UI_OUT ?? join(here, 'dist')));
