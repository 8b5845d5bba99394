// Every text that a person sees. One key map; a language has all keys or it does not compile. English
// comes with the page, another language is loaded by who wants it. Pages have maps of their own.

export const en = {
  appName: 'Nexflow',
  newChat: 'New chat',
  skills: 'Skills',
  people: 'People',
  channels: 'Channels',
  schedules: 'Schedules',
  untitled: 'Untitled chat',
  sessions: 'Conversations',
  noSessions: 'Nothing here yet.',
  openMenu: 'Show conversations',
  closeMenu: 'Hide conversations',
  rename: 'Rename',
  remove: 'Delete',
  cancel: 'Cancel',
  save: 'Save',
  renameLabel: 'Title of the conversation',
  composer: 'Message',
  placeholder: 'Write a message',
  send: 'Send',
  stop: 'Stop',
  hint: 'Enter sends, Shift+Enter starts a new line',
  you: 'You',
  assistant: 'Nexflow',
  transcript: 'Conversation',
  welcome: 'What shall we work on?',
  starters: 'Examples',
  starter1: 'Explain what you can help me with',
  starter2: 'Plan my week from a few notes',
  starter3: 'Write a shell one-liner that finds large files',
  copy: 'Copy',
  copied: 'Copied',
  copyCode: 'Copy code',
  copyAnswer: 'Copy answer',
  waiting: 'Waiting for its turn',
  thinking: 'Thinking',
  answering: 'Answering',
  answerDone: 'Answer complete',
  answerStopped: 'Stopped',
  answerFailed: 'The answer failed',
  tokens: '{in} in · {out} out',
  tokensHint: 'Tokens read and written',
  toolRunning: 'running',
  toolDone: 'done',
  toolFailed: 'failed',
  toolWaits: 'waits for you',
  toolDuration: 'Time it took',
  toolRan: '{time} in a sandbox of level {level}, process {worker}',
  toolArgs: 'Asked',
  toolResult: 'Came back',
  ms: 'ms',
  s: 's',
  min: 'min',
  approvalTitle: 'Allow this call?',
  approvalElse: 'This call waits for the owner’s decision',
  approvalUser: 'Asked by',
  approvalTool: 'Tool',
  approvalPlace: 'Works on',
  approvalLeft: 'Denied automatically in {time}',
  approvalOver: 'The time to decide is over',
  allowOnce: 'Allow once',
  deny: 'Deny',
  denyReason: 'Why not? The model is told.',
  denyHint: 'May stay empty',
  approvalAsks: 'A tool waits for your decision',
  queued: 'Not sent yet',
  queuedOffline: 'Will be sent when the daemon is back',
  notSent: 'Not sent: {reason}',
  retry: 'Try again',
  discard: 'Discard',
  online: 'Online',
  offline: 'Offline, reconnecting',
  connecting: 'Connecting',
  loadOlder: 'Earlier messages',
  moreSessions: 'Earlier conversations',
  loading: 'Loading',
  toBottom: 'To the newest message',
  problem: 'Something went wrong',
  dismiss: 'Dismiss',
  noModelTitle: 'No model is connected yet',
  noModelText: 'Nexflow runs, but it has no language model to answer with. Add one in either way; this page notices by itself.',
  noModelUp: 'Or, on its machine, let it find keys and local servers for you:',
  noModelAsk: 'Nexflow runs, but it has no language model to answer with. Ask its owner to add one; this page notices by itself.',
  signedOutTitle: 'You are signed out',
  signedOutText: 'Get a fresh link on the machine that runs Nexflow, and open it here. It works once, for ten minutes.',
  badLinkTitle: 'This link does not work any more',
  signOut: 'Sign out',
  theme: 'Appearance',
  themeAuto: 'Auto',
  themeLight: 'Light',
  themeDark: 'Dark',
  language: 'Language',
  shortcuts: 'Keyboard shortcuts',
  keySend: 'Send the message',
  keyLine: 'New line',
  keyStop: 'Stop the answer',
  keyNew: 'New chat',
  keyMove: 'Previous or next message',
  keyHelp: 'Show this list',
  close: 'Close',
  sidebar: 'Sidebar',
  sections: 'Sections',
  chats: 'Chats',
  manage: 'Manage',
  today: 'Today',
  yesterday: 'Yesterday',
  thisWeek: 'Last 7 days',
  earlier: 'Earlier',
  nothingHere: 'There is nothing here',
  loadFailed: 'This part of the page could not be loaded.',
  wrap: 'Wrap',
  download: 'Download',
  pinned: 'Pinned',
  pin: 'Pin',
  unpin: 'Unpin',
  export: 'Export as',
  deletedText: '“{title}” was deleted',
  undo: 'Undo',
  edit: 'Edit',
  regenerate: 'Answer again',
  turnDetails: 'How this answer came about',
  version: 'Version {n} of {all}',
  previousVersion: 'Previous version',
  nextVersion: 'Next version',
  sendEdit: 'Send',
  filesLost: 'The files of this message are not in this browser any more: attach them again',
  cancelled: 'cancelled',
  attach: 'Attach files',
  detach: 'Remove {name}',
  dropHere: 'Drop files here',
  tooMany: 'At most {n} files can be attached to one message',
  tooBig: '“{name}” does not fit: at most 6 MiB in one message',
  unreadable: '“{name}” cannot be read',
  uploading: 'Sending {percent} %',
  search: 'Search',
  searchHint: 'Words from any conversation',
  searchNothing: 'Nothing was found',
  searchMore: 'More results',
  searchIndexing: 'Older messages are still being taken in',
  searchPages: 'Pages',
  searchChats: 'Conversations',
  searchMessages: 'Messages',
  keySearch: 'Search everything',
  keyEdit: 'Edit the last message',
  file: 'file',
  more: 'More',
  retryTurn: 'Try again',
  cost: 'Cost of this turn',
  overview: 'Overview',
  tasks: 'Tasks',
  health: 'Health',
  models: 'Models',
  model: 'Model of this conversation',
  modelDefault: '{name} (default)',
  settings: 'Settings',
  setupModel: 'Add a model',
  notFound: 'This conversation does not exist any more.',
};

export type Key = keyof typeof en;

export type Words = Record<Key, string>;
export type Language = 'en' | 'ru';

export function pickLanguage(stored: string | null, preferred: readonly string[]): Language {
  if (stored === 'en' || stored === 'ru') return stored;
  for (const tag of preferred) {
    const base = tag.toLowerCase().split('-')[0];
    if (base === 'en' || base === 'ru') return base;
  }
  return 'en';
}

// What a system calls its locale is not always a tag that Intl takes ("en-US@posix"): it throws.
function isLocale(tag: string): boolean {
  try {
    return Intl.DateTimeFormat.supportedLocalesOf(tag).length > 0;
  } catch {
    return false;
  }
}

// How times are written: as where the browser is, if that speaks this language.
export const localeOf = (language: Language, preferred: readonly string[]): string =>
  preferred.find((tag) => tag.toLowerCase().split('-')[0] === language && isLocale(tag)) ?? language;

export type Values = Record<string, string>;

// A text that depends on a number has a form for each kind of number that its language knows
// (Unicode CLDR, "Language Plural Rules"): `count` says which.
export type Forms = Partial<Record<Intl.LDMLPluralRule, string>> & { other: string };
export type Text = string | Forms;

export function formOf(text: Text, language: Language, count = 0): string {
  if (typeof text === 'string') return text;
  return text[new Intl.PluralRules(language).select(count)] ?? text.other;
}

export function fill(text: string, values: Values = {}): string {
  return text.replace(/\{(\w+)\}/g, (whole, name: string) => values[name] ?? whole);
}
