// The conversation, which stays at its end while somebody looks at its end.
import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { t } from '../settings';
import {
  conversation, current, isNew, loadOlder, loadingOlder, models, revision, send, sessions, sessionsLoaded, unsent,
} from '../store';
import { asked } from '../approvals';
import { ApprovalCard } from './approval';
import { Setup } from './cards';
import { Icon } from './icons';
import { TurnView, UnsentView } from './turn';

const NEAR_END_PX = 64;
const NEAR_START_PX = 200;

function Welcome() {
  return (
    <div class="welcome">
      <p class="welcome-title">{t('welcome')}</p>
      <ul class="starters" aria-label={t('starters')}>
        {(['starter1', 'starter2', 'starter3'] as const).map((key) => (
          <li key={key}>
            <button type="button" onClick={() => send(t(key))}>{t(key)}</button>
          </li>
        ))}
      </ul>
    </div>
  );
}

function Turns() {
  void revision.value;
  const chat = conversation();
  const waiting = unsent.value.filter((item) => item.chat === current.value);
  if (!isNew.value && !chat?.loaded) return <p class="loading">{t('loading')}</p>;
  const empty = !chat?.turns.length && !waiting.length;
  return (
    <>
      {chat?.older && (
        <button type="button" class="text older" disabled={loadingOlder.value} onClick={() => void loadOlder()}>
          {loadingOlder.value ? t('loading') : t('loadOlder')}
        </button>
      )}
      {models.value?.models.length === 0 && <Setup />}
      {empty && models.value?.models.length !== 0 && sessionsLoaded.value && <Welcome />}
      {chat?.turns.map((turn) => <TurnView key={turn.runId} turn={turn} version={turn.version} />)}
      {asked(current.value, sessions.value).map((a) => <ApprovalCard key={a.id} approval={a} />)}
      {waiting.map((item) => <UnsentView key={item.messageId} item={item} />)}
    </>
  );
}

export function Transcript() {
  const scroller = useRef<HTMLDivElement>(null);
  const content = useRef<HTMLDivElement>(null);
  const atEnd = useRef(true);
  const [away, setAway] = useState(false);

  const toEnd = (): void => {
    const box = scroller.current;
    if (box) box.scrollTop = box.scrollHeight;
  };
  const onScroll = (): void => {
    const box = scroller.current;
    if (!box) return;
    atEnd.current = box.scrollHeight - box.scrollTop - box.clientHeight < NEAR_END_PX;
    setAway(!atEnd.current);
    if (box.scrollTop < NEAR_START_PX && box.scrollHeight > box.clientHeight) void keepPlace(box);
  };
  // What comes in above pushes nothing away from under the reader.
  const keepPlace = async (box: HTMLElement): Promise<void> => {
    if (!conversation()?.older || loadingOlder.value) return;
    const fromEnd = box.scrollHeight - box.scrollTop;
    await loadOlder();
    requestAnimationFrame(() => {
      box.scrollTop = box.scrollHeight - fromEnd;
    });
  };

  useEffect(() => {
    const observer = new ResizeObserver(() => {
      if (atEnd.current) toEnd();
    });
    if (content.current) observer.observe(content.current);
    if (scroller.current) observer.observe(scroller.current);
    return () => observer.disconnect();
  }, []);
  // Another conversation, or something just sent: show the end of it.
  const mine = unsent.value.length;
  useLayoutEffect(() => {
    atEnd.current = true;
    setAway(false);
    toEnd();
  }, [current.value, mine]);

  return (
    <div class="transcript-frame">
      <div class="transcript" ref={scroller} onScroll={onScroll} tabIndex={0} role="log" aria-live="off"
        aria-label={t('transcript')}>
        <div class="column" ref={content}>
          <Turns />
        </div>
      </div>
      {away && (
        <button type="button" class="to-end" aria-label={t('toBottom')} title={t('toBottom')} onClick={toEnd}>
          <Icon name="down" />
        </button>
      )}
    </div>
  );
}
