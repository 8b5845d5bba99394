import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { DRAFT_PREFIX, settings, t } from '../settings';
import { current, isNew, running, send, stop } from '../store';
import { Icon } from './icons';

const draftKey = (): string => `${DRAFT_PREFIX}${isNew.value ? 'new' : current.value}`;

export function Composer() {
  const area = useRef<HTMLTextAreaElement>(null);
  const [text, setText] = useState(() => settings.get(draftKey()) ?? '');
  const chat = current.value;

  useEffect(() => {
    setText(settings.get(draftKey()) ?? '');
    if (matchMedia('(pointer: fine)').matches) area.current?.focus();
  }, [chat]);
  useLayoutEffect(() => {
    const box = area.current;
    if (!box) return;
    box.style.height = 'auto';
    box.style.height = `${box.scrollHeight}px`;
  }, [text]);

  const change = (value: string): void => {
    setText(value);
    settings.set(draftKey(), value || null);
  };
  const submit = (): void => {
    if (!text.trim()) return;
    settings.set(draftKey(), null);
    setText('');
    send(text);
    area.current?.focus();
  };

  return (
    <form class="composer" onSubmit={(event) => {
      event.preventDefault();
      submit();
    }}>
      <div class="composer-box">
        <textarea id="composer" ref={area} rows={1} value={text} placeholder={t('placeholder')}
          aria-label={t('composer')} aria-describedby="composer-hint" enterkeyhint="send"
          onInput={(event) => change(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.shiftKey || event.isComposing) return;
            event.preventDefault();
            submit();
          }} />
        {running.value && (
          <button type="button" class="round stop" aria-label={t('stop')} title={`${t('stop')} (Esc)`}
            onClick={stop}><Icon name="stop" /></button>
        )}
        {(!running.value || text.trim()) && (
          <button type="submit" class="round" aria-label={t('send')} title={t('send')}
            disabled={!text.trim()}><Icon name="send" /></button>
        )}
      </div>
      <p id="composer-hint" class="hint">{t('hint')}</p>
    </form>
  );
}
