export const settingsLanguages = {
  en: {
    intro: 'Everything in {path}. What you change here is written into that file, line by line; its comments stay.',
    find: 'Find a setting', save: { one: 'Save {n} change', other: 'Save {n} changes' }, discard: 'Discard', saved: 'Saved and in force.', restart: 'Saved. These take effect after a restart: {keys}',
    conflict: 'Somebody changed the file meanwhile', conflictText: 'Your changes are still here. Read the file anew, look at them once more, then save.', reread: 'Read the file anew',
    needsRestart: 'after a restart', isDefault: 'default', reset: 'Reset to {value}', none: 'empty', isSet: 'is set', notSet: 'not set', newSecret: 'A new value replaces it',
    byHand: { one: '{n} entry, to be changed on its own page or in the file', other: '{n} entries, to be changed on their own page or in the file' }, bounds: '{min} to {max}', from: 'at least {min}', upTo: 'at most {max}', onePerLine: 'one per line', nothing: 'No setting has these words', changed: 'changed', failed: 'Not saved: {why}',
  },
  ru: {
    intro: 'Всё из {path}. Изменения записываются в этот файл построчно; его примечания остаются.',
    find: 'Найти настройку', save: { one: 'Сохранить {n} изменение', few: 'Сохранить {n} изменения', many: 'Сохранить {n} изменений', other: 'Сохранить {n} изменения' }, discard: 'Отменить', saved: 'Сохранено и действует.', restart: 'Сохранено. Подействует после перезапуска: {keys}',
    conflict: 'Кто-то изменил файл тем временем', conflictText: 'Ваши изменения никуда не делись. Прочтите файл заново, взгляните на них ещё раз и сохраните.', reread: 'Прочесть файл заново',
    needsRestart: 'после перезапуска', isDefault: 'по умолчанию', reset: 'Вернуть {value}', none: 'пусто', isSet: 'задано', notSet: 'не задано', newSecret: 'Новое значение заменит его',
    byHand: { one: '{n} запись; меняется на своей странице или в файле', few: '{n} записи; меняются на своей странице или в файле', many: '{n} записей; меняются на своей странице или в файле', other: '{n} записи; меняются на своей странице или в файле' }, bounds: 'от {min} до {max}', from: 'не меньше {min}', upTo: 'не больше {max}', onePerLine: 'по одному в строке', nothing: 'Нет настройки с такими словами', changed: 'изменено', failed: 'Не сохранено: {why}',
  },
} as const;
