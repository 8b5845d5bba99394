import { memo } from './memo';
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { MarkdownTail, type Block } from '../markdown';
import { setHtml } from '../sanitize';
import { t } from '../settings';
import { Icon } from './icons';

const COPIED_MS = 1600;

// navigator.clipboard exists in secure contexts only, and a daemon in the home network is none.
async function toClipboard(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.className = 'offscreen';
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

export function CopyButton({ text, label }: { text: () => string; label: string }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <button
      type="button"
      class="quiet"
      aria-label={label}
      title={label}
      onClick={() => void toClipboard(text()).then(setCopied)}
    >
      <Icon name={copied ? 'check' : 'copy'} />
      <span class="copy-word">{copied ? t('copied') : t('copy')}</span>
    </button>
  );
}

function CodeBlock({ lang, text, open }: { lang: string; text: string; open: boolean }) {
  const code = useRef<HTMLElement>(null);
  useLayoutEffect(() => {
    if (code.current) code.current.textContent = text;
  }, [text]);
  useEffect(() => {
    if (open || !lang) return;
    let gone = false;
    void import('../highlight').then(({ highlight }) => {
      if (!gone && code.current) highlight(code.current, text, lang.toLowerCase());
    });
    return () => {
      gone = true;
    };
  }, [text, lang, open]);
  return (
    <figure class="code">
      <figcaption>
        <span>{lang || 'text'}</span>
        <CopyButton text={() => text} label={t('copyCode')} />
      </figcaption>
      <pre tabIndex={0}>
        <code ref={code} />
      </pre>
    </figure>
  );
}

// For code inside of a list or a quotation, which is part of that block's HTML.
function addCopyButton(pre: HTMLPreElement): void {
  const frame = document.createElement('div');
  const button = document.createElement('button');
  frame.className = 'nested-code';
  button.type = 'button';
  button.className = 'quiet';
  button.textContent = t('copy');
  button.setAttribute('aria-label', t('copyCode'));
  button.onclick = () => {
    void toClipboard(pre.textContent ?? '').then((done) => {
      if (done) button.textContent = t('copied');
    });
  };
  pre.replaceWith(frame);
  frame.append(pre, button);
}

function HtmlBlock({ html }: { html: string }) {
  const element = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    if (!element.current) return;
    setHtml(element.current, html);
    for (const pre of element.current.querySelectorAll('pre')) addCopyButton(pre);
  }, [html]);
  return <div class="block" ref={element} />;
}

const BlockView = memo(({ block }: { block: Block }) =>
  block.code ? <CodeBlock {...block.code} /> : <HtmlBlock html={block.html ?? ''} />);

export function Markdown({ text, open }: { text: string; open: boolean }) {
  const tail = useRef<MarkdownTail | null>(null);
  tail.current ??= new MarkdownTail();
  const blocks = tail.current.update(text, !open);
  return (
    <div class="markdown">
      {blocks.map((block) => (
        <BlockView key={block.key} block={block} />
      ))}
    </div>
  );
}
