import { useEffect, useState } from 'preact/hooks';
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

export function CopyButton({ text, label, bare }: { text: () => string; label: string; bare?: boolean }) {
  const [copied, setCopied] = useState(false);
  useEffect(() => {
    if (!copied) return;
    const timer = setTimeout(() => setCopied(false), COPIED_MS);
    return () => clearTimeout(timer);
  }, [copied]);
  return (
    <button type="button" class="quiet small" aria-label={label} title={label}
      onClick={() => void toClipboard(text()).then(setCopied)}>
      <Icon name={copied ? 'check' : 'copy'} />
      {!bare && <span class="copy-word">{copied ? t('copied') : t('copy')}</span>}
    </button>
  );
}
