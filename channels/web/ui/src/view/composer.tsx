import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { addFile, FILES_MAX, setWaiting, waitingIn } from '../attachments';
import type { Attached } from '../protocol';
import { DRAFT_PREFIX, settings, t } from '../settings';
import { current, isNew, lastQuestion, problem, running, send, stop } from '../store';
import { Icon } from './icons';
import { editing } from './ui';

// As high as its text: where the style cannot say so, it is measured at each key.
const SIZES_ITSELF = CSS.supports('field-sizing', 'content');

const draftKey = (): string => `${DRAFT_PREFIX}${isNew.value ? 'new' : current.value}`;

const files = (): Attached[] => waitingIn(current.value);

// They stay with the chat that they were attached in, wherever a person is by the time they are read.
async function attach(list: Iterable<File>): Promise<void> {
  const chat = current.value;
  for (const file of list) {
    if (waitingIn(chat).length >= FILES_MAX) {
      problem.value = t('tooMany', { n: String(FILES_MAX) });
      return;
    }
    const outcome = await addFile(chat, file);
    if (outcome === 'gone') return;
    if (outcome !== 'added') problem.value = t(outcome, { name: file.name });
  }
}

function detach(i: number): void {
  setWaiting(current.value, files().filter((_, k) => k !== i));
}

function Chips() {
  const all = files();
  if (!all.length) return null;
  return (
    <ul class="chips">
      {all.map((file, i) => (
        <li key={i}>
          {/^image\/(png|jpeg|gif|webp)$/.test(file.media_type)
            ? <img src={`data:${file.media_type};base64,${file.data}`} alt="" /> : <Icon name="file" />}
          <span>{file.name}</span>
          <button type="button" class="quiet" aria-label={t('detach', { name: file.name })} title={t('detach', { name: file.name })}
            onClick={() => detach(i)}><Icon name="close" /></button>
        </li>
      ))}
    </ul>
  );
}

// Files may be dropped anywhere on the page.
function DropZone() {
  const [over, setOver] = useState(false);
  useEffect(() => {
    const has = (event: DragEvent): boolean => event.dataTransfer?.types.includes('Files') ?? false;
    const drag = (event: DragEvent): void => {
      if (!has(event)) return;
      event.preventDefault();
      setOver(true);
    };
    const leave = (event: DragEvent): void => {
      if (!event.relatedTarget) setOver(false);
    };
    const drop = (event: DragEvent): void => {
      setOver(false);
      if (!has(event)) return;
      event.preventDefault();
      void attach([...(event.dataTransfer?.files ?? [])]);
    };
    addEventListener('dragover', drag);
    addEventListener('dragleave', leave);
    addEventListener('drop', drop);
    return () => {
      removeEventListener('dragover', drag);
      removeEventListener('dragleave', leave);
      removeEventListener('drop', drop);
    };
  }, []);
  return over ? <div class="drop" aria-hidden="true"><p>{t('dropHere')}</p></div> : null;
}

export function Composer() {
  const area = useRef<HTMLTextAreaElement>(null);
  const picker = useRef<HTMLInputElement>(null);
  const [text, setText] = useState(() => settings.get(draftKey()) ?? '');
  const chat = current.value;
  const ready = Boolean(text.trim() || files().length);

  useEffect(() => {
    setText(settings.get(draftKey()) ?? '');
    editing.value = null;
    if (matchMedia('(pointer: fine)').matches) area.current?.focus();
  }, [chat]);
  useLayoutEffect(() => {
    const box = area.current;
    if (!box || SIZES_ITSELF) return;
    box.style.height = 'auto';
    box.style.height = `${box.scrollHeight}px`;
  }, [text]);

  const change = (value: string): void => {
    setText(value);
    settings.set(draftKey(), value || null);
  };
  const submit = (): void => {
    if (!ready) return;
    const with_ = files();
    settings.set(draftKey(), null);
    setText('');
    setWaiting(current.value, []);
    send(text.trim() ? text : '', { files: with_ });
    area.current?.focus();
  };
  const editLast = (): boolean => {
    const last = lastQuestion();
    if (!last || running.value) return false;
    editing.value = last.runId;
    return true;
  };

  return (
    <form class="composer" onSubmit={(event) => {
      event.preventDefault();
      submit();
    }}>
      <DropZone />
      <div class="composer-box">
        <Chips />
        <button type="button" class="quiet attach" aria-label={t('attach')} title={t('attach')}
          onClick={() => picker.current?.click()}><Icon name="clip" /></button>
        <input type="file" ref={picker} multiple hidden tabIndex={-1} onChange={(event) => {
          void attach([...(event.currentTarget.files ?? [])]);
          event.currentTarget.value = '';
        }} />
        <textarea id="composer" dir="auto" ref={area} rows={1} value={text} placeholder={t('placeholder')}
          aria-label={t('composer')} aria-describedby="composer-hint" enterkeyhint="send"
          onInput={(event) => change(event.currentTarget.value)}
          onPaste={(event) => {
            const pasted = [...(event.clipboardData?.files ?? [])];
            if (!pasted.length) return;
            event.preventDefault();
            void attach(pasted);
          }}
          onKeyDown={(event) => {
            if (event.isComposing) return;
            if (event.key === 'ArrowUp' && !text && !event.altKey && editLast()) event.preventDefault();
            if (event.key !== 'Enter' || event.shiftKey) return;
            event.preventDefault();
            submit();
          }} />
        {running.value && (
          <button type="button" class="round stop" aria-label={t('stop')} title={`${t('stop')} (Esc)`}
            onClick={stop}><Icon name="stop" /></button>
        )}
        {(!running.value || ready) && (
          <button type="submit" class="round" aria-label={t('send')} title={t('send')}
            disabled={!ready}><Icon name="send" /></button>
        )}
      </div>
      <p id="composer-hint" class="hint">{t('hint')}</p>
    </form>
  );
}
