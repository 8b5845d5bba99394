// A question and what came of it.
import { useLayoutEffect, useRef } from 'preact/hooks';
import { cancelUpload, progress, splitMarks, type Mark } from '../attachments';
import { isOver, type Item, type NoticeItem, type Turn } from '../conversation';
import type { Unsent } from '../outbox';
import { costOf } from '../prices';
import type { Usage } from '../protocol';
import { format } from '../router';
import { inWords, number, t } from '../settings';
import { chooseVersion, conversation, current, discard, link, models, retry, running, sendVersion } from '../store';
import { CopyButton } from './copy';
import { Icon } from './icons';
import { Markdown } from './markdown';
import { memo } from './memo';
import { ToolCard } from './tool';
import { editing } from './ui';

// A turn is changed in place; only its version tells a component that it was.
interface Versioned {
  turn: Turn;
  version: number;
}

function Notice({ item, turn, last }: { item: NoticeItem; turn: Turn; last: boolean }) {
  return (
    <div class="notice">
      <Icon name="alert" />
      <div>
        <p>{inWords(item.text, item.code, item.values)}</p>
        {last && turn.user && (
          <button type="button" class="small" disabled={running.value}
            onClick={() => void sendVersion(turn, turn.user?.content ?? '')}>{t('retryTurn')}</button>
        )}
      </div>
    </div>
  );
}

function ItemView({ item, turn, over, version }: { item: Item; turn: Turn; over: boolean; version: number }) {
  if (item.kind === 'tool') return <ToolCard item={item} run={turn.runId} over={over} version={version} />;
  if (item.kind === 'notice') return <Notice item={item} turn={turn} last={over && item === turn.items.at(-1)} />;
  return <Markdown text={item.text} open={item.open && !over} />;
}

function usageText(usage: Usage | undefined): string | null {
  if (usage?.output_tokens === undefined && usage?.input_tokens === undefined) return null;
  const read = (usage.input_tokens ?? 0) + (usage.cache_read_tokens ?? 0) + (usage.cache_write_tokens ?? 0);
  return t('tokens', { in: number(read), out: number(usage.output_tokens ?? 0) });
}

function Footer({ turn }: Versioned) {
  const answer = turn.items.flatMap((i) => (i.kind === 'text' ? [i.text] : [])).join('\n\n');
  const usage = usageText(turn.usage);
  const cost = costOf(models.value, turn.model, turn.usage);
  if (!answer && !turn.model && turn.state !== 'stopped') return null;
  return (
    <footer class="answer-foot">
      {answer && <CopyButton text={() => answer} label={t('copyAnswer')} />}
      {turn.user && turn.state !== 'failed' && (
        <button type="button" class="quiet small" aria-label={t('regenerate')} title={t('regenerate')} disabled={running.value}
          onClick={() => void sendVersion(turn, turn.user?.content ?? '')}><Icon name="refresh" /></button>
      )}
      {isOver(turn) && (
        <a class="button quiet small" href={format('tasks', turn.runId)} aria-label={t('turnDetails')} title={t('turnDetails')}><Icon name="tasks" /></a>
      )}
      {turn.state === 'stopped' && <span class="badge">{t('answerStopped')}</span>}
      {turn.model && <span class="model">{turn.model}</span>}
      {usage && <span title={t('tokensHint')}>{usage}</span>}
      {cost && <span title={t('cost')}>{cost}</span>}
    </footer>
  );
}

function Waiting({ turn }: Versioned) {
  const last = turn.items.at(-1);
  if (isOver(turn) || (last?.kind === 'text' && last.text)) return null;
  if (last?.kind === 'tool' && last.result === undefined) return null; // its card says so
  const queued = turn.state === 'queued';
  return (
    <p class="waiting">
      <span class="dots" aria-hidden="true"><i /><i /><i /></span>
      {queued ? t('waiting') : t('thinking')}
    </p>
  );
}

// Pictures are fetched from the daemon when they come into view.
function Files({ marks, run }: { marks: Mark[]; run?: string }) {
  let n = 0;
  return (
    <ul class="files">
      {marks.map((mark, i) => {
        const kept = mark.what === 'a picture' || mark.what === 'a document';
        const at = kept && run ? `/api/v1/sessions/${current.value}/runs/${run}/files/${n++}` : null;
        return (
          <li key={i}>
            {at && mark.what === 'a picture'
              ? <a href={at} target="_blank" rel="noopener"><img src={at} alt={mark.name} loading="lazy" /></a>
              : at ? <a class="file" href={at} download={mark.name}><Icon name="file" />{mark.name}</a>
                : <span class="file" title={mark.what}><Icon name="file" />{mark.name}</span>}
          </li>
        );
      })}
    </ul>
  );
}

function Versions({ turn }: { turn: Turn }) {
  const all = conversation()?.versions(turn) ?? [];
  if (all.length < 2) return null;
  const at = all.indexOf(turn);
  const to = (i: number): void => chooseVersion(all[i]);
  return (
    <span class="versions" role="group" aria-label={t('version', { n: String(at + 1), all: String(all.length) })}>
      <button type="button" class="quiet small" disabled={at === 0 || running.value} aria-label={t('previousVersion')} title={t('previousVersion')}
        onClick={() => to(at - 1)}><Icon name="left" /></button>
      <span aria-hidden="true">{at + 1}/{all.length}</span>
      <button type="button" class="quiet small" disabled={at + 1 === all.length || running.value} aria-label={t('nextVersion')} title={t('nextVersion')}
        onClick={() => to(at + 1)}><Icon name="chevron" /></button>
    </span>
  );
}

function EditForm({ turn, text }: { turn: Turn; text: string }) {
  const area = useRef<HTMLTextAreaElement>(null);
  const done = (): void => {
    editing.value = null;
    document.getElementById('composer')?.focus();
  };
  const submit = (): void => {
    const now = area.current?.value.trim();
    if (!now || running.value) return;
    done();
    void sendVersion(turn, now);
  };
  useLayoutEffect(() => {
    const box = area.current;
    box?.focus();
    box?.setSelectionRange(box.value.length, box.value.length);
  }, []);
  return (
    <form class="edit" onSubmit={(event) => {
      event.preventDefault();
      submit();
    }}>
      <textarea class="field" ref={area} aria-label={t('edit')} defaultValue={text} rows={Math.min(12, text.split('\n').length + 1)}
        onKeyDown={(event) => {
          if (event.isComposing) return;
          if (event.key === 'Escape') {
            event.stopPropagation();
            done();
          } else if (event.key === 'Enter' && !event.shiftKey) {
            event.preventDefault();
            submit();
          }
        }} />
      <div class="row end">
        <button type="button" onClick={done}>{t('cancel')}</button>
        <button type="submit" class="primary" disabled={running.value}>{t('sendEdit')}</button>
      </div>
    </form>
  );
}

function Question({ turn }: Versioned) {
  const user = turn.user;
  if (!user) return null;
  const { text, marks } = splitMarks(user.content);
  return (
    <article class="message user" tabIndex={-1} aria-label={t('you')}>
      <h2 class="offscreen">{t('you')}</h2>
      {editing.value === turn.runId ? <EditForm turn={turn} text={text} /> : (
        <>
          {marks.length > 0 && <Files marks={marks} run={turn.runId} />}
          {text && <div class="bubble" dir="auto">{text}</div>}
          <div class="question-tools">
            <Versions turn={turn} />
            <span class="on-hover">
              <button type="button" class="quiet small" aria-label={t('edit')} title={t('edit')} disabled={running.value}
                onClick={() => (editing.value = turn.runId)}><Icon name="pencil" /></button>
              <CopyButton text={() => text} label={t('copy')} bare />
            </span>
          </div>
        </>
      )}
    </article>
  );
}

function TurnBody({ turn, version }: Versioned) {
  const over = isOver(turn);
  return (
    <div class="turn" data-run={turn.runId} data-state={turn.state}>
      <Question turn={turn} version={version} />
      {(turn.items.length > 0 || !over || turn.state === 'stopped') && (
        <article class="message assistant" tabIndex={-1} aria-label={t('assistant')} aria-busy={!over}>
          <h2 class="offscreen">{t('assistant')}</h2>
          {turn.items.map((item) => <ItemView key={item.id} item={item} turn={turn} over={over} version={version} />)}
          <Waiting turn={turn} version={version} />
          {over && <Footer turn={turn} version={version} />}
        </article>
      )}
    </div>
  );
}

export const TurnView = memo(TurnBody);

function Sending({ item }: { item: Unsent }) {
  const part = progress.value.get(item.messageId);
  if (part === undefined) return null;
  return (
    <p class="unsent">
      <progress max={1} value={part} aria-label={t('uploading', { percent: String(Math.round(part * 100)) })} />
      <span>{t('uploading', { percent: String(Math.round(part * 100)) })}</span>
      <button type="button" class="text" onClick={() => cancelUpload(item.messageId)}>{t('cancel')}</button>
    </p>
  );
}

export function UnsentView({ item }: { item: Unsent }) {
  return (
    <div class="turn" data-unsent={item.messageId}>
      <article class="message user" tabIndex={-1} aria-label={t('you')}>
        <h2 class="offscreen">{t('you')}</h2>
        {item.files && <Files marks={item.files.map(({ name }) => ({ name, what: '' }))} />}
        {item.content && <div dir="auto" class={`bubble ${item.error ? 'refused' : 'pending'}`}>{item.content}</div>}
        <Sending item={item} />
        {item.error ? (
          <p class="unsent refused">
            <span>{t('notSent', { reason: item.error })}</span>
            <button type="button" class="text" onClick={() => retry(item.messageId)}>{t('retry')}</button>
            <button type="button" class="text" onClick={() => discard(item.messageId)}>{t('discard')}</button>
          </p>
        ) : (
          link.value !== 'online' && (
            <p class="unsent">
              <span>{t('queuedOffline')}</span>
              <button type="button" class="text" onClick={() => discard(item.messageId)}>{t('discard')}</button>
            </p>
          )
        )}
      </article>
    </div>
  );
}
