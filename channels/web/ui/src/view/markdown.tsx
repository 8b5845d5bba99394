import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { MarkdownTail, type Block } from '../markdown';
import { t } from '../settings';
import { CopyButton } from './copy';
import { memo } from './memo';
import { drawn } from './tokens';

const COLOURED_MAX = 200000; // characters of a block of code; longer ones stay plain
const LONG_BLOCKS = 20; // from here on each block is left out while it is out of sight
const LONG_LINES = 40; // from here on code can be saved as a file

const EXTENSIONS: Record<string, string> = {
  bash: 'sh', sh: 'sh', c: 'c', cpp: 'cpp', css: 'css', go: 'go', html: 'html', java: 'java', javascript: 'js', js: 'js',
  json: 'json', markdown: 'md', python: 'py', py: 'py', rust: 'rs', sql: 'sql', typescript: 'ts', ts: 'ts', xml: 'xml', yaml: 'yaml',
};

export function save(name: string, text: string, type = 'text/plain'): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(new Blob([text], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 1000);
}

// While it is written only what is new is added, so that a selection in it stays.
function show(element: HTMLElement, text: string): void {
  const node = element.firstChild;
  const only = element.childNodes.length === 1 && node instanceof Text;
  if (only && text.startsWith(node.data)) node.appendData(text.slice(node.data.length));
  else element.textContent = text;
}

function CodeBlock({ lang, text, open }: { lang: string; text: string; open: boolean }) {
  const code = useRef<HTMLElement>(null);
  const [wrap, setWrap] = useState(false);
  useLayoutEffect(() => {
    if (code.current) show(code.current, text);
  }, [text]);
  useEffect(() => {
    if (open || !lang || text.length > COLOURED_MAX) return;
    let gone = false;
    void import('../highlight').then(({ highlight }) => {
      if (!gone && code.current) highlight(code.current, text, lang.toLowerCase());
    });
    return () => {
      gone = true;
    };
  }, [text, lang, open]);
  const lines = open ? 0 : text.split('\n', LONG_LINES + 1).length;
  return (
    <figure class={`code ${wrap ? 'wrap' : ''}`}>
      <figcaption>
        <span class="code-lang">{lang || 'text'}</span>
        <button type="button" class="quiet small" aria-pressed={wrap} onClick={() => setWrap(!wrap)}>{t('wrap')}</button>
        {lines > LONG_LINES && (
          <button type="button" class="quiet small" onClick={() => save(`code.${EXTENSIONS[lang.toLowerCase()] ?? 'txt'}`, text)}>
            {t('download')}
          </button>
        )}
        <CopyButton text={() => text} label={t('copyCode')} />
      </figcaption>
      <pre tabIndex={0}>
        <code ref={code} />
      </pre>
    </figure>
  );
}

function Formula({ text, display }: { text: string; display: boolean }) {
  const place = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    let gone = false;
    if (place.current) place.current.textContent = text;
    void import('./math').then(({ formula }) => {
      if (gone || !place.current) return;
      if (!formula(place.current, text, display)) place.current.textContent = text;
    });
    return () => {
      gone = true;
    };
  }, [text, display]);
  const Place = display ? 'div' : 'span';
  return <Place dir="ltr" class={`formula ${display ? 'display' : ''}`} tabIndex={display ? 0 : undefined} ref={place as never} />;
}

const BlockView = memo(({ block }: { block: Block }) => {
  if (block.code) return <CodeBlock {...block.code} />;
  return (
    <div class="block" dir="auto">
      {drawn(block.token, { Code: CodeBlock, Formula, growing: block.growing, level: block.level })}
    </div>
  );
});

export function Markdown({ text, open }: { text: string; open: boolean }) {
  const tail = useRef<MarkdownTail | null>(null);
  tail.current ??= new MarkdownTail();
  const blocks = tail.current.update(text, !open);
  return (
    <div class={`markdown ${blocks.length > LONG_BLOCKS ? 'long' : ''}`}>
      {blocks.map((block) => (
        <BlockView key={block.key} block={block} />
      ))}
    </div>
  );
}
